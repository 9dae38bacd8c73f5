// Initialisation, devices, contexts.
#include <cstdio>
#include <cstring>
#include <iterator>
#include "settings.h"
#include "state.h"

namespace {

struct ResultText {
  CUresult result;
  const char* name;
  const char* text;
};

const ResultText RESULTS[] = {
#define RESULT(name, number, text) {name, #name, text},
#include "results.def"
#undef RESULT
};

const ResultText* textOf(CUresult result) {
  for (auto& each : RESULTS)
    if (each.result == result) return &each;
  return nullptr;
}

bool isDevice(CUdevice device) { return device >= 0 && device < settings::deviceCount(); }

/** Shared memory that a block may ask for, by compute capability. */
int sharedOptin(int capability) {
  switch (capability) {
    case 75: return 64 << 10;
    case 80: case 87: return 163 << 10;
    case 86: case 89: case 120: case 121: return 99 << 10;
    default: return capability < 75 ? 48 << 10 : 227 << 10;
  }
}

}  // namespace

int deviceAttribute(CUdevice_attribute attribute, int device) {
  int capability = settings::capability();
  switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK: return 1024;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X: return 1024;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y: return 1024;
    case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z: return 64;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X: return 2147483647;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y: return 65535;
    case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z: return 65535;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK: return 48 << 10;
    case CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY: return 64 << 10;
    case CU_DEVICE_ATTRIBUTE_WARP_SIZE: return 32;
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK: return 65536;
    case CU_DEVICE_ATTRIBUTE_CLOCK_RATE: return 1000000;
    case CU_DEVICE_ATTRIBUTE_GPU_OVERLAP: return 1;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: return settings::threads();
    case CU_DEVICE_ATTRIBUTE_KERNEL_EXEC_TIMEOUT: return 0;
    case CU_DEVICE_ATTRIBUTE_INTEGRATED: return 0;
    case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY: return 1;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_MODE: return 0;
    case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS: return 1;
    case CU_DEVICE_ATTRIBUTE_ECC_ENABLED: return 0;
    case CU_DEVICE_ATTRIBUTE_PCI_BUS_ID: return device + 1;
    case CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID: return 0;
    case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE: return 1000000;
    case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH: return 256;
    case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE: return 4 << 20;
    case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR: return capability == 75 ? 1024 : 2048;
    case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT: return 2;
    case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING: return 1;
    case CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID: return 0;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: return capability / 10;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: return capability % 10;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR: return sharedOptin(capability) + (1 << 10);
    case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR: return 65536;
    case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY: return 0;
    case CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH: return 0;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: return sharedOptin(capability);
    case CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK: return 1 << 10;
    case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED: return 0;
  }
  return -1;
}

namespace {

/** Frees all that the context holds. */
void destroy(Lock& lock, Context& context) {
  finish(lock, context);
  for (Stream* stream : context.streams) delete stream;
  for (Event* event : context.events) delete event;
  for (Module* module : context.modules) delete module;
  for (Graph* graph : context.graphs) delete graph;
  for (GraphExec* executable : context.executables) delete executable;
  int device = context.device;
  context.~Context();
  new (&context) Context;
  context.device = device;
  context.defaultStream.context = &context;
}

}  // namespace

EXPORT CUresult cuInit(unsigned flags) {
  Lock lock(world());
  if (flags) return CUDA_ERROR_INVALID_VALUE;
  if (CUresult failure = settings::initFailure()) return failure;
  if (settings::deviceCount() == 0) return CUDA_ERROR_NO_DEVICE;
  initialised() = true;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDriverGetVersion(int* version) {
  if (!version) return CUDA_ERROR_INVALID_VALUE;
  *version = settings::driverVersion();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGetErrorName(CUresult result, const char** name) {
  const ResultText* text = textOf(result);
  *name = text ? text->name : nullptr;
  return text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuGetErrorString(CUresult result, const char** string) {
  const ResultText* text = textOf(result);
  *string = text ? text->text : nullptr;
  return text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuDeviceGetCount(int* count) {
  BEGIN
  *count = settings::deviceCount();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  BEGIN
  if (!isDevice(ordinal)) return CUDA_ERROR_INVALID_DEVICE;
  *device = ordinal;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  BEGIN
  if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  if (!name || length < 1) return CUDA_ERROR_INVALID_VALUE;
  snprintf(name, size_t(length), "Emulated CUDA device");
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetUuid_v2(CUuuid* uuid, CUdevice device) {
  BEGIN
  if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  memcpy(uuid->bytes, "taeda emulator\0", 16);
  uuid->bytes[15] = char(device);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice device) { return cuDeviceGetUuid_v2(uuid, device); }

EXPORT CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice device) {
  BEGIN
  if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  *bytes = settings::memoryBytes();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute, CUdevice device) {
  BEGIN
  if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  int found = deviceAttribute(attribute, device);
  if (found < 0) return CUDA_ERROR_INVALID_VALUE;
  *value = found;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext* handle, CUdevice device) {
  BEGIN
  if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  Context& context = primaryContext(device);
  context.references++;
  *handle = &context;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  BEGIN
  if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  Context& context = primaryContext(device);
  if (context.references == 0) return CUDA_ERROR_INVALID_CONTEXT;
  if (--context.references == 0) destroy(lock, context);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
  BEGIN
  if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  Context& context = primaryContext(device);
  int references = context.references;
  destroy(lock, context);
  context.references = references;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned* flags, int* active) {
  BEGIN
  if (!isDevice(device)) return CUDA_ERROR_INVALID_DEVICE;
  *flags = 0;
  *active = primaryContext(device).references > 0;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned) {
  BEGIN
  return isDevice(device) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
  BEGIN
  currentContext = context;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetCurrent(CUcontext* context) {
  BEGIN
  *context = currentContext;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetDevice(CUdevice* device) {
  BEGIN_IN_CONTEXT
  *device = context.device;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSynchronize() {
  BEGIN_IN_CONTEXT
  NOT_WHILE_CAPTURING
  finish(lock, context);
  return context.fault;
}

EXPORT CUresult cuDeviceCanAccessPeer(int* can, CUdevice device, CUdevice other) {
  BEGIN
  if (!isDevice(device) || !isDevice(other)) return CUDA_ERROR_INVALID_DEVICE;
  *can = device != other && settings::peers();
  return CUDA_SUCCESS;
}

/** Kernels here cannot reach the other's memory even then: only copies are asked for. */
EXPORT CUresult cuCtxEnablePeerAccess(CUcontext handle, unsigned flags) {
  BEGIN_IN_CONTEXT
  if (flags) return CUDA_ERROR_INVALID_VALUE;
  Context* other = contextOf(handle);
  if (!other || other == &context) return CUDA_ERROR_INVALID_CONTEXT;
  if (!settings::peers()) return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
  return context.peers.insert(other->device).second ? CUDA_SUCCESS : CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED;
}
