// Matrix products by cuBLASLt. A product is prepared once for its sizes and layouts; where its matrices end follows from
// them, and each run checks that they lie inside of the memory that it is given.
#include <algorithm>

#include "cublaslt.h"
#include "libraries.h"

namespace {

// The library's own handle, for a context.
class CublasLtHandle final : public Resource {
 public:
  static constexpr uint64_t NUMBER = 10;
  static constexpr const char* NAME = "CublasLtHandle";

  CublasLtHandle(ContextPointer context, std::shared_ptr<const CublasLt> library, cublaslt::Handle handle)
      : Resource(std::move(context)), library_(std::move(library)), handle_(handle) {}
  ~CublasLtHandle() override { free(); }
  const CublasLt& library() const { return *library_; }
  cublaslt::Handle handle() const { return handle_; }

 private:
  void release(const Driver&) override { library_->cublasLtDestroy(handle_); }

  const std::shared_ptr<const CublasLt> library_;
  const cublaslt::Handle handle_;
};

void check(Napi::Env env, cublaslt::Status status, const char* call) {
  if (status == cublaslt::SUCCESS) return;
  const std::string name = cublasLtStatus(status);
  throw libraryError(env, CublasLt::LIBRARY, name, status,
                     std::string(call) + ": " + name + " (" + std::to_string(status) + ")");
}

// What a run is given memory for, in the order of its arguments.
enum Slot { A, B, C, D, BIAS, WORKSPACE, SLOTS };

// Addresses of the workspace.
constexpr uint64_t WORKSPACE_ALIGNMENT = 256;

class Product final : public Resource {
 public:
  static constexpr uint64_t NUMBER = 11;
  static constexpr const char* NAME = "PreparedProduct";

  explicit Product(std::shared_ptr<CublasLtHandle> owner)
      : Resource(owner->context().shared_from_this()), handle(std::move(owner)) {}
  ~Product() override { free(); }

  const std::shared_ptr<CublasLtHandle> handle;
  cublaslt::Descriptor descriptor = nullptr;
  cublaslt::Layout layouts[4] = {};
  cublaslt::Preference preference = nullptr;
  cublaslt::Algorithm algorithm = {};
  bool isDouble = false;
  // Bytes that are touched from where a slot begins; of those that it has not, none.
  uint64_t bytes[SLOTS] = {};
  uint64_t alignment[SLOTS] = {1, 1, 1, 1, 1, WORKSPACE_ALIGNMENT};

 private:
  void release(const Driver&) override {}
  // Descriptors are memory of the host, and go even where the context is lost.
  void onFreed() override {
    const CublasLt& library = handle->library();
    if (preference) library.cublasLtMatmulPreferenceDestroy(preference);
    for (const cublaslt::Layout layout : layouts)
      if (layout) library.cublasLtMatrixLayoutDestroy(layout);
    if (descriptor) library.cublasLtMatmulDescDestroy(descriptor);
  }
};

constexpr DataType TYPES[] = {{"float32", cublaslt::R_32F, 4},
                              {"float64", cublaslt::R_64F, 8},
                              {"float16", cublaslt::R_16F, 2},
                              {"bfloat16", cublaslt::R_16BF, 2}};

// Makes the layout of a matrix of columns, and says how far it reaches. `name` is that of its description.
void addMatrix(const Napi::Object& spec, const char* name, Slot slot, const DataType& type, uint64_t rows,
               uint64_t columns, uint64_t batches, Product& product) {
  const Napi::Env env = spec.Env();
  const CublasLt& library = product.handle->library();
  const Napi::Object matrix = objectAt(spec, name);
  const uint64_t lead = numberAt(matrix, "lead", rows);
  const uint64_t step = numberAt(matrix, "step");
  const uint64_t alignment = alignmentAt(matrix, type.bytes);
  const unsigned __int128 elements = static_cast<unsigned __int128>(columns - 1) * lead +
                                     static_cast<unsigned __int128>(batches - 1) * step + rows;
  if (elements > (uint64_t{1} << 53)) rangeError(env, std::string("cuda: the matrix ") + name + " is too large");
  product.bytes[slot] = static_cast<uint64_t>(elements) * type.bytes;
  product.alignment[slot] = alignment;
  cublaslt::Layout& layout = product.layouts[slot];
  check(env, library.cublasLtMatrixLayoutCreate(&layout, type.number, rows, columns, static_cast<int64_t>(lead)),
        "cublasLtMatrixLayoutCreate");
  if (batches == 1) return;
  const auto count = static_cast<int32_t>(batches);
  const auto stride = static_cast<int64_t>(step);
  check(env, library.cublasLtMatrixLayoutSetAttribute(layout, cublaslt::LAYOUT_BATCH_COUNT, &count, sizeof count),
        "cublasLtMatrixLayoutSetAttribute");
  check(env, library.cublasLtMatrixLayoutSetAttribute(layout, cublaslt::LAYOUT_BATCH_STEP, &stride, sizeof stride),
        "cublasLtMatrixLayoutSetAttribute");
}

void addDescriptor(const Napi::Object& spec, bool hasBias, Product& product) {
  const Napi::Env env = spec.Env();
  const CublasLt& library = product.handle->library();
  const int compute = product.isDouble            ? cublaslt::COMPUTE_64F
                      : flagAt(spec, "tf32") ? cublaslt::COMPUTE_32F_FAST_TF32
                                             : cublaslt::COMPUTE_32F;
  check(env,
        library.cublasLtMatmulDescCreate(&product.descriptor, compute,
                                         product.isDouble ? cublaslt::R_64F : cublaslt::R_32F),
        "cublasLtMatmulDescCreate");
  const auto set = [&](int attribute, const auto& value) {
    check(env, library.cublasLtMatmulDescSetAttribute(product.descriptor, attribute, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
  };
  if (flagAt(objectAt(spec, "a"), "transposed")) set(cublaslt::DESC_TRANSA, cublaslt::TRANSPOSED);
  if (flagAt(objectAt(spec, "b"), "transposed")) set(cublaslt::DESC_TRANSB, cublaslt::TRANSPOSED);
  if (!hasBias) return;
  set(cublaslt::DESC_EPILOGUE, cublaslt::EPILOGUE_BIAS);
  // The search for an algorithm wants one; each run sets its own.
  set(cublaslt::DESC_BIAS_POINTER, static_cast<uint64_t>(256));
}

void addPreference(const Napi::Object& spec, Product& product) {
  const Napi::Env env = spec.Env();
  const CublasLt& library = product.handle->library();
  check(env, library.cublasLtMatmulPreferenceCreate(&product.preference), "cublasLtMatmulPreferenceCreate");
  const auto set = [&](int attribute, const auto& value) {
    check(env, library.cublasLtMatmulPreferenceSetAttribute(product.preference, attribute, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute");
  };
  set(cublaslt::PREFERENCE_WORKSPACE, numberAt(spec, "workspaceBytes"));
  set(cublaslt::PREFERENCE_REDUCTIONS, cublaslt::REDUCE_IN_COMPUTE_TYPE);
  for (const Slot slot : {A, B, C, D})
    set(cublaslt::PREFERENCE_ALIGNMENT_A + slot, static_cast<uint32_t>(product.alignment[slot]));
}

Napi::Value openCublasLt(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<const CublasLt> library = shareHandle<const CublasLt>(env, info[0]);
  context->enter();
  cublaslt::Handle handle = nullptr;
  check(env, library->cublasLtCreate(&handle), "cublasLtCreate");
  return objectOf(env, std::make_shared<CublasLtHandle>(context, library, handle));
}

Napi::Value prepareProduct(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Napi::Env env = info.Env();
  resourceOf<CublasLtHandle>(*context, info[0]);
  if (!info[1].IsObject()) typeError(env, "cuda: a product must be described by an object");
  const Napi::Object spec = info[1].As<Napi::Object>();
  constexpr uint64_t MOST = 2147483647;
  const uint64_t rows = numberAt(spec, "rows", 1, MOST);
  const uint64_t columns = numberAt(spec, "columns", 1, MOST);
  const uint64_t depth = numberAt(spec, "depth", 1, MOST);
  const uint64_t batches = numberAt(spec, "batches", 1, MOST);
  const DataType& factor = typeAt(spec, "type", TYPES, "products");
  const DataType& result = typeAt(spec, "result", TYPES, "products");
  context->enter();
  auto product = std::make_shared<Product>(shareHandle<CublasLtHandle>(env, info[0]));
  product->isDouble = result.number == cublaslt::R_64F;
  const auto addFactor = [&](const char* name, Slot slot, uint64_t down, uint64_t across) {
    const bool transposed = flagAt(objectAt(spec, name), "transposed");
    addMatrix(spec, name, slot, factor, transposed ? across : down, transposed ? down : across, batches, *product);
  };
  addFactor("a", A, rows, depth);
  addFactor("b", B, depth, columns);
  // Without one, the result's layout stands for the addend's, which is not read then.
  const bool hasAddend = spec.Get("c").IsObject();
  addMatrix(spec, hasAddend ? "c" : "d", C, result, rows, columns, batches, *product);
  addMatrix(spec, "d", D, result, rows, columns, batches, *product);
  if (!hasAddend) product->bytes[C] = 0;
  const bool hasBias = spec.Get("bias").IsObject();
  if (hasBias) {
    product->bytes[BIAS] = rows * result.bytes;
    product->alignment[BIAS] = numberAt(objectAt(spec, "bias"), "alignment", result.bytes, 256);
    // There is no word for its own: the kernels take what they know of the result's.
    product->alignment[D] = std::min(product->alignment[D], product->alignment[BIAS]);
  }
  addDescriptor(spec, hasBias, *product);
  addPreference(spec, *product);
  const CublasLt& library = product->handle->library();
  cublaslt::Heuristic found = {};
  int count = 0;
  const auto& layouts = product->layouts;
  const cublaslt::Status status =
      library.cublasLtMatmulAlgoGetHeuristic(product->handle->handle(), product->descriptor, layouts[A], layouts[B],
                                             layouts[C], layouts[D], product->preference, 1, &found, &count);
  const bool isUnsupported = status == cublaslt::NOT_SUPPORTED || status == cublaslt::ARCH_MISMATCH ||
                             (status == cublaslt::SUCCESS && (count == 0 || found.state != cublaslt::SUCCESS));
  if (isUnsupported) return env.Null();
  check(env, status, "cublasLtMatmulAlgoGetHeuristic");
  product->algorithm = found.algorithm;
  product->bytes[WORKSPACE] = found.workspaceBytes;
  Napi::Object object = objectOf(env, product);
  constant(object, "workspaceBytes", Napi::Number::New(env, static_cast<double>(found.workspaceBytes)));
  return object;
}

Napi::Value multiply(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Napi::Env env = info.Env();
  const Product& product = resourceOf<Product>(*context, info[0]);
  const double alpha = info[1].ToNumber();
  const double beta = info[2].ToNumber();
  uint64_t addresses[SLOTS];
  findAddresses(info, *context, info[3], info[4], product.bytes, product.alignment,
                "cuda: a product wants memory and a place for each of its matrices", addresses);
  if (!product.bytes[C]) addresses[C] = addresses[D];
  context->enter();
  const CublasLt& library = product.handle->library();
  if (product.bytes[BIAS])
    check(env,
          library.cublasLtMatmulDescSetAttribute(product.descriptor, cublaslt::DESC_BIAS_POINTER, &addresses[BIAS],
                                                 sizeof addresses[BIAS]),
          "cublasLtMatmulDescSetAttribute");
  const double doubles[] = {alpha, beta};
  const float floats[] = {static_cast<float>(alpha), static_cast<float>(beta)};
  const auto scale = [&](int which) -> const void* {
    return product.isDouble ? static_cast<const void*>(&doubles[which]) : &floats[which];
  };
  const auto pointer = [&](Slot slot) { return reinterpret_cast<void*>(addresses[slot]); };
  const auto& layouts = product.layouts;
  check(env,
        library.cublasLtMatmul(product.handle->handle(), product.descriptor, scale(0), pointer(A), layouts[A],
                               pointer(B), layouts[B], scale(1), pointer(C), layouts[C], pointer(D), layouts[D],
                               &product.algorithm, pointer(WORKSPACE), product.bytes[WORKSPACE], context->stream()),
        "cublasLtMatmul");
  return env.Undefined();
}

}  // namespace

Napi::Value loadCublasLt(const Napi::CallbackInfo& info) { return loadLibrary<CublasLt>(info); }

void addProductMethods(Napi::Object object) {
  addMethod<openCublasLt>(object, "openCublasLt");
  addMethod<prepareProduct>(object, "prepareProduct");
  addMethod<multiply>(object, "multiply");
}
