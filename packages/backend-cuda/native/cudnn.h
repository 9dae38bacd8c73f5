// NVIDIA's cuDNN, where the machine has it: its graph API as a table of pointers. The types and numbers are the binary interface
// of version 9: no header of its own is needed to build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "driver-types.h"
#include "shared-library.h"

namespace cudnn {

using Status = int;
using Handle = struct cudnnContext*;
using Descriptor = void*;

constexpr Status SUCCESS = 0;
// Statuses from here on, a thousand of them, say that something is not supported.
constexpr Status NOT_SUPPORTED = 3000;
constexpr Status BEYOND_NOT_SUPPORTED = 4000;

// cudnnDataType_t
constexpr int FLOAT = 0;
constexpr int DOUBLE = 1;
constexpr int HALF = 2;
constexpr int BFLOAT16 = 9;

// cudnnConvolutionMode_t
constexpr int CROSS_CORRELATION = 1;

// cudnnBackendHeurMode_t, those that are asked, in this order: what is likely to be fast, and what is there at least.
constexpr int HEURISTICS[] = {3, 2};

// cudnnBackendNumericalNote_t
constexpr int NOTE_TENSOR_CORE = 0;
constexpr int NOTE_DOWN_CONVERT_INPUTS = 1;
constexpr int NOTE_REDUCED_PRECISION_REDUCTION = 2;
constexpr int NOTE_FFT = 3;
constexpr int NOTE_NONDETERMINISTIC = 4;
constexpr int NOTE_WINOGRAD = 5;
constexpr int NOTE_WINOGRAD_LAST = 8;
// There may be more of them in later versions.
constexpr int MOST_NOTES = 64;

// cudnnBackendDescriptorType_t
constexpr int CONVOLUTION = 1;
constexpr int ENGINE = 2;
constexpr int ENGINE_CONFIG = 3;
constexpr int HEURISTIC = 4;
constexpr int EXECUTION_PLAN = 5;
constexpr int OPERATION_GRAPH = 15;
constexpr int VARIANT_PACK = 16;
constexpr int TENSOR = 17;

// cudnnBackendAttributeType_t
constexpr int TYPE_HANDLE = 0;
constexpr int TYPE_DATA_TYPE = 1;
constexpr int TYPE_INT64 = 3;
constexpr int TYPE_FLOAT = 4;
constexpr int TYPE_DOUBLE = 5;
constexpr int TYPE_POINTER = 6;
constexpr int TYPE_CONVOLUTION_MODE = 7;
constexpr int TYPE_HEURISTIC_MODE = 8;
constexpr int TYPE_NUMERICAL_NOTE = 11;
constexpr int TYPE_DESCRIPTOR = 15;

// cudnnBackendAttributeName_t
constexpr int CONVOLUTION_COMPUTE_TYPE = 100;
constexpr int CONVOLUTION_MODE = 101;
constexpr int CONVOLUTION_DILATIONS = 102;
constexpr int CONVOLUTION_STRIDES = 103;
constexpr int CONVOLUTION_PADDINGS_AFTER = 104;
constexpr int CONVOLUTION_PADDINGS_BEFORE = 105;
constexpr int CONVOLUTION_SPATIAL_DIMS = 106;
constexpr int HEURISTIC_MODE = 200;
constexpr int HEURISTIC_GRAPH = 201;
constexpr int HEURISTIC_RESULTS = 202;
constexpr int ENGINE_CONFIG_ENGINE = 300;
constexpr int PLAN_HANDLE = 400;
constexpr int PLAN_ENGINE_CONFIG = 401;
constexpr int PLAN_WORKSPACE_BYTES = 402;
constexpr int GRAPH_HANDLE = 800;
constexpr int GRAPH_OPERATIONS = 801;
constexpr int TENSOR_ALIGNMENT = 900;
constexpr int TENSOR_DATA_TYPE = 901;
constexpr int TENSOR_SIZES = 902;
constexpr int TENSOR_STRIDES = 903;
constexpr int TENSOR_ID = 906;
constexpr int PACK_IDS = 1000;
constexpr int PACK_POINTERS = 1001;
constexpr int PACK_WORKSPACE = 1003;
constexpr int ENGINE_NUMERICAL_NOTE = 1303;

// A convolution, or a gradient of one, as an operation of a graph.
struct Operation {
  const char* name;
  int descriptor;
  int alpha;
  int beta;
  int convolution;
  int w;
  int x;
  int y;
};
constexpr Operation OPERATIONS[] = {{"forward", 10, 700, 701, 702, 703, 704, 705},
                                    {"input", 12, 706, 707, 708, 709, 710, 711},
                                    {"weight", 11, 712, 713, 714, 715, 716, 717}};

}  // namespace cudnn

#define TAEDA_CUDNN_FUNCTIONS(F)                                                               \
  F(cudnnGetProperty, (int, int*))                                                             \
  F(cudnnCreate, (cudnn::Handle*))                                                             \
  F(cudnnDestroy, (cudnn::Handle))                                                             \
  F(cudnnSetStream, (cudnn::Handle, CUstream))                                                 \
  F(cudnnBackendCreateDescriptor, (int, cudnn::Descriptor*))                                   \
  F(cudnnBackendDestroyDescriptor, (cudnn::Descriptor))                                        \
  F(cudnnBackendSetAttribute, (cudnn::Descriptor, int, int, int64_t, const void*))             \
  F(cudnnBackendGetAttribute, (cudnn::Descriptor, int, int, int64_t, int64_t*, void*))         \
  F(cudnnBackendFinalize, (cudnn::Descriptor))                                                 \
  F(cudnnBackendExecute, (cudnn::Handle, cudnn::Descriptor, cudnn::Descriptor))

struct Cudnn {
  static constexpr uint64_t NUMBER = 12;
  static constexpr const char* NAME = "Cudnn";
  // What its errors call it.
  static constexpr const char* LIBRARY = "cudnn";

#define TAEDA_DECLARE(name, parameters) cudnn::Status(TAEDA_CUDA_CALL* name) parameters = nullptr;
  TAEDA_CUDNN_FUNCTIONS(TAEDA_DECLARE)
#undef TAEDA_DECLARE
  const char*(TAEDA_CUDA_CALL* cudnnGetErrorString)(cudnn::Status) = nullptr;
  void(TAEDA_CUDA_CALL* cudnnGetLastErrorString)(char*, size_t) = nullptr;
  int version[3] = {};
  std::string file;

  // Loads the first of the files that there is. Throws a LoadFailure.
  static std::shared_ptr<const Cudnn> load(const std::vector<std::string>& files);
};
