// Convolutions by cuDNN. One is prepared once for its sizes and layouts; where its tensors end follows from them, and each run
// checks that they lie inside of the memory that it is given.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "cudnn.h"
#include "libraries.h"

namespace {

// The library's own handle, for a context, on its stream.
class CudnnHandle final : public Resource {
 public:
  static constexpr uint64_t NUMBER = 13;
  static constexpr const char* NAME = "CudnnHandle";

  CudnnHandle(ContextPointer context, std::shared_ptr<const Cudnn> library, cudnn::Handle handle)
      : Resource(std::move(context)), library_(std::move(library)), handle_(handle) {}
  ~CudnnHandle() override { free(); }
  const Cudnn& library() const { return *library_; }
  cudnn::Handle handle() const { return handle_; }

  // What was made with it, and goes before it does.
  std::unordered_set<Resource*> plans;

 private:
  void release(const Driver&) override {
    // Each takes itself out of the set.
    while (!plans.empty()) (*plans.begin())->free();
    library_->cudnnDestroy(handle_);
  }

  const std::shared_ptr<const Cudnn> library_;
  const cudnn::Handle handle_;
};

void check(Napi::Env env, const Cudnn& library, cudnn::Status status, const char* call) {
  if (status == cudnn::SUCCESS) return;
  const std::string name = library.cudnnGetErrorString(status);
  char detail[512] = {};
  library.cudnnGetLastErrorString(detail, sizeof detail - 1);
  const std::string more = *detail ? std::string(": ") + detail : "";
  throw libraryError(env, Cudnn::LIBRARY, name, status,
                     std::string(call) + ": " + name + " (" + std::to_string(status) + ")" + more);
}

bool isUnsupported(cudnn::Status status) {
  return status >= cudnn::NOT_SUPPORTED && status < cudnn::BEYOND_NOT_SUPPORTED;
}

// A descriptor of the library's, which goes with it.
class Descriptor {
 public:
  Descriptor(Napi::Env env, const Cudnn& library, int type) : env_(env), library_(&library) {
    check(env_, library, library.cudnnBackendCreateDescriptor(type, &handle_), "cudnnBackendCreateDescriptor");
  }
  Descriptor(Descriptor&& other) noexcept
      : env_(other.env_), library_(other.library_), handle_(std::exchange(other.handle_, nullptr)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (handle_) library_->cudnnBackendDestroyDescriptor(handle_);
  }

  cudnn::Descriptor handle() const { return handle_; }

  template <class Value>
  void set(int attribute, int type, const std::vector<Value>& values) const {
    check(env_, *library_,
          library_->cudnnBackendSetAttribute(handle_, attribute, type, static_cast<int64_t>(values.size()), values.data()),
          "cudnnBackendSetAttribute");
  }
  template <class Value>
  void set(int attribute, int type, Value value) const {
    set(attribute, type, std::vector<Value>{value});
  }
  void set(int attribute, const Descriptor& descriptor) const {
    set(attribute, cudnn::TYPE_DESCRIPTOR, descriptor.handle_);
  }

  // How many values there are, up to `most`, which are put into `values`.
  template <class Value>
  int64_t get(int attribute, int type, int64_t most, Value* values) const {
    int64_t count = 0;
    check(env_, *library_, library_->cudnnBackendGetAttribute(handle_, attribute, type, most, &count, values),
          "cudnnBackendGetAttribute");
    return std::min(count, most);
  }

  cudnn::Status tryFinalize() const { return library_->cudnnBackendFinalize(handle_); }
  void finalize() const { check(env_, *library_, tryFinalize(), "cudnnBackendFinalize"); }

 private:
  Napi::Env env_;
  const Cudnn* library_;
  cudnn::Descriptor handle_ = nullptr;
};

// What a run is given memory for, in the order of its arguments.
enum Slot { X, W, Y, WORKSPACE, SLOTS };
constexpr const char* NAMES[] = {"x", "w", "y"};
constexpr uint64_t WORKSPACE_ALIGNMENT = 256;

class Convolution final : public Resource {
 public:
  static constexpr uint64_t NUMBER = 14;
  static constexpr const char* NAME = "PreparedConvolution";

  explicit Convolution(std::shared_ptr<CudnnHandle> owner)
      : Resource(owner->context().shared_from_this()), handle(std::move(owner)) {
    handle->plans.insert(this);
  }
  ~Convolution() override { free(); }

  Descriptor& make(int type) {
    return descriptors.emplace_back(context().env(), handle->library(), type);
  }

  const std::shared_ptr<CudnnHandle> handle;
  // All of them, as long as it lives; the last is the plan.
  std::vector<Descriptor> descriptors;
  uint64_t bytes[SLOTS] = {};
  uint64_t alignment[SLOTS] = {1, 1, 1, WORKSPACE_ALIGNMENT};

 private:
  void release(const Driver& driver) override {
    // A plan may have brought code along, which may still run.
    driver.cuStreamSynchronize(context().stream());
    descriptors.clear();
  }
  void onFreed() override { handle->plans.erase(this); }
};

constexpr DataType TYPES[] = {{"float32", cudnn::FLOAT, 4},
                              {"float64", cudnn::DOUBLE, 8},
                              {"float16", cudnn::HALF, 2},
                              {"bfloat16", cudnn::BFLOAT16, 2}};

std::vector<int64_t> numbersAt(const Napi::Object& object, const char* name, size_t count, uint64_t least) {
  constexpr uint64_t MOST = 2147483647;
  const Napi::Env env = object.Env();
  const Napi::Value value = object.Get(name);
  if (!value.IsArray() || value.As<Napi::Array>().Length() != count)
    typeError(env, std::string("cuda: ") + name + " must be an array of " + std::to_string(count));
  std::vector<int64_t> numbers;
  for (uint32_t i = 0; i < count; i++) {
    const uint64_t number = wholeNumber(env, value.As<Napi::Array>().Get(i), name);
    if (number < least || number > MOST)
      rangeError(env, std::string("cuda: ") + name + " must be from " + std::to_string(least) + " to " +
                          std::to_string(MOST));
    numbers.push_back(static_cast<int64_t>(number));
  }
  return numbers;
}

// Describes a tensor, and says how far it reaches.
void addTensor(const Napi::Object& spec, Slot slot, const DataType& type, size_t dims, Convolution& convolution) {
  const Napi::Env env = spec.Env();
  const Napi::Object tensor = objectAt(spec, NAMES[slot]);
  const std::vector<int64_t> sizes = numbersAt(tensor, "sizes", dims, 1);
  const std::vector<int64_t> strides = numbersAt(tensor, "strides", dims, 0);
  const uint64_t alignment = alignmentAt(tensor, type.bytes);
  // At most five products of two numbers below 2^31 each.
  uint64_t last = 0;
  for (size_t d = 0; d < dims; d++) last += static_cast<uint64_t>(sizes[d] - 1) * static_cast<uint64_t>(strides[d]);
  if (last >= (uint64_t{1} << 53)) rangeError(env, std::string("cuda: the tensor ") + NAMES[slot] + " is too large");
  convolution.bytes[slot] = (last + 1) * type.bytes;
  convolution.alignment[slot] = alignment;
  const Descriptor& descriptor = convolution.make(cudnn::TENSOR);
  descriptor.set(cudnn::TENSOR_DATA_TYPE, cudnn::TYPE_DATA_TYPE, type.number);
  descriptor.set(cudnn::TENSOR_SIZES, cudnn::TYPE_INT64, sizes);
  descriptor.set(cudnn::TENSOR_STRIDES, cudnn::TYPE_INT64, strides);
  descriptor.set(cudnn::TENSOR_ID, cudnn::TYPE_INT64, static_cast<int64_t>(slot + 1));
  descriptor.set(cudnn::TENSOR_ALIGNMENT, cudnn::TYPE_INT64, static_cast<int64_t>(alignment));
  descriptor.finalize();
}

// The graph of the one operation.
void addGraph(const Napi::Object& spec, const cudnn::Operation& operation, bool isDouble, size_t spatial,
              Convolution& convolution) {
  const auto tensor = [&](Slot slot) -> const Descriptor& { return convolution.descriptors[slot]; };
  const Descriptor& geometry = convolution.make(cudnn::CONVOLUTION);
  geometry.set(cudnn::CONVOLUTION_COMPUTE_TYPE, cudnn::TYPE_DATA_TYPE, isDouble ? cudnn::DOUBLE : cudnn::FLOAT);
  geometry.set(cudnn::CONVOLUTION_MODE, cudnn::TYPE_CONVOLUTION_MODE, cudnn::CROSS_CORRELATION);
  geometry.set(cudnn::CONVOLUTION_SPATIAL_DIMS, cudnn::TYPE_INT64, static_cast<int64_t>(spatial));
  const std::vector<int64_t> padding = numbersAt(spec, "padding", spatial, 0);
  geometry.set(cudnn::CONVOLUTION_PADDINGS_BEFORE, cudnn::TYPE_INT64, padding);
  geometry.set(cudnn::CONVOLUTION_PADDINGS_AFTER, cudnn::TYPE_INT64, padding);
  geometry.set(cudnn::CONVOLUTION_STRIDES, cudnn::TYPE_INT64, numbersAt(spec, "stride", spatial, 1));
  geometry.set(cudnn::CONVOLUTION_DILATIONS, cudnn::TYPE_INT64, numbersAt(spec, "dilation", spatial, 1));
  geometry.finalize();
  const Descriptor& node = convolution.make(operation.descriptor);
  node.set(operation.convolution, geometry);
  node.set(operation.x, tensor(X));
  node.set(operation.w, tensor(W));
  node.set(operation.y, tensor(Y));
  const auto scale = [&](int attribute, double value) {
    if (isDouble) node.set(attribute, cudnn::TYPE_DOUBLE, value);
    else node.set(attribute, cudnn::TYPE_FLOAT, static_cast<float>(value));
  };
  scale(operation.alpha, 1);
  scale(operation.beta, 0);
  node.finalize();
  const Descriptor& graph = convolution.make(cudnn::OPERATION_GRAPH);
  graph.set(cudnn::GRAPH_HANDLE, cudnn::TYPE_HANDLE, convolution.handle->handle());
  graph.set(cudnn::GRAPH_OPERATIONS, node);
  graph.finalize();
}

// Whether what an engine notes of its numbers is what is wanted: the same each time, and as exact as it was said.
bool isWanted(const std::vector<int>& notes, bool exact) {
  return std::none_of(notes.begin(), notes.end(), [&](int note) {
    if (note == cudnn::NOTE_TENSOR_CORE || note == cudnn::NOTE_DOWN_CONVERT_INPUTS) return exact;
    return note == cudnn::NOTE_REDUCED_PRECISION_REDUCTION || note == cudnn::NOTE_FFT ||
           note == cudnn::NOTE_NONDETERMINISTIC || (note >= cudnn::NOTE_WINOGRAD && note <= cudnn::NOTE_WINOGRAD_LAST);
  });
}

// The first plan that is wanted, as the last descriptor; false where there is none.
bool addPlan(Napi::Env env, bool exact, uint64_t mostWorkspace, Convolution& convolution) {
  // There are dozens for tensor cores alone.
  constexpr int64_t MOST = 256;
  const Cudnn& library = convolution.handle->library();
  const cudnn::Descriptor graph = convolution.descriptors.back().handle();
  for (const int mode : cudnn::HEURISTICS) {
    const Descriptor heuristic(env, library, cudnn::HEURISTIC);
    heuristic.set(cudnn::HEURISTIC_GRAPH, cudnn::TYPE_DESCRIPTOR, graph);
    heuristic.set(cudnn::HEURISTIC_MODE, cudnn::TYPE_HEURISTIC_MODE, mode);
    const cudnn::Status status = heuristic.tryFinalize();
    if (isUnsupported(status)) continue;
    check(env, library, status, "cudnnBackendFinalize");
    std::vector<Descriptor> configs;
    std::vector<cudnn::Descriptor> handles;
    for (int64_t i = 0; i < MOST; i++) {
      configs.emplace_back(env, library, cudnn::ENGINE_CONFIG);
      handles.push_back(configs.back().handle());
    }
    const int64_t count = heuristic.get(cudnn::HEURISTIC_RESULTS, cudnn::TYPE_DESCRIPTOR, MOST, handles.data());
    for (size_t i = 0; i < static_cast<size_t>(count); i++) {
      const Descriptor engine(env, library, cudnn::ENGINE);
      cudnn::Descriptor handle = engine.handle();
      configs[i].get(cudnn::ENGINE_CONFIG_ENGINE, cudnn::TYPE_DESCRIPTOR, 1, &handle);
      std::vector<int> notes(cudnn::MOST_NOTES);
      notes.resize(static_cast<size_t>(
          engine.get(cudnn::ENGINE_NUMERICAL_NOTE, cudnn::TYPE_NUMERICAL_NOTE, cudnn::MOST_NOTES, notes.data())));
      if (!isWanted(notes, exact)) continue;
      Descriptor plan(env, library, cudnn::EXECUTION_PLAN);
      plan.set(cudnn::PLAN_HANDLE, cudnn::TYPE_HANDLE, convolution.handle->handle());
      plan.set(cudnn::PLAN_ENGINE_CONFIG, configs[i]);
      // An engine may turn out not to be for this, or to lack something: the next one may do.
      if (plan.tryFinalize() != cudnn::SUCCESS) continue;
      int64_t bytes = 0;
      plan.get(cudnn::PLAN_WORKSPACE_BYTES, cudnn::TYPE_INT64, 1, &bytes);
      if (bytes < 0 || static_cast<uint64_t>(bytes) > mostWorkspace) continue;
      convolution.bytes[WORKSPACE] = static_cast<uint64_t>(bytes);
      convolution.descriptors.push_back(std::move(configs[i]));
      convolution.descriptors.push_back(std::move(plan));
      return true;
    }
  }
  return false;
}

Napi::Value openCudnn(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<const Cudnn> library = shareHandle<const Cudnn>(env, info[0]);
  context->enter();
  cudnn::Handle handle = nullptr;
  check(env, *library, library->cudnnCreate(&handle), "cudnnCreate");
  auto owner = std::make_shared<CudnnHandle>(context, library, handle);
  check(env, *library, library->cudnnSetStream(handle, context->stream()), "cudnnSetStream");
  return objectOf(env, owner);
}

Napi::Value prepareConvolution(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Napi::Env env = info.Env();
  resourceOf<CudnnHandle>(*context, info[0]);
  if (!info[1].IsObject()) typeError(env, "cuda: a convolution must be described by an object");
  const Napi::Object spec = info[1].As<Napi::Object>();
  const std::string pass = spec.Get("pass").ToString();
  const auto operation = std::find_if(std::begin(cudnn::OPERATIONS), std::end(cudnn::OPERATIONS),
                                      [&](const cudnn::Operation& each) { return pass == each.name; });
  if (operation == std::end(cudnn::OPERATIONS)) rangeError(env, "cuda: a convolution has no pass " + pass);
  const Napi::Value stride = spec.Get("stride");
  const size_t spatial = stride.IsArray() ? stride.As<Napi::Array>().Length() : 0;
  if (spatial < 2 || spatial > 3) rangeError(env, "cuda: a convolution has two or three spatial dims");
  const DataType& type = typeAt(spec, "type", TYPES, "convolutions");
  context->enter();
  auto convolution = std::make_shared<Convolution>(shareHandle<CudnnHandle>(env, info[0]));
  // References to those that were made stay good.
  convolution->descriptors.reserve(16);
  for (const Slot slot : {X, W, Y}) addTensor(spec, slot, type, spatial + 2, *convolution);
  addGraph(spec, *operation, type.number == cudnn::DOUBLE, spatial, *convolution);
  const bool exact = type.number == cudnn::FLOAT && !flagAt(spec, "tf32");
  if (!addPlan(env, exact, numberAt(spec, "workspaceBytes"), *convolution)) return env.Null();
  Napi::Object object = objectOf(env, convolution);
  constant(object, "workspaceBytes", Napi::Number::New(env, static_cast<double>(convolution->bytes[WORKSPACE])));
  return object;
}

Napi::Value convolve(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Napi::Env env = info.Env();
  const Convolution& convolution = resourceOf<Convolution>(*context, info[0]);
  uint64_t addresses[SLOTS];
  findAddresses(info, *context, info[1], info[2], convolution.bytes, convolution.alignment,
                "cuda: a convolution wants memory and a place for each of its tensors", addresses);
  context->enter();
  const Cudnn& library = convolution.handle->library();
  const auto pointer = [&](Slot slot) { return reinterpret_cast<void*>(addresses[slot]); };
  const Descriptor pack(env, library, cudnn::VARIANT_PACK);
  pack.set(cudnn::PACK_IDS, cudnn::TYPE_INT64, std::vector<int64_t>{X + 1, W + 1, Y + 1});
  pack.set(cudnn::PACK_POINTERS, cudnn::TYPE_POINTER, std::vector<void*>{pointer(X), pointer(W), pointer(Y)});
  pack.set(cudnn::PACK_WORKSPACE, cudnn::TYPE_POINTER, pointer(WORKSPACE));
  pack.finalize();
  check(env, library,
        library.cudnnBackendExecute(convolution.handle->handle(), convolution.descriptors.back().handle(), pack.handle()),
        "cudnnBackendExecute");
  return env.Undefined();
}

}  // namespace

Napi::Value loadCudnn(const Napi::CallbackInfo& info) { return loadLibrary<Cudnn>(info); }

void addConvolutionMethods(Napi::Object object) {
  addMethod<openCudnn>(object, "openCudnn");
  addMethod<prepareConvolution>(object, "prepareConvolution");
  addMethod<convolve>(object, "convolve");
}
