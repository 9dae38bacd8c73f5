// A stand-in for NVIDIA's cuDNN: convolutions by its graph API on the emulator's memory. It offers engines of every kind, of
// which some must not be taken, and is stricter than the real one where that would go on with undefined results.
#include <algorithm>
#include "convolution.h"

namespace {

constexpr const char* SETTINGS = "CUDNN";

struct Handle {
  CUstream stream = nullptr;
};

std::unordered_set<const void*> handles;

// cudnnBackendNumericalNote_t
enum Note : int { TENSOR_CORE = 0, NONDETERMINISTIC = 4, WINOGRAD = 5 };

/** What an engine is like. */
struct Engine {
  std::vector<int> notes;
  /** What making a plan of it gives. */
  int status;
  /** Bytes of workspace for each element of the result, or, where it is larger, in all. */
  int64_t workspace;
  bool forDouble;
};

constexpr int64_t TOO_MUCH = int64_t(1) << 40;

const std::vector<Engine>& engines() {
  static const auto& list = *new std::vector<Engine>{
      {{WINOGRAD}, SUCCESS, 0, true},
      {{NONDETERMINISTIC}, SUCCESS, 0, true},
      {{}, NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING, 0, true},
      {{}, SUCCESS, TOO_MUCH, true},
      {{TENSOR_CORE}, SUCCESS, 4, false},
      {{}, SUCCESS, 8, true},
  };
  return list;
}

/** Those that a mode of the heuristics finds: in the order in which they are likely to be fast, or what is there at least. */
std::vector<int> enginesFor(int mode, const Convolution& convolution) {
  constexpr int FALLBACK = 2;
  std::vector<int> found;
  for (int i = 0; i < int(engines().size()); i++)
    if ((!convolution.isDouble || engines()[size_t(i)].forDouble) && (mode != FALLBACK || engines()[size_t(i)].notes.empty()))
      found.push_back(i);
  return found;
}

Descriptor* descriptorOf(void* pointer) {
  return liveDescriptors().count(pointer) ? static_cast<Descriptor*>(pointer) : nullptr;
}

int convolutionOfGraph(const Descriptor& graph, Convolution& convolution) {
  return convolutionOf(*graph.child(801), convolution);
}

int64_t workspaceOf(int engine, const Convolution& convolution) {
  const int64_t each = engines()[size_t(engine)].workspace;
  return each >= TOO_MUCH ? each : each * int64_t(convolution.written().elements());
}

bool isPowerOfTwo(int64_t number) { return number > 0 && (number & (number - 1)) == 0; }

int finalize(Descriptor& descriptor) {
  if (!isComplete(descriptor)) return BAD_PARAM;
  Convolution convolution;
  switch (descriptor.kind) {
    case TENSOR: {
      const auto sizes = descriptor.all<int64_t>(902);
      const auto strides = descriptor.all<int64_t>(903);
      if (sizes.size() != strides.size() || !isPowerOfTwo(descriptor.one<int64_t>(900))) return BAD_PARAM;
      const auto isPositive = [](int64_t number) { return number > 0; };
      return std::all_of(sizes.begin(), sizes.end(), isPositive) && std::all_of(strides.begin(), strides.end(), isPositive)
                 ? SUCCESS
                 : BAD_PARAM;
    }
    case FORWARD:
    case BACKWARD_DATA:
    case BACKWARD_FILTER: return convolutionOf(descriptor, convolution);
    case GRAPH: {
      const Kind kind = descriptor.child(801)->kind;
      if (!handles.count(descriptor.one<void*>(800))) return NOT_INITIALIZED;
      return kind == FORWARD || kind == BACKWARD_DATA || kind == BACKWARD_FILTER ? SUCCESS : BAD_PARAM_DESCRIPTOR_TYPE;
    }
    case HEURISTIC: {
      const Descriptor* graph = descriptor.child(201);
      if (graph->kind != GRAPH) return BAD_PARAM_DESCRIPTOR_TYPE;
      if (int status = convolutionOfGraph(*graph, convolution)) return status;
      descriptor.graph = graph;
      return isSupported(convolution);
    }
    case PLAN: {
      const Descriptor* config = descriptor.child(401);
      if (config->kind != ENGINE_CONFIG || config->engine < 0) return BAD_PARAM_DESCRIPTOR_TYPE;
      if (!handles.count(descriptor.one<void*>(400))) return NOT_INITIALIZED;
      descriptor.engine = config->engine;
      descriptor.graph = config->graph;
      return engines()[size_t(config->engine)].status;
    }
    case PACK:
      return descriptor.all<int64_t>(1000).size() == descriptor.all<void*>(1001).size() ? SUCCESS : BAD_PARAM;
    case CONVOLUTION: return SUCCESS;
    default: return BAD_PARAM_DESCRIPTOR_TYPE;
  }
}

}  // namespace

#define FAIL_WHERE_TOLD(call)                                   \
  if (int status = guest::forcedStatus(SETTINGS, call)) return status;

EXPORT int cudnnGetProperty(int part, int* value) {
  if (part < 0 || part > 2 || !value) return BAD_PARAM;
  *value = guest::versionPart(SETTINGS, "9.14.0", part);
  return SUCCESS;
}

EXPORT const char* cudnnGetErrorString(int status) {
  switch (status) {
    case NOT_INITIALIZED: return "CUDNN_STATUS_NOT_INITIALIZED";
    case NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
    case EXECUTION_FAILED: return "CUDNN_STATUS_EXECUTION_FAILED";
    default: return status < NOT_SUPPORTED ? "CUDNN_STATUS_BAD_PARAM" : "CUDNN_STATUS_UNKNOWN";
  }
}

EXPORT void cudnnGetLastErrorString(char* text, size_t bytes) {
  if (bytes > 0) strncpy(text, "as the stand-in was told", bytes);
}

EXPORT int cudnnCreate(Handle** handle) {
  FAIL_WHERE_TOLD("cudnnCreate")
  if (guest::contextState() != CUDA_SUCCESS) return NOT_INITIALIZED;
  *handle = new Handle;
  handles.insert(*handle);
  return SUCCESS;
}

EXPORT int cudnnDestroy(Handle* handle) {
  if (!handles.erase(handle)) return BAD_PARAM;
  delete handle;
  return SUCCESS;
}

EXPORT int cudnnSetStream(Handle* handle, CUstream stream) {
  if (!handles.count(handle)) return BAD_PARAM;
  handle->stream = stream;
  return SUCCESS;
}

EXPORT int cudnnBackendCreateDescriptor(int kind, void** descriptor) {
  if (!descriptor) return BAD_PARAM_NULL_POINTER;
  auto* made = new Descriptor{Kind(kind)};
  liveDescriptors().insert(made);
  *descriptor = made;
  return SUCCESS;
}

EXPORT int cudnnBackendDestroyDescriptor(void* pointer) {
  Descriptor* descriptor = descriptorOf(pointer);
  if (!descriptor) return BAD_PARAM;
  liveDescriptors().erase(descriptor);
  delete descriptor;
  return SUCCESS;
}

EXPORT int cudnnBackendSetAttribute(void* pointer, int attribute, int type, int64_t count, const void* from) {
  Descriptor* descriptor = descriptorOf(pointer);
  if (!descriptor || descriptor->finalized) return BAD_PARAM;
  return setAttribute(*descriptor, attribute, type, count, from);
}

EXPORT int cudnnBackendFinalize(void* pointer) {
  FAIL_WHERE_TOLD("cudnnBackendFinalize")
  Descriptor* descriptor = descriptorOf(pointer);
  if (!descriptor) return BAD_PARAM;
  const int status = finalize(*descriptor);
  descriptor->finalized = status == SUCCESS;
  return status;
}

EXPORT int cudnnBackendGetAttribute(void* pointer, int attribute, int type, int64_t most, int64_t* count, void* to) {
  const Descriptor* descriptor = descriptorOf(pointer);
  if (!descriptor || !to || !count || most < 1) return BAD_PARAM;
  if (!descriptor->finalized) return BAD_PARAM_NOT_FINALIZED;
  const auto fill = [&](void* made, Kind kind, int engine) {
    Descriptor* other = descriptorOf(made);
    if (!other || other->kind != kind || other->finalized) return BAD_PARAM_DESCRIPTOR_TYPE;
    other->engine = engine;
    other->graph = descriptor->graph;
    other->finalized = true;
    return SUCCESS;
  };
  auto* descriptors = static_cast<void**>(to);
  Convolution convolution;
  if (descriptor->kind == HEURISTIC && attribute == 202 && type == DESCRIPTOR) {
    if (int status = convolutionOfGraph(*descriptor->graph, convolution)) return status;
    const std::vector<int> found = enginesFor(descriptor->one<int>(200), convolution);
    *count = int64_t(found.size());
    for (size_t i = 0; i < found.size() && int64_t(i) < most; i++)
      if (int status = fill(descriptors[i], ENGINE_CONFIG, found[i])) return status;
    return SUCCESS;
  }
  if (descriptor->kind == ENGINE_CONFIG && attribute == 300 && type == DESCRIPTOR) {
    *count = 1;
    return fill(descriptors[0], ENGINE, descriptor->engine);
  }
  if (descriptor->kind == ENGINE && attribute == 1303 && type == NOTE) {
    const std::vector<int>& notes = engines()[size_t(descriptor->engine)].notes;
    *count = int64_t(notes.size());
    std::copy_n(notes.begin(), std::min<int64_t>(most, *count), static_cast<int*>(to));
    return SUCCESS;
  }
  if (descriptor->kind == PLAN && attribute == 402 && type == INT64) {
    if (int status = convolutionOfGraph(*descriptor->graph, convolution)) return status;
    *count = 1;
    *static_cast<int64_t*>(to) = workspaceOf(descriptor->engine, convolution);
    return SUCCESS;
  }
  return BAD_PARAM;
}

EXPORT int cudnnBackendExecute(Handle* handle, void* planPointer, void* packPointer) {
  FAIL_WHERE_TOLD("cudnnBackendExecute")
  const Descriptor* plan = descriptorOf(planPointer);
  const Descriptor* pack = descriptorOf(packPointer);
  if (!handles.count(handle) || !plan || !pack || plan->kind != PLAN || pack->kind != PACK) return BAD_PARAM;
  if (!plan->finalized || !pack->finalized) return BAD_PARAM_NOT_FINALIZED;
  if (plan->one<Handle*>(400) != handle || !descriptorOf(const_cast<Descriptor*>(plan->graph))) return BAD_PARAM;
  Convolution convolution;
  if (int status = convolutionOfGraph(*plan->graph, convolution)) return status;
  const auto ids = pack->all<int64_t>(1000);
  const auto pointers = pack->all<void*>(1001);
  void* data[3] = {};
  std::vector<LibrarySpan> spans;
  const Tensor* tensors[] = {&convolution.x, &convolution.w, &convolution.y};
  for (int i = 0; i < 3; i++) {
    const auto found = std::find(ids.begin(), ids.end(), tensors[i]->id);
    if (found == ids.end()) return BAD_PARAM;
    data[i] = pointers[size_t(found - ids.begin())];
    if (!data[i]) return BAD_PARAM_NULL_POINTER;
    if (uint64_t(data[i]) % uint64_t(tensors[i]->alignment)) return BAD_PARAM_MISALIGNED_POINTER;
    spans.push_back({uint64_t(data[i]), tensors[i]->elements() * guest::bytesOf(tensors[i]->type)});
  }
  void* workspace = pack->one<void*>(1003);
  const auto bytes = uint64_t(workspaceOf(plan->engine, convolution));
  if (bytes && !workspace) return BAD_PARAM_NULL_POINTER;
  if (uint64_t(workspace) % 16) return BAD_PARAM_MISALIGNED_POINTER;
  if (bytes) spans.push_back({uint64_t(workspace), bytes});
  for (size_t i = 0; i < spans.size(); i++)
    if (i >= 3 || tensors[i] != &convolution.written()) {
      const size_t written = size_t(std::find(tensors, tensors + 3, &convolution.written()) - tensors);
      if (guest::overlap(spans[i], spans[written])) return BAD_PARAM;
    }
  const std::vector<int>& notes = engines()[size_t(plan->engine)].notes;
  const auto has = [&](int note) { return std::find(notes.begin(), notes.end(), note) != notes.end(); };
  const Numerics numerics = {has(TENSOR_CORE) && convolution.x.type == guest::Type::f32,
                             has(WINOGRAD) || has(NONDETERMINISTIC) ? 0.01 : 0};
  const CUresult queued = guest::queue(handle->stream, "cudnnBackendExecute", spans, [=] {
    // Whatever else lay there is gone.
    if (bytes) memset(workspace, 0xff, bytes);
    run(convolution, numerics, data[0], data[1], data[2]);
  });
  return queued == CUDA_SUCCESS ? SUCCESS : EXECUTION_FAILED;
}
