#include "state.h"
#include <cstdio>
#include <map>
#include <utility>
#include "settings.h"

thread_local Context* currentContext = nullptr;
std::string lastFault;

// These outlive the process's static destructors: a thread of the host may still be in a call then.
std::mutex& world() {
  static std::mutex& mutex = *new std::mutex;
  return mutex;
}

bool& initialised() {
  static bool flag = false;
  return flag;
}

namespace {

std::map<int, std::unique_ptr<Context>>& contexts() {
  static auto& all = *new std::map<int, std::unique_ptr<Context>>;
  return all;
}

}  // namespace

Context& primaryContext(int device) {
  auto& context = contexts()[device];
  if (!context) {
    context = std::make_unique<Context>();
    context->device = device;
    context->defaultStream.context = context.get();
  }
  return *context;
}

Context* contextOf(CUcontext handle) {
  for (auto& [device, context] : contexts())
    if (context.get() == handle && context->references > 0) return handle;
  return nullptr;
}

Context* ownerOf(CUevent event) {
  for (auto& [device, context] : contexts())
    if (context->events.count(event)) return context.get();
  return nullptr;
}

CUresult contextState() {
  if (!currentContext) return CUDA_ERROR_INVALID_CONTEXT;
  if (currentContext->references == 0) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
  return currentContext->fault;
}

Stream* streamOf(CUstream handle) {
  // 0, and the handles for the legacy stream and for the thread's.
  if (uintptr_t(handle) <= 2) return &currentContext->defaultStream;
  return currentContext->streams.count(handle) ? handle : nullptr;
}

bool allowedInCapture(Context& context) {
  bool allowed = true;
  for (Stream* stream : context.streams) {
    Capture* capture = stream->capture.get();
    if (!capture || capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED) continue;
    if (capture->mode == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL && capture->thread != std::this_thread::get_id()) continue;
    capture->valid = false;
    allowed = false;
  }
  return allowed;
}

namespace {

void runNext(Lock& lock, Context& context);

/** Waits for the function of the host that a stream called before; other threads may call meanwhile. */
void joinCallback(Lock& lock, Context& context) {
  if (!context.callback.joinable()) return;
  std::thread callback = std::move(context.callback);
  lock.unlock();
  callback.join();
  lock.lock();
}

/** Waits for what work that ran left to wait for. What other contexts do first was queued before, so that no two wait for each other. */
void settle(Lock& lock, Context& context) {
  joinCallback(lock, context);
  auto [owner, records, count] = std::exchange(context.awaited, {});
  if (!owner) return;
  settle(lock, *owner);
  while (records->passed < count && !owner->queue.empty()) runNext(lock, *owner);
}

/** Runs what was queued first. */
void runNext(Lock& lock, Context& context) {
  Work work = std::move(context.queue.front());
  context.queue.pop_front();
  if (context.fault) return;
  work();
  settle(lock, context);
}

}  // namespace

CUresult submit(Lock& lock, Stream& stream, Work work) {
  Context& context = *stream.context;
  if (stream.capture) {
    if (!stream.capture->valid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    stream.capture->graph->work.push_back(std::move(work));
    return CUDA_SUCCESS;
  }
  if (settings::deferred()) {
    context.queue.push_back(std::move(work));
    return CUDA_SUCCESS;
  }
  finish(lock, context);
  if (!context.fault) work();
  return CUDA_SUCCESS;
}

void finish(Lock& lock, Context& context) {
  settle(lock, context);
  while (!context.queue.empty()) runNext(lock, context);
}

void fail(Context& context, CUresult result, const std::string& text) {
  if (context.fault) return;
  context.fault = result;
  lastFault = text;
  if (!settings::quiet()) fprintf(stderr, "cuda-emulator: %s\n", text.c_str());
}

/** For tests: the text of the last fault. */
EXPORT const char* cudaEmulatorLastFault() { return lastFault.c_str(); }
