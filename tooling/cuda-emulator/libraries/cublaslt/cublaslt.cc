// A stand-in for NVIDIA's cuBLASLt: matrix products on the emulator's memory, for what the backend asks of it, and stricter than
// the real one where that would go on with undefined results.
#include <algorithm>
#include <unordered_set>
#include "guest.h"

using guest::Type;

namespace {

constexpr const char* SETTINGS = "CUBLASLT";

// cublasStatus_t
enum Status : int {
  SUCCESS = 0,
  NOT_INITIALIZED = 1,
  INVALID_VALUE = 7,
  EXECUTION_FAILED = 13,
  NOT_SUPPORTED = 15,
};

struct Handle {};

struct Descriptor {
  int compute;
  int scale;
  int32_t transposed[2] = {0, 0};
  uint32_t epilogue = 1;
  const void* bias = nullptr;
};

struct Layout {
  int type;
  uint64_t rows;
  uint64_t columns;
  int64_t lead;
  int32_t batches = 1;
  int64_t step = 0;

  uint64_t elements() const {
    return uint64_t(lead) * (columns - 1) + rows + uint64_t(step) * uint64_t(batches - 1);
  }
};

struct Preference {
  uint64_t workspaceBytes = 0;
  uint32_t reductions = 7;
  uint32_t alignment[4] = {256, 256, 256, 256};
};

struct Algorithm {
  uint64_t data[8];
};

struct Heuristic {
  Algorithm algorithm;
  size_t workspaceBytes;
  int state;
  float waves;
  int reserved[4];
};

std::unordered_set<const void*> live;

template <class T>
int make(T** to, T* object) {
  if (!to) return INVALID_VALUE;
  live.insert(object);
  *to = object;
  return SUCCESS;
}

template <class T>
int destroy(T* object) {
  if (!live.erase(object)) return INVALID_VALUE;
  delete object;
  return SUCCESS;
}

template <class T>
int assign(T& to, const void* from, size_t bytes) {
  if (!from || bytes != sizeof(T)) return INVALID_VALUE;
  memcpy(&to, from, bytes);
  return SUCCESS;
}

constexpr int R_32F = 0;
constexpr int R_64F = 1;
constexpr int R_16F = 2;
constexpr int R_16BF = 14;

bool typeOf(int number, Type& type) {
  switch (number) {
    case R_32F: type = Type::f32; return true;
    case R_64F: type = Type::f64; return true;
    case R_16F: type = Type::f16; return true;
    case R_16BF: type = Type::bf16; return true;
    default: return false;
  }
}

constexpr int COMPUTE_32F = 68;
constexpr int COMPUTE_64F = 70;
constexpr int COMPUTE_FAST_TF32 = 77;
constexpr uint32_t EPILOGUE_DEFAULT = 1;
constexpr uint32_t EPILOGUE_BIAS = 4;

/** A product with all that it depends on but addresses. */
struct Problem {
  Descriptor descriptor;
  Layout a, b, c, d;
  Type factor, result;
  uint64_t depth;

  uint64_t fingerprint() const {
    uint64_t hash = 0xcbf29ce484222325;
    const auto add = [&](uint64_t value) { hash = (hash ^ value) * 0x100000001b3; };
    for (const Layout& layout : {a, b, c, d})
      for (const uint64_t value : {uint64_t(layout.type), layout.rows, layout.columns, uint64_t(layout.lead),
                                   uint64_t(layout.batches), uint64_t(layout.step)})
        add(value);
    for (const uint64_t value : {uint64_t(descriptor.compute), uint64_t(descriptor.transposed[0]),
                                 uint64_t(descriptor.transposed[1]), uint64_t(descriptor.epilogue)})
      add(value);
    return hash;
  }
};

bool supported(const Problem& p) {
  const auto isAll = [&](int factor, int result) {
    return p.a.type == factor && p.b.type == factor && p.c.type == result && p.d.type == result;
  };
  const bool isHalf = isAll(R_16F, R_16F) || isAll(R_16F, R_32F) || isAll(R_16BF, R_16BF) || isAll(R_16BF, R_32F);
  if (p.a.type == R_16BF && guest::capability() < 80) return false;
  switch (p.descriptor.compute) {
    case COMPUTE_32F: return p.descriptor.scale == R_32F && (isAll(R_32F, R_32F) || isHalf);
    case COMPUTE_FAST_TF32: return p.descriptor.scale == R_32F && isAll(R_32F, R_32F);
    case COMPUTE_64F: return p.descriptor.scale == R_64F && isAll(R_64F, R_64F);
    default: return false;
  }
}

int problemOf(const Descriptor* descriptor, const Layout* a, const Layout* b, const Layout* c, const Layout* d,
              Problem& p) {
  for (const void* object : {static_cast<const void*>(descriptor), static_cast<const void*>(a),
                             static_cast<const void*>(b), static_cast<const void*>(c), static_cast<const void*>(d)})
    if (!live.count(object)) return INVALID_VALUE;
  p.descriptor = *descriptor;
  p.a = *a;
  p.b = *b;
  p.c = *c;
  p.d = *d;
  for (const Layout* layout : {a, b, c, d})
    if (layout->rows == 0 || layout->columns == 0 || layout->lead < int64_t(layout->rows) || layout->batches < 1 ||
        layout->batches != d->batches || layout->step < 0)
      return INVALID_VALUE;
  if (d->batches > 1 && d->step < 1) return INVALID_VALUE;
  const auto [aRows, aColumns] = p.descriptor.transposed[0] ? std::pair(a->columns, a->rows) : std::pair(a->rows, a->columns);
  const auto [bRows, bColumns] = p.descriptor.transposed[1] ? std::pair(b->columns, b->rows) : std::pair(b->rows, b->columns);
  if (aRows != d->rows || bColumns != d->columns || aColumns != bRows || c->rows != d->rows || c->columns != d->columns)
    return INVALID_VALUE;
  p.depth = aColumns;
  if (p.descriptor.epilogue != EPILOGUE_DEFAULT && p.descriptor.epilogue != EPILOGUE_BIAS) return NOT_SUPPORTED;
  if (p.descriptor.epilogue == EPILOGUE_BIAS && !p.descriptor.bias) return INVALID_VALUE;
  if (!typeOf(p.a.type, p.factor) || !typeOf(p.d.type, p.result)) return NOT_SUPPORTED;
  return supported(p) ? SUCCESS : NOT_SUPPORTED;
}

/** What it asks for where it is deep enough: room for the sums. */
uint64_t workspaceOf(const Problem& p, uint64_t most) {
  const uint64_t wanted = p.d.rows * p.d.columns * guest::bytesOf(p.result == Type::f64 ? Type::f64 : Type::f32);
  return p.depth >= 8 && wanted <= most ? wanted : 0;
}

struct Addresses {
  const char* a;
  const char* b;
  const char* c;
  char* d;
  const void* bias;
  char* workspace;
};

template <class Number>
Number factorAt(const Problem& p, const void* data, int64_t index) {
  const auto value = static_cast<Number>(guest::load(p.factor, data, index));
  return p.descriptor.compute == COMPUTE_FAST_TF32 ? static_cast<Number>(guest::toTf32(static_cast<float>(value))) : value;
}

template <class Number>
void multiply(const Problem& p, const Addresses& at, Number alpha, Number beta, size_t workspaceBytes) {
  // Whatever else lay there is gone.
  if (workspaceBytes) memset(at.workspace, 0xff, workspaceBytes);
  const auto [aDown, aAcross] = p.descriptor.transposed[0] ? std::pair(p.a.lead, int64_t(1)) : std::pair(int64_t(1), p.a.lead);
  const auto [bDown, bAcross] = p.descriptor.transposed[1] ? std::pair(p.b.lead, int64_t(1)) : std::pair(int64_t(1), p.b.lead);
  const int64_t depth = int64_t(p.depth);
  std::vector<Number> column(p.depth);
  for (int64_t z = 0; z < p.d.batches; z++)
    for (int64_t j = 0; j < int64_t(p.d.columns); j++) {
      for (int64_t k = 0; k < depth; k++) column[size_t(k)] = factorAt<Number>(p, at.b, z * p.b.step + k * bDown + j * bAcross);
      for (int64_t i = 0; i < int64_t(p.d.rows); i++) {
        Number sum = 0;
        for (int64_t k = 0; k < depth; k++)
          sum += factorAt<Number>(p, at.a, z * p.a.step + i * aDown + k * aAcross) * column[size_t(k)];
        Number value = alpha * sum;
        if (beta != 0) value += beta * static_cast<Number>(guest::load(p.result, at.c, z * p.c.step + j * p.c.lead + i));
        if (p.descriptor.epilogue == EPILOGUE_BIAS) value += static_cast<Number>(guest::load(p.result, at.bias, i));
        guest::store(p.result, at.d, z * p.d.step + j * p.d.lead + i, value);
      }
    }
}

}  // namespace

#define FAIL_WHERE_TOLD(call)                                   \
  if (int status = guest::forcedStatus(SETTINGS, call)) return status;

EXPORT int cublasLtGetProperty(int part, int* value) {
  if (part < 0 || part > 2 || !value) return INVALID_VALUE;
  *value = guest::versionPart(SETTINGS, "13.1.0", part);
  return SUCCESS;
}

EXPORT int cublasLtCreate(Handle** handle) {
  FAIL_WHERE_TOLD("cublasLtCreate")
  if (guest::contextState() != CUDA_SUCCESS) return NOT_INITIALIZED;
  return make(handle, new Handle);
}
EXPORT int cublasLtDestroy(Handle* handle) { return destroy(handle); }

EXPORT int cublasLtMatmulDescCreate(Descriptor** descriptor, int compute, int scale) {
  return make(descriptor, new Descriptor{compute, scale});
}
EXPORT int cublasLtMatmulDescDestroy(Descriptor* descriptor) { return destroy(descriptor); }
EXPORT int cublasLtMatmulDescSetAttribute(Descriptor* descriptor, int attribute, const void* from, size_t bytes) {
  if (!live.count(descriptor)) return INVALID_VALUE;
  switch (attribute) {
    case 3: return assign(descriptor->transposed[0], from, bytes);
    case 4: return assign(descriptor->transposed[1], from, bytes);
    case 7: return assign(descriptor->epilogue, from, bytes);
    case 8: return assign(descriptor->bias, from, bytes);
    default: return INVALID_VALUE;
  }
}

EXPORT int cublasLtMatrixLayoutCreate(Layout** layout, int type, uint64_t rows, uint64_t columns, int64_t lead) {
  return make(layout, new Layout{type, rows, columns, lead});
}
EXPORT int cublasLtMatrixLayoutDestroy(Layout* layout) { return destroy(layout); }
EXPORT int cublasLtMatrixLayoutSetAttribute(Layout* layout, int attribute, const void* from, size_t bytes) {
  if (!live.count(layout)) return INVALID_VALUE;
  switch (attribute) {
    case 5: return assign(layout->batches, from, bytes);
    case 6: return assign(layout->step, from, bytes);
    default: return INVALID_VALUE;
  }
}

EXPORT int cublasLtMatmulPreferenceCreate(Preference** preference) { return make(preference, new Preference); }
EXPORT int cublasLtMatmulPreferenceDestroy(Preference* preference) { return destroy(preference); }
EXPORT int cublasLtMatmulPreferenceSetAttribute(Preference* preference, int attribute, const void* from, size_t bytes) {
  if (!live.count(preference)) return INVALID_VALUE;
  switch (attribute) {
    case 1: return assign(preference->workspaceBytes, from, bytes);
    case 3: return assign(preference->reductions, from, bytes);
    case 5:
    case 6:
    case 7:
    case 8: return assign(preference->alignment[attribute - 5], from, bytes);
    default: return INVALID_VALUE;
  }
}

EXPORT int cublasLtMatmulAlgoGetHeuristic(Handle* handle, Descriptor* descriptor, Layout* a, Layout* b, Layout* c, Layout* d,
                                          Preference* preference, int wanted, Heuristic* results, int* count) {
  FAIL_WHERE_TOLD("cublasLtMatmulAlgoGetHeuristic")
  if (!live.count(handle)) return NOT_INITIALIZED;
  if (!live.count(preference) || wanted < 1 || !results || !count) return INVALID_VALUE;
  *count = 0;
  Problem p;
  if (int status = problemOf(descriptor, a, b, c, d, p)) return status;
  for (const uint32_t alignment : preference->alignment)
    if (alignment == 0 || (alignment & (alignment - 1))) return INVALID_VALUE;
  *results = {};
  results->algorithm.data[0] = p.fingerprint();
  for (int i = 0; i < 4; i++) results->algorithm.data[1 + i] = preference->alignment[i];
  results->workspaceBytes = results->algorithm.data[5] = workspaceOf(p, preference->workspaceBytes);
  *count = 1;
  return SUCCESS;
}

EXPORT int cublasLtMatmul(Handle* handle, Descriptor* descriptor, const void* alpha, const void* A, Layout* a, const void* B,
                          Layout* b, const void* beta, const void* C, Layout* c, void* D, Layout* d,
                          const Algorithm* algorithm, void* workspace, size_t workspaceBytes, CUstream stream) {
  FAIL_WHERE_TOLD("cublasLtMatmul")
  if (!live.count(handle)) return NOT_INITIALIZED;
  Problem p;
  if (int status = problemOf(descriptor, a, b, c, d, p)) return status;
  if (!algorithm || algorithm->data[0] != p.fingerprint() || !alpha || !beta) return INVALID_VALUE;
  const uint64_t needed = algorithm->data[5];
  if (workspaceBytes < needed || (needed && (!workspace || uint64_t(workspace) % 256))) return INVALID_VALUE;
  const void* pointers[] = {A, B, C, D};
  for (int i = 0; i < 4; i++)
    if (!pointers[i] || uint64_t(pointers[i]) % algorithm->data[1 + i]) return INVALID_VALUE;
  const bool isDouble = p.descriptor.scale == R_64F;
  const double scale = isDouble ? *static_cast<const double*>(alpha) : *static_cast<const float*>(alpha);
  const double keep = isDouble ? *static_cast<const double*>(beta) : *static_cast<const float*>(beta);

  const auto span = [](const void* data, uint64_t elements, Type type) {
    return LibrarySpan{uint64_t(data), elements * guest::bytesOf(type)};
  };
  const LibrarySpan result = span(D, d->elements(), p.result);
  std::vector<LibrarySpan> read = {span(A, a->elements(), p.factor), span(B, b->elements(), p.factor)};
  if (needed) read.push_back({uint64_t(workspace), needed});
  if (p.descriptor.epilogue == EPILOGUE_BIAS) read.push_back(span(p.descriptor.bias, d->rows, p.result));
  const bool isInPlace = C == D && c->lead == d->lead && c->step == d->step;
  if (keep != 0 && !isInPlace) read.push_back(span(C, c->elements(), p.result));
  for (const LibrarySpan& each : read)
    if (guest::overlap(each, result)) return INVALID_VALUE;
  std::vector<LibrarySpan> spans = read;
  spans.push_back(result);

  const Addresses at = {static_cast<const char*>(A), static_cast<const char*>(B), static_cast<const char*>(C),
                        static_cast<char*>(D), p.descriptor.bias, static_cast<char*>(workspace)};
  const CUresult queued = guest::queue(stream, "cublasLtMatmul", spans, [=] {
    if (isDouble) multiply<double>(p, at, scale, keep, needed);
    else multiply<float>(p, at, float(scale), float(keep), needed);
  });
  return queued == CUDA_SUCCESS ? SUCCESS : EXECUTION_FAILED;
}
