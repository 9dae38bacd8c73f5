// Events, and waiting.
#include "resources.h"

namespace {

Napi::Value createEvent(const Napi::CallbackInfo& info, const ContextPointer& context) {
  context->enter();
  CUevent handle = nullptr;
  context->check(context->driver().cuEventCreate(&handle, cuda::EVENT_DEFAULT), "cuEventCreate");
  return objectOf(info.Env(), std::make_shared<Event>(context, handle));
}

Napi::Value record(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Event& event = *resourceOf<Event>(*context, info[0]);
  context->refuseWhileCapturing("an event");
  context->enter();
  context->check(context->driver().cuEventRecord(event.handle(), context->stream()), "cuEventRecord");
  return info.Env().Undefined();
}

Napi::Value isDone(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Event& event = *resourceOf<Event>(*context, info[0]);
  context->enter();
  const CUresult result = context->driver().cuEventQuery(event.handle());
  if (result != cuda::NOT_READY) context->check(result, "cuEventQuery");
  return Napi::Boolean::New(info.Env(), result == cuda::SUCCESS);
}

Napi::Value waitFor(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Event& event = *resourceOf<Event>(*context, info[0]);
  context->enter();
  context->check(context->driver().cuEventSynchronize(event.handle()), "cuEventSynchronize");
  return info.Env().Undefined();
}

Napi::Value elapsed(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Event& from = *resourceOf<Event>(*context, info[0]);
  const Event& to = *resourceOf<Event>(*context, info[1]);
  context->enter();
  float milliseconds = 0;
  context->check(context->driver().cuEventElapsedTime(&milliseconds, from.handle(), to.handle()),
                 "cuEventElapsedTime");
  return Napi::Number::New(info.Env(), milliseconds);
}

Napi::Value destroyEvent(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const std::shared_ptr<Event> event = resourceOf<Event>(*context, info[0]);
  event->free();
  return info.Env().Undefined();
}

Napi::Value synchronize(const Napi::CallbackInfo& info, const ContextPointer& context) {
  context->refuseWhileCapturing("to wait");
  context->enter();
  context->check(context->driver().cuStreamSynchronize(context->stream()), "cuStreamSynchronize");
  return info.Env().Undefined();
}

// What goes wrong at once rejects as well.
Napi::Value finished(const Napi::CallbackInfo& info, const ContextPointer& context) {
  try {
    return context->finished();
  } catch (const Napi::Error& error) {
    const Napi::Promise::Deferred deferred(info.Env());
    deferred.Reject(error.Value());
    return deferred.Promise();
  }
}

}  // namespace

void addEventMethods(Napi::Object object) {
  addMethod<createEvent>(object, "createEvent");
  addMethod<record>(object, "record");
  addMethod<isDone>(object, "isDone");
  addMethod<waitFor>(object, "waitFor");
  addMethod<elapsed>(object, "elapsed");
  addMethod<destroyEvent>(object, "destroyEvent");
  addMethod<synchronize>(object, "synchronize");
  addMethod<finished>(object, "finished");
}
