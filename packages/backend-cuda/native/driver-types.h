// The types and numbers of the CUDA driver API that the addon uses. They are the driver's binary interface: no header of
// the toolkit is needed to build.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(_WIN32)
#define TAEDA_CUDA_CALL __stdcall
#else
#define TAEDA_CUDA_CALL
#endif

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st*;
using CUmodule = struct CUmod_st*;
using CUfunction = struct CUfunc_st*;
using CUstream = struct CUstream_st*;
using CUevent = struct CUevent_st*;
using CUgraph = struct CUgraph_st*;
using CUgraphExec = struct CUgraphExec_st*;
using CUgraphNode = struct CUgraphNode_st*;

struct CUuuid {
  unsigned char bytes[16];
};

namespace cuda {

constexpr CUresult SUCCESS = 0;
constexpr CUresult NOT_READY = 600;
constexpr CUresult NOT_SUPPORTED = 801;

constexpr int ATTRIBUTE_MULTIPROCESSORS = 16;
constexpr int ATTRIBUTE_CAPABILITY_MAJOR = 75;
constexpr int ATTRIBUTE_CAPABILITY_MINOR = 76;
constexpr int ATTRIBUTE_SHARED_BYTES_OPTIN = 97;

constexpr int FUNCTION_DYNAMIC_SHARED_BYTES = 8;

constexpr int JIT_ERROR_LOG = 5;
constexpr int JIT_ERROR_LOG_BYTES = 6;

constexpr unsigned STREAM_NON_BLOCKING = 1;
constexpr unsigned EVENT_DEFAULT = 0;
constexpr unsigned EVENT_BLOCKING = 1;
constexpr unsigned EVENT_NO_TIMING = 2;

constexpr int TENSOR_MAP_UINT16 = 1;
constexpr int TENSOR_MAP_TFLOAT32 = 11;
constexpr int TENSOR_MAP_NO_INTERLEAVE = 0;
constexpr int TENSOR_MAP_SWIZZLE_128 = 3;
constexpr int TENSOR_MAP_PROMOTE_256 = 3;
constexpr int TENSOR_MAP_FILL_ZEROS = 0;

// Other calls than those on the stream, such as an allocation, are allowed while it records.
constexpr int CAPTURE_RELAXED = 2;

}  // namespace cuda
