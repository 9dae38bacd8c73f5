// NVIDIA's cuBLASLt, where the machine has it: its calls as a table of pointers. The types and numbers are its binary
// interface, the same from version 11 on: no header of the toolkit is needed to build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "driver-types.h"
#include "shared-library.h"

namespace cublaslt {

using Status = int;
using Handle = struct cublasLtContext*;
using Descriptor = struct OpaqueDescriptor*;
using Layout = struct OpaqueLayout*;
using Preference = struct OpaquePreference*;

constexpr Status SUCCESS = 0;
constexpr Status ARCH_MISMATCH = 8;
constexpr Status NOT_SUPPORTED = 15;

// cudaDataType
constexpr int R_32F = 0;
constexpr int R_64F = 1;
constexpr int R_16F = 2;
constexpr int R_16BF = 14;

// cublasComputeType_t
constexpr int COMPUTE_32F = 68;
constexpr int COMPUTE_64F = 70;
constexpr int COMPUTE_32F_FAST_TF32 = 77;

// cublasLtMatmulDescAttributes_t
constexpr int DESC_TRANSA = 3;
constexpr int DESC_TRANSB = 4;
constexpr int DESC_EPILOGUE = 7;
constexpr int DESC_BIAS_POINTER = 8;

// cublasOperation_t
constexpr int32_t TRANSPOSED = 1;

// cublasLtEpilogue_t
constexpr uint32_t EPILOGUE_BIAS = 4;

// cublasLtMatrixLayoutAttribute_t
constexpr int LAYOUT_BATCH_COUNT = 5;
constexpr int LAYOUT_BATCH_STEP = 6;

// cublasLtMatmulPreferenceAttributes_t
constexpr int PREFERENCE_WORKSPACE = 1;
constexpr int PREFERENCE_REDUCTIONS = 3;
constexpr int PREFERENCE_ALIGNMENT_A = 5;

// cublasLtReductionScheme_t: partial sums are added in the type that is computed in, never in a narrower one of results.
constexpr uint32_t REDUCE_IN_COMPUTE_TYPE = 2;

// libraryPropertyType
constexpr int MAJOR = 0;
constexpr int MINOR = 1;
constexpr int PATCH = 2;

struct Algorithm {
  uint64_t data[8];
};

struct Heuristic {
  Algorithm algorithm;
  size_t workspaceBytes;
  Status state;
  float waves;
  int reserved[4];
};

}  // namespace cublaslt

#define TAEDA_CUBLASLT_FUNCTIONS(F)                                                                                  \
  F(cublasLtGetProperty, (int, int*))                                                                                \
  F(cublasLtCreate, (cublaslt::Handle*))                                                                             \
  F(cublasLtDestroy, (cublaslt::Handle))                                                                             \
  F(cublasLtMatmulDescCreate, (cublaslt::Descriptor*, int, int))                                                     \
  F(cublasLtMatmulDescSetAttribute, (cublaslt::Descriptor, int, const void*, size_t))                                \
  F(cublasLtMatmulDescDestroy, (cublaslt::Descriptor))                                                               \
  F(cublasLtMatrixLayoutCreate, (cublaslt::Layout*, int, uint64_t, uint64_t, int64_t))                               \
  F(cublasLtMatrixLayoutSetAttribute, (cublaslt::Layout, int, const void*, size_t))                                  \
  F(cublasLtMatrixLayoutDestroy, (cublaslt::Layout))                                                                 \
  F(cublasLtMatmulPreferenceCreate, (cublaslt::Preference*))                                                         \
  F(cublasLtMatmulPreferenceSetAttribute, (cublaslt::Preference, int, const void*, size_t))                          \
  F(cublasLtMatmulPreferenceDestroy, (cublaslt::Preference))                                                         \
  F(cublasLtMatmulAlgoGetHeuristic,                                                                                  \
    (cublaslt::Handle, cublaslt::Descriptor, cublaslt::Layout, cublaslt::Layout, cublaslt::Layout, cublaslt::Layout, \
     cublaslt::Preference, int, cublaslt::Heuristic*, int*))                                                         \
  F(cublasLtMatmul, (cublaslt::Handle, cublaslt::Descriptor, const void*, const void*, cublaslt::Layout,             \
                     const void*, cublaslt::Layout, const void*, const void*, cublaslt::Layout, void*,               \
                     cublaslt::Layout, const cublaslt::Algorithm*, void*, size_t, CUstream))

struct CublasLt {
  static constexpr uint64_t NUMBER = 9;
  static constexpr const char* NAME = "CublasLt";
  // What its errors call it.
  static constexpr const char* LIBRARY = "cublasLt";

#define TAEDA_DECLARE(name, parameters) cublaslt::Status(TAEDA_CUDA_CALL* name) parameters = nullptr;
  TAEDA_CUBLASLT_FUNCTIONS(TAEDA_DECLARE)
#undef TAEDA_DECLARE
  int version[3] = {};
  std::string file;

  // Loads the first of the files that there is. Throws a LoadFailure.
  static std::shared_ptr<const CublasLt> load(const std::vector<std::string>& files);
};

// The library's name of a status.
std::string cublasLtStatus(cublaslt::Status status);
