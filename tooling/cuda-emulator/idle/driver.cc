// A driver that does nothing: each call of it succeeds at once, no kernel runs, no byte moves, and memory is addresses alone. What is
// left of a program's time on it is the program's own. It has what packages/backend-cuda/native/driver.h names.
#include <cstring>

#include "cuda.h"

namespace {

constexpr const char* NAME = "idle driver: nothing is computed";
constexpr size_t MEMORY = 64ull << 30;
/** Where addresses begin, and what they are multiples of, as the driver's are. */
constexpr CUdeviceptr FIRST_ADDRESS = 1ull << 32;
constexpr CUdeviceptr ALIGNMENT = 512;

CUdeviceptr nextAddress = FIRST_ADDRESS;
size_t nextHandle = 0;

/** A handle that is no other's. Nobody looks behind it. */
template <class Handle>
CUresult give(Handle* handle) {
  *handle = reinterpret_cast<Handle>((++nextHandle) * 16);
  return CUDA_SUCCESS;
}

int attribute(CUdevice_attribute which) {
  switch (which) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: return 9;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: return 0;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: return 132;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: return 227 << 10;
    default: return 0;
  }
}

}  // namespace

EXPORT CUresult cuInit(unsigned) { return CUDA_SUCCESS; }
EXPORT CUresult cuDriverGetVersion(int* version) { return *version = 13000, CUDA_SUCCESS; }
EXPORT CUresult cuGetErrorName(CUresult, const char**) { return CUDA_ERROR_INVALID_VALUE; }
EXPORT CUresult cuGetErrorString(CUresult, const char**) { return CUDA_ERROR_INVALID_VALUE; }

EXPORT CUresult cuDeviceGetCount(int* count) { return *count = 1, CUDA_SUCCESS; }
EXPORT CUresult cuDeviceGet(CUdevice* device, int) { return *device = 0, CUDA_SUCCESS; }
EXPORT CUresult cuDeviceGetName(char* name, int bytes, CUdevice) { return strncpy(name, NAME, bytes), CUDA_SUCCESS; }
EXPORT CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute which, CUdevice) {
  return *value = attribute(which), CUDA_SUCCESS;
}
EXPORT CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice) { return *bytes = MEMORY, CUDA_SUCCESS; }
EXPORT CUresult cuDeviceGetUuid(CUuuid* uuid, CUdevice) { return *uuid = {}, CUDA_SUCCESS; }
EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice) { return give(context); }
EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) { return CUDA_SUCCESS; }
EXPORT CUresult cuDevicePrimaryCtxReset_v2(CUdevice) { return CUDA_SUCCESS; }
EXPORT CUresult cuCtxSetCurrent(CUcontext) { return CUDA_SUCCESS; }
EXPORT CUresult cuDeviceCanAccessPeer(int* can, CUdevice, CUdevice) { return *can = 0, CUDA_SUCCESS; }
EXPORT CUresult cuCtxEnablePeerAccess(CUcontext, unsigned) { return CUDA_SUCCESS; }

EXPORT CUresult cuMemGetInfo_v2(size_t* free, size_t* total) { return *free = *total = MEMORY, CUDA_SUCCESS; }
EXPORT CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  *address = nextAddress;
  nextAddress += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  return CUDA_SUCCESS;
}
EXPORT CUresult cuMemFree_v2(CUdeviceptr) { return CUDA_SUCCESS; }
EXPORT CUresult cuMemHostRegister_v2(void*, size_t, unsigned) { return CUDA_SUCCESS; }
EXPORT CUresult cuMemHostUnregister(void*) { return CUDA_SUCCESS; }
EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr, const void*, size_t, CUstream) { return CUDA_SUCCESS; }
/** What a read finds is zeros: no faults. */
EXPORT CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr, size_t bytes, CUstream) {
  return memset(to, 0, bytes), CUDA_SUCCESS;
}
EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr, CUdeviceptr, size_t, CUstream) { return CUDA_SUCCESS; }
EXPORT CUresult cuMemcpyPeerAsync(CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t, CUstream) { return CUDA_SUCCESS; }
EXPORT CUresult cuMemsetD8Async(CUdeviceptr, unsigned char, size_t, CUstream) { return CUDA_SUCCESS; }

EXPORT CUresult cuModuleLoadDataEx(CUmodule* module, const void*, unsigned, CUjit_option*, void**) {
  return give(module);
}
EXPORT CUresult cuModuleUnload(CUmodule) { return CUDA_SUCCESS; }
EXPORT CUresult cuModuleGetFunction(CUfunction* function, CUmodule, const char*) { return give(function); }
EXPORT CUresult cuFuncSetAttribute(CUfunction, int, int) { return CUDA_SUCCESS; }
EXPORT CUresult cuLaunchKernel(CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                               CUstream, void**, void**) {
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamCreate(CUstream* stream, unsigned) { return give(stream); }
EXPORT CUresult cuStreamDestroy_v2(CUstream) { return CUDA_SUCCESS; }
EXPORT CUresult cuStreamSynchronize(CUstream) { return CUDA_SUCCESS; }
EXPORT CUresult cuStreamWaitEvent(CUstream, CUevent, unsigned) { return CUDA_SUCCESS; }
EXPORT CUresult cuStreamBeginCapture_v2(CUstream, int) { return CUDA_SUCCESS; }
EXPORT CUresult cuStreamEndCapture(CUstream, CUgraph* graph) { return give(graph); }

EXPORT CUresult cuEventCreate(CUevent* event, unsigned) { return give(event); }
EXPORT CUresult cuEventRecord(CUevent, CUstream) { return CUDA_SUCCESS; }
EXPORT CUresult cuEventQuery(CUevent) { return CUDA_SUCCESS; }
EXPORT CUresult cuEventSynchronize(CUevent) { return CUDA_SUCCESS; }
EXPORT CUresult cuEventElapsedTime(float* milliseconds, CUevent, CUevent) { return *milliseconds = 0, CUDA_SUCCESS; }
EXPORT CUresult cuEventDestroy_v2(CUevent) { return CUDA_SUCCESS; }

EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph, unsigned long long) {
  return give(executable);
}
EXPORT CUresult cuGraphLaunch(CUgraphExec, CUstream) { return CUDA_SUCCESS; }
EXPORT CUresult cuGraphExecDestroy(CUgraphExec) { return CUDA_SUCCESS; }
EXPORT CUresult cuGraphDestroy(CUgraph) { return CUDA_SUCCESS; }

EXPORT CUresult cuTensorMapEncodeTiled(void*, int, unsigned, void*, const uint64_t*, const uint64_t*, const unsigned*,
                                       const unsigned*, int, int, int, int) {
  return CUDA_SUCCESS;
}
