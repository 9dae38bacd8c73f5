// Copies to another device of this process, ordered with the streams of both.
#include "arguments.h"
#include "resources.h"

namespace {

// Whether both speak with the same driver: a pointer of one means nothing to another.
bool sameDriver(const Context& context, const Context& other) {
  return context.driver().cuMemcpyPeerAsync == other.driver().cuMemcpyPeerAsync;
}

// So many bytes of some memory, given by two arguments in their order.
CUdeviceptr placeAt(const Napi::CallbackInfo& info, const DeviceMemory& memory, size_t at, uint64_t bytes) {
  const uint64_t begin = wholeNumber(info.Env(), info[at + 1], "an offset in bytes");
  return addressOf(memory, static_cast<double>(begin), bytes, 1);
}

Napi::Value isPeer(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Context* other = findHandle<Context>(info.Env(), info[0]);
  return Napi::Boolean::New(info.Env(), other && sameDriver(*context, *other));
}

// The copy is of this context's stream, so that its memory is used again only after it. The other one's stream comes
// before it and after it: its memory may have been another buffer's, and is read by what follows.
Napi::Value copyToPeer(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const uint64_t bytes = wholeNumber(info.Env(), info[4], "a number of bytes");
  const ContextPointer other = unwrapHandle<DeviceMemory>(info.Env(), info[0]).context().shared_from_this();
  if (!sameDriver(*context, *other)) plainError(info.Env(), "cuda: this DeviceMemory is another driver's");
  const CUdeviceptr to = placeAt(info, resourceOf<DeviceMemory>(*other, info[0]), 0, bytes);
  const CUdeviceptr from = placeAt(info, resourceOf<DeviceMemory>(*context, info[2]), 2, bytes);
  context->refuseWhileCapturing("a copy to another device");
  other->refuseWhileCapturing("a copy from another device");
  const Driver& driver = context->driver();
  other->mark();
  context->waitFor(*other);
  context->reach(*other);
  context->check(driver.cuMemcpyPeerAsync(to, other->handle(), from, context->handle(), bytes, context->stream()),
                 "cuMemcpyPeerAsync");
  try {
    context->mark();
    other->waitFor(*context);
  } catch (const Napi::Error&) {
    // Nothing may use that memory while the copy goes on.
    driver.cuCtxSetCurrent(context->handle());
    if (!context->isLost()) driver.cuStreamSynchronize(context->stream());
    throw;
  }
  return info.Env().Undefined();
}

// Throws where an error took the device down that was not noticed so far. To be called when what was marked last is done.
Napi::Value probe(const Napi::CallbackInfo& info, const ContextPointer& context) {
  context->probe();
  return info.Env().Undefined();
}

}  // namespace

void addPeerMethods(Napi::Object object) {
  addMethod<isPeer>(object, "isPeer");
  addMethod<copyToPeer>(object, "copyToPeer");
  addMethod<probe>(object, "probe");
}
