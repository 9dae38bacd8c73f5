// The driver's library, loaded while the program runs: its calls as a table of pointers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "driver-types.h"
#include "shared-library.h"

// What the driver calls a function, and its parameters. All of them are in every driver from CUDA 11.0 on.
#define TAEDA_CUDA_FUNCTIONS(F)                                                                                   \
  F(cuInit, (unsigned))                                                                                           \
  F(cuDriverGetVersion, (int*))                                                                                   \
  F(cuGetErrorName, (CUresult, const char**))                                                                     \
  F(cuGetErrorString, (CUresult, const char**))                                                                   \
  F(cuDeviceGetCount, (int*))                                                                                     \
  F(cuDeviceGet, (CUdevice*, int))                                                                                \
  F(cuDeviceGetName, (char*, int, CUdevice))                                                                      \
  F(cuDeviceGetAttribute, (int*, int, CUdevice))                                                                  \
  F(cuDeviceTotalMem_v2, (size_t*, CUdevice))                                                                     \
  F(cuDeviceGetUuid, (CUuuid*, CUdevice))                                                                         \
  F(cuDevicePrimaryCtxRetain, (CUcontext*, CUdevice))                                                             \
  F(cuDevicePrimaryCtxRelease_v2, (CUdevice))                                                                     \
  F(cuDevicePrimaryCtxReset_v2, (CUdevice))                                                                       \
  F(cuCtxSetCurrent, (CUcontext))                                                                                 \
  F(cuDeviceCanAccessPeer, (int*, CUdevice, CUdevice))                                                            \
  F(cuCtxEnablePeerAccess, (CUcontext, unsigned))                                                                 \
  F(cuMemGetInfo_v2, (size_t*, size_t*))                                                                          \
  F(cuMemAlloc_v2, (CUdeviceptr*, size_t))                                                                        \
  F(cuMemFree_v2, (CUdeviceptr))                                                                                  \
  F(cuMemHostRegister_v2, (void*, size_t, unsigned))                                                              \
  F(cuMemHostUnregister, (void*))                                                                                 \
  F(cuMemcpyHtoDAsync_v2, (CUdeviceptr, const void*, size_t, CUstream))                                           \
  F(cuMemcpyDtoHAsync_v2, (void*, CUdeviceptr, size_t, CUstream))                                                 \
  F(cuMemcpyDtoDAsync_v2, (CUdeviceptr, CUdeviceptr, size_t, CUstream))                                           \
  F(cuMemcpyPeerAsync, (CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t, CUstream))                        \
  F(cuMemsetD8Async, (CUdeviceptr, unsigned char, size_t, CUstream))                                              \
  F(cuModuleLoadDataEx, (CUmodule*, const void*, unsigned, int*, void**))                                         \
  F(cuModuleUnload, (CUmodule))                                                                                   \
  F(cuModuleGetFunction, (CUfunction*, CUmodule, const char*))                                                    \
  F(cuFuncSetAttribute, (CUfunction, int, int))                                                                   \
  F(cuLaunchKernel, (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, \
                     void**, void**))                                                                             \
  F(cuStreamCreate, (CUstream*, unsigned))                                                                        \
  F(cuStreamDestroy_v2, (CUstream))                                                                               \
  F(cuStreamSynchronize, (CUstream))                                                                              \
  F(cuStreamWaitEvent, (CUstream, CUevent, unsigned))                                                             \
  F(cuStreamBeginCapture_v2, (CUstream, int))                                                                     \
  F(cuStreamEndCapture, (CUstream, CUgraph*))                                                                     \
  F(cuEventCreate, (CUevent*, unsigned))                                                                          \
  F(cuEventRecord, (CUevent, CUstream))                                                                           \
  F(cuEventQuery, (CUevent))                                                                                      \
  F(cuEventSynchronize, (CUevent))                                                                                \
  F(cuEventElapsedTime, (float*, CUevent, CUevent))                                                               \
  F(cuEventDestroy_v2, (CUevent))                                                                                 \
  F(cuGraphLaunch, (CUgraphExec, CUstream))                                                                       \
  F(cuGraphExecDestroy, (CUgraphExec))                                                                            \
  F(cuGraphDestroy, (CUgraph))

// The same, where drivers may lack it: they have one of the first two, the first from CUDA 11.4 on, and tensor maps from 12.0 on.
#define TAEDA_CUDA_OPTIONAL_FUNCTIONS(F)                                         \
  F(cuGraphInstantiateWithFlags, (CUgraphExec*, CUgraph, unsigned long long)) \
  F(cuGraphInstantiate_v2, (CUgraphExec*, CUgraph, CUgraphNode*, char*, size_t)) \
  F(cuTensorMapEncodeTiled, (void*, int, unsigned, void*, const uint64_t*, const uint64_t*, const unsigned*, \
                             const unsigned*, int, int, int, int))

struct Driver {
  static constexpr uint64_t NUMBER = 1;
  static constexpr const char* NAME = "CudaDriver";

#define TAEDA_DECLARE(name, parameters) CUresult(TAEDA_CUDA_CALL* name) parameters = nullptr;
  TAEDA_CUDA_FUNCTIONS(TAEDA_DECLARE)
  TAEDA_CUDA_OPTIONAL_FUNCTIONS(TAEDA_DECLARE)
#undef TAEDA_DECLARE
  int version = 0;

  // Loads the first of the files that there is. Throws a LoadFailure. The library stays loaded for good: the driver has
  // threads of its own.
  static std::shared_ptr<const Driver> load(const std::vector<std::string>& files);

  CUresult instantiate(CUgraphExec* exec, CUgraph graph) const {
    if (cuGraphInstantiateWithFlags) return cuGraphInstantiateWithFlags(exec, graph, 0);
    return cuGraphInstantiate_v2(exec, graph, nullptr, nullptr, 0);
  }

  // "CUDA_ERROR_OUT_OF_MEMORY" and "out of memory".
  std::string nameOf(CUresult result) const;
  std::string describe(CUresult result) const;
};
