// cuGetProcAddress: the functions by their names.
#include <cstring>
#include "cuda.h"

#define ENTRIES(F)                                                                                                     \
  F(cuInit, cuInit) F(cuDriverGetVersion, cuDriverGetVersion) F(cuGetErrorName, cuGetErrorName)                        \
  F(cuGetErrorString, cuGetErrorString) F(cuDeviceGetCount, cuDeviceGetCount) F(cuDeviceGet, cuDeviceGet)              \
  F(cuDeviceGetName, cuDeviceGetName) F(cuDeviceGetUuid, cuDeviceGetUuid_v2)                                           \
  F(cuDeviceTotalMem, cuDeviceTotalMem_v2) F(cuDeviceGetAttribute, cuDeviceGetAttribute)                               \
  F(cuDevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain) F(cuDevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2)     \
  F(cuDevicePrimaryCtxGetState, cuDevicePrimaryCtxGetState)                                                            \
  F(cuDevicePrimaryCtxSetFlags, cuDevicePrimaryCtxSetFlags_v2) F(cuCtxSetCurrent, cuCtxSetCurrent)                     \
  F(cuCtxGetCurrent, cuCtxGetCurrent) F(cuCtxGetDevice, cuCtxGetDevice) F(cuCtxSynchronize, cuCtxSynchronize)          \
  F(cuMemAlloc, cuMemAlloc_v2) F(cuMemFree, cuMemFree_v2) F(cuMemGetInfo, cuMemGetInfo_v2)                             \
  F(cuMemHostAlloc, cuMemHostAlloc) F(cuMemAllocHost, cuMemAllocHost_v2) F(cuMemFreeHost, cuMemFreeHost)               \
  F(cuMemHostRegister, cuMemHostRegister_v2) F(cuMemHostUnregister, cuMemHostUnregister)                               \
  F(cuDevicePrimaryCtxReset, cuDevicePrimaryCtxReset_v2) F(cuDeviceCanAccessPeer, cuDeviceCanAccessPeer)               \
  F(cuCtxEnablePeerAccess, cuCtxEnablePeerAccess)                                                                      \
  F(cuMemcpyHtoDAsync, cuMemcpyHtoDAsync_v2) F(cuMemcpyDtoHAsync, cuMemcpyDtoHAsync_v2)                                \
  F(cuMemcpyDtoDAsync, cuMemcpyDtoDAsync_v2) F(cuMemcpyHtoD, cuMemcpyHtoD_v2) F(cuMemcpyDtoH, cuMemcpyDtoH_v2)         \
  F(cuMemcpyDtoD, cuMemcpyDtoD_v2) F(cuMemcpyPeerAsync, cuMemcpyPeerAsync) F(cuMemsetD8Async, cuMemsetD8Async)         \
  F(cuMemsetD16Async, cuMemsetD16Async) F(cuMemsetD32Async, cuMemsetD32Async) F(cuMemsetD8, cuMemsetD8_v2)             \
  F(cuMemsetD32, cuMemsetD32_v2) F(cuStreamCreate, cuStreamCreate)                                                     \
  F(cuStreamCreateWithPriority, cuStreamCreateWithPriority) F(cuStreamDestroy, cuStreamDestroy_v2)                     \
  F(cuStreamSynchronize, cuStreamSynchronize) F(cuStreamQuery, cuStreamQuery) F(cuStreamWaitEvent, cuStreamWaitEvent)  \
  F(cuLaunchHostFunc, cuLaunchHostFunc) F(cuEventCreate, cuEventCreate) F(cuEventRecord, cuEventRecord)                \
  F(cuEventQuery, cuEventQuery) F(cuEventSynchronize, cuEventSynchronize)                                              \
  F(cuEventElapsedTime, cuEventElapsedTime) F(cuEventDestroy, cuEventDestroy_v2)                                       \
  F(cuStreamBeginCapture, cuStreamBeginCapture_v2) F(cuStreamEndCapture, cuStreamEndCapture)                           \
  F(cuStreamIsCapturing, cuStreamIsCapturing)                                                                          \
  F(cuGraphInstantiateWithFlags, cuGraphInstantiateWithFlags) F(cuGraphInstantiate, cuGraphInstantiateWithFlags)       \
  F(cuGraphLaunch, cuGraphLaunch) F(cuGraphExecDestroy, cuGraphExecDestroy) F(cuGraphDestroy, cuGraphDestroy)          \
  F(cuModuleLoadDataEx, cuModuleLoadDataEx) F(cuModuleLoadData, cuModuleLoadData) F(cuModuleUnload, cuModuleUnload)    \
  F(cuModuleGetFunction, cuModuleGetFunction) F(cuModuleGetGlobal, cuModuleGetGlobal_v2)                               \
  F(cuFuncGetAttribute, cuFuncGetAttribute) F(cuFuncSetAttribute, cuFuncSetAttribute)                                  \
  F(cuLaunchKernel, cuLaunchKernel) F(cuTensorMapEncodeTiled, cuTensorMapEncodeTiled)                                  \
 F(cuGetProcAddress, cuGetProcAddress_v2)

EXPORT CUresult cuGetProcAddress_v2(const char* symbol, void** function, int version, unsigned long long flags, int* found);

// Only the addresses are wanted here: the types are those of the definitions.
#ifdef __APPLE__
#define DECLARE(name, symbol) extern "C" void symbol##_address() __asm__("_" #symbol);
#else
#define DECLARE(name, symbol) extern "C" void symbol##_address() __asm__(#symbol);
#endif
ENTRIES(DECLARE)

namespace {

struct Entry {
  const char* name;
  void* function;
};

const Entry TABLE[] = {
#define ROW(name, symbol) {#name, (void*)&symbol##_address},
    ENTRIES(ROW)
};

constexpr int FOUND = 0;
constexpr int NOT_FOUND = 1;

}  // namespace

EXPORT CUresult cuGetProcAddress_v2(const char* symbol, void** function, int, unsigned long long, int* found) {
  if (!symbol || !function) return CUDA_ERROR_INVALID_VALUE;
  for (const Entry& entry : TABLE) {
    if (strcmp(entry.name, symbol) != 0) continue;
    *function = entry.function;
    if (found) *found = FOUND;
    return CUDA_SUCCESS;
  }
  *function = nullptr;
  if (found) *found = NOT_FOUND;
  return CUDA_ERROR_NOT_FOUND;
}

EXPORT CUresult cuGetProcAddress(const char* symbol, void** function, int version, unsigned long long flags) {
  return cuGetProcAddress_v2(symbol, function, version, flags, nullptr);
}
