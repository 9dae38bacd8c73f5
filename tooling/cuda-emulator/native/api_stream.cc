// Streams, events, graphs.
#include "settings.h"
#include "state.h"

namespace {

/** The event behind a handle; null where the handle is none of this context. */
Event* eventOf(CUevent handle) { return currentContext->events.count(handle) ? handle : nullptr; }

void pass(Event& event) {
  event.pending--;
  event.records->passed++;
  event.recorded = true;
  event.time = Clock::now();
}

CUresult stateOf(const Event& event) {
  if (event.captured) return CUDA_ERROR_CAPTURED_EVENT;
  return event.pending ? CUDA_ERROR_NOT_READY : CUDA_SUCCESS;
}

/** Gives back what has been recorded and ends the capture. */
CUresult takeGraph(Stream& stream, std::unique_ptr<Graph>& graph) {
  if (!stream.capture) return CUDA_ERROR_ILLEGAL_STATE;
  if (stream.capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && stream.capture->thread != std::this_thread::get_id())
    return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
  auto capture = std::move(stream.capture);
  if (!capture->valid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  graph = std::move(capture->graph);
  return CUDA_SUCCESS;
}

}  // namespace

EXPORT CUresult cuStreamCreate(CUstream* handle, unsigned flags) {
  BEGIN_IN_CONTEXT
  if (!handle || flags > 1) return CUDA_ERROR_INVALID_VALUE;
  auto* stream = new Stream;
  stream->context = &context;
  context.streams.insert(stream);
  *handle = stream;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamCreateWithPriority(CUstream* handle, unsigned flags, int) { return cuStreamCreate(handle, flags); }

EXPORT CUresult cuStreamDestroy_v2(CUstream handle) {
  BEGIN_IN_CONTEXT
  if (!context.streams.erase(handle)) return CUDA_ERROR_INVALID_HANDLE;
  finish(lock, context);
  delete handle;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamSynchronize(CUstream handle) {
  BEGIN_ON_STREAM(handle)
  NOT_WHILE_CAPTURING
  finish(lock, context);
  return context.fault;
}

EXPORT CUresult cuStreamQuery(CUstream handle) {
  BEGIN_ON_STREAM(handle)
  NOT_WHILE_CAPTURING
  bool busy = !context.queue.empty();
  finish(lock, context);
  // Deferred work is said to be under way once, so that a caller meets both answers.
  if (busy) return CUDA_ERROR_NOT_READY;
  return context.fault;
}

EXPORT CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned) {
  BEGIN_ON_STREAM(handle)
  Context* owner = ownerOf(event);
  if (!owner) return CUDA_ERROR_INVALID_HANDLE;
  // All streams of a context share one queue, so whatever the event stands for comes first anyway.
  if (owner == &context) return CUDA_SUCCESS;
  // What one stream records cannot hang on what another only does.
  if (stream->capture || event->captured) return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
  Awaited awaited{owner, event->records, event->records->queued};
  return submit(lock, *stream, [waiting = &context, awaited] { waiting->awaited = awaited; });
}

EXPORT CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void* data) {
  BEGIN_ON_STREAM(handle)
  if (!function) return CUDA_ERROR_INVALID_VALUE;
  Context* owner = &context;
  return submit(lock, *stream, [=] { owner->callback = std::thread(function, data); });
}

EXPORT CUresult cuEventCreate(CUevent* handle, unsigned flags) {
  BEGIN_IN_CONTEXT
  if (!handle) return CUDA_ERROR_INVALID_VALUE;
  auto* event = new Event;
  event->context = &context;
  event->timed = !(flags & CU_EVENT_DISABLE_TIMING);
  context.events.insert(event);
  *handle = event;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventRecord(CUevent handle, CUstream streamHandle) {
  BEGIN_ON_STREAM(streamHandle)
  Event* event = eventOf(handle);
  if (!event) return CUDA_ERROR_INVALID_HANDLE;
  event->captured = bool(stream->capture);
  if (event->captured) return submit(lock, *stream, [event] { event->recorded = true; event->time = Clock::now(); });
  event->pending++;
  event->records->queued++;
  return submit(lock, *stream, [event] { pass(*event); });
}

EXPORT CUresult cuEventQuery(CUevent handle) {
  BEGIN_IN_CONTEXT
  NOT_WHILE_CAPTURING
  Event* event = eventOf(handle);
  if (!event) return CUDA_ERROR_INVALID_HANDLE;
  CUresult state = stateOf(*event);
  // The next query finds it done.
  if (state == CUDA_ERROR_NOT_READY) finish(lock, context);
  return context.fault ? context.fault : state;
}

EXPORT CUresult cuEventSynchronize(CUevent handle) {
  BEGIN_IN_CONTEXT
  NOT_WHILE_CAPTURING
  Event* event = eventOf(handle);
  if (!event) return CUDA_ERROR_INVALID_HANDLE;
  finish(lock, context);
  return context.fault ? context.fault : stateOf(*event);
}

EXPORT CUresult cuEventElapsedTime(float* milliseconds, CUevent from, CUevent to) {
  BEGIN_IN_CONTEXT
  if (!eventOf(from) || !eventOf(to)) return CUDA_ERROR_INVALID_HANDLE;
  if (!from->timed || !to->timed) return CUDA_ERROR_INVALID_HANDLE;
  if (from->pending || to->pending) return CUDA_ERROR_NOT_READY;
  if (!from->recorded || !to->recorded) return CUDA_ERROR_INVALID_HANDLE;
  *milliseconds = std::chrono::duration<float, std::milli>(to->time - from->time).count();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuEventElapsedTime_v2(float* milliseconds, CUevent from, CUevent to) {
  return cuEventElapsedTime(milliseconds, from, to);
}

EXPORT CUresult cuEventDestroy_v2(CUevent handle) {
  BEGIN_IN_CONTEXT
  if (!context.events.count(handle)) return CUDA_ERROR_INVALID_HANDLE;
  finish(lock, context);
  context.events.erase(handle);
  delete handle;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode) {
  BEGIN_ON_STREAM(handle)
  // The default stream cannot be captured.
  if (stream == &context.defaultStream) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (stream->capture) return CUDA_ERROR_ILLEGAL_STATE;
  stream->capture = std::make_unique<Capture>();
  stream->capture->mode = mode;
  stream->capture->thread = std::this_thread::get_id();
  stream->capture->graph = std::make_unique<Graph>();
  return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamEndCapture(CUstream handle, CUgraph* graph) {
  BEGIN_ON_STREAM(handle)
  std::unique_ptr<Graph> taken;
  CUresult result = takeGraph(*stream, taken);
  *graph = taken.release();
  if (*graph) context.graphs.insert(*graph);
  return result;
}

EXPORT CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus* status) {
  BEGIN_ON_STREAM(handle)
  Capture* capture = stream->capture.get();
  *status = !capture         ? CU_STREAM_CAPTURE_STATUS_NONE
            : capture->valid ? CU_STREAM_CAPTURE_STATUS_ACTIVE
                             : CU_STREAM_CAPTURE_STATUS_INVALIDATED;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph graph, unsigned long long) {
  BEGIN_IN_CONTEXT
  if (!context.graphs.count(graph)) return CUDA_ERROR_INVALID_HANDLE;
  *executable = new GraphExec{graph->work};
  context.executables.insert(*executable);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphLaunch(CUgraphExec executable, CUstream handle) {
  BEGIN_ON_STREAM(handle)
  if (!context.executables.count(executable)) return CUDA_ERROR_INVALID_HANDLE;
  for (const Work& work : executable->work)
    if (CUresult result = submit(lock, *stream, work)) return result;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphExecDestroy(CUgraphExec executable) {
  BEGIN_IN_CONTEXT
  if (!context.executables.erase(executable)) return CUDA_ERROR_INVALID_HANDLE;
  delete executable;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuGraphDestroy(CUgraph graph) {
  BEGIN_IN_CONTEXT
  if (!context.graphs.erase(graph)) return CUDA_ERROR_INVALID_HANDLE;
  delete graph;
  return CUDA_SUCCESS;
}
