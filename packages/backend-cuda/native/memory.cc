// Memory of the device, memory of the host that the device can reach, and copies between them.
#include <cstdlib>
#if defined(_WIN32)
#include <malloc.h>
#endif

#include "resources.h"

namespace {

void reportBytes(Napi::Env env, int64_t change) {
  int64_t total;
  napi_adjust_external_memory(env, change, &total);
}

// Throws unless bytes `from` up to `from + count` lie inside of `bytes`.
void checkRange(Napi::Env env, const char* name, size_t bytes, uint64_t from, uint64_t count) {
  if (from <= bytes && count <= bytes - from) return;
  rangeError(env, "cuda: bytes " + std::to_string(from) + " to " + std::to_string(from + count) +
                      " lie outside of a " + name + " of " + std::to_string(bytes));
}

// Bytes of some memory, given by three arguments in their order.
template <class T>
struct Span {
  const T& memory;
  uint64_t from;
};

template <class T>
Span<T> spanAt(const Napi::CallbackInfo& info, const Context& context, size_t at, uint64_t count) {
  const T& memory = resourceOf<T>(context, info[at]);
  const uint64_t from = wholeNumber(info.Env(), info[at + 1], "an offset in bytes");
  checkRange(info.Env(), T::NAME, memory.bytes(), from, count);
  return {memory, from};
}

// Whole pages, so that none is shared with what is not the driver's business.
constexpr size_t PAGE = 4096;

#if defined(_WIN32)
uint8_t* allocatePages(size_t bytes) { return static_cast<uint8_t*>(_aligned_malloc(bytes, PAGE)); }
void freePages(uint8_t* data) { _aligned_free(data); }
#else
uint8_t* allocatePages(size_t bytes) { return static_cast<uint8_t*>(std::aligned_alloc(PAGE, bytes)); }
void freePages(uint8_t* data) { std::free(data); }
#endif

Napi::Value allocate(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const uint64_t bytes = wholeNumber(info.Env(), info[0], "a number of bytes");
  if (bytes == 0) rangeError(info.Env(), "cuda: memory of no bytes");
  context->enter();
  CUdeviceptr address = 0;
  context->check(context->driver().cuMemAlloc_v2(&address, bytes), "cuMemAlloc");
  const auto memory = std::make_shared<DeviceMemory>(context, address, bytes);
  Napi::Object object = objectOf(info.Env(), memory);
  constant(object, "bytes", Napi::Number::New(info.Env(), static_cast<double>(bytes)));
  constant(object, "number", Napi::Number::New(info.Env(), memory->number()));
  return object;
}

Napi::Value free(const Napi::CallbackInfo& info, const ContextPointer& context) {
  resourceOf<DeviceMemory>(*context, info[0]).free();
  return info.Env().Undefined();
}

Napi::Value memoryInfo(const Napi::CallbackInfo& info, const ContextPointer& context) {
  context->enter();
  size_t free = 0;
  size_t total = 0;
  context->check(context->driver().cuMemGetInfo_v2(&free, &total), "cuMemGetInfo");
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("free", static_cast<double>(free));
  result.Set("total", static_cast<double>(total));
  return result;
}

Napi::Value allocatePinned(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Napi::Env env = info.Env();
  const uint64_t bytes = wholeNumber(env, info[0], "a number of bytes");
  if (bytes == 0) rangeError(env, "cuda: memory of no bytes");
  context->enter();
  auto memory = std::make_shared<PinnedMemory>(context, bytes);
  // Where it was moved elsewhere it can still be read.
  const Napi::ArrayBuffer buffer = arrayOver(env, memory, memory->data(), bytes);
  Napi::Object object = objectOf(env, memory);
  constant(object, "bytes", Napi::Uint8Array::New(env, bytes, buffer, 0));
  return object;
}

Napi::Value freePinned(const Napi::CallbackInfo& info, const ContextPointer& context) {
  resourceOf<PinnedMemory>(*context, info[0]).free();
  Napi::ArrayBuffer buffer = info[0].As<Napi::Object>().Get("bytes").As<Napi::Uint8Array>().ArrayBuffer();
  if (!buffer.IsDetached()) buffer.Detach();
  return info.Env().Undefined();
}

Napi::Value upload(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const uint64_t bytes = wholeNumber(info.Env(), info[4], "a number of bytes");
  const auto to = spanAt<DeviceMemory>(info, *context, 0, bytes);
  const auto from = spanAt<PinnedMemory>(info, *context, 2, bytes);
  const uint8_t* data = from.memory.data() + from.from;
  context->enter();
  context->check(
      context->driver().cuMemcpyHtoDAsync_v2(to.memory.address() + to.from, data, bytes, context->stream()),
      "cuMemcpyHtoDAsync");
  return info.Env().Undefined();
}

Napi::Value download(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const uint64_t bytes = wholeNumber(info.Env(), info[4], "a number of bytes");
  const auto to = spanAt<PinnedMemory>(info, *context, 0, bytes);
  const auto from = spanAt<DeviceMemory>(info, *context, 2, bytes);
  uint8_t* data = to.memory.data() + to.from;
  context->enter();
  context->check(
      context->driver().cuMemcpyDtoHAsync_v2(data, from.memory.address() + from.from, bytes, context->stream()),
      "cuMemcpyDtoHAsync");
  return info.Env().Undefined();
}

Napi::Value copy(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const uint64_t bytes = wholeNumber(info.Env(), info[4], "a number of bytes");
  const auto to = spanAt<DeviceMemory>(info, *context, 0, bytes);
  const auto from = spanAt<DeviceMemory>(info, *context, 2, bytes);
  context->enter();
  context->check(context->driver().cuMemcpyDtoDAsync_v2(to.memory.address() + to.from,
                                                        from.memory.address() + from.from, bytes, context->stream()),
                 "cuMemcpyDtoDAsync");
  return info.Env().Undefined();
}

Napi::Value fill(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const uint64_t bytes = wholeNumber(info.Env(), info[3], "a number of bytes");
  const auto to = spanAt<DeviceMemory>(info, *context, 0, bytes);
  const uint64_t value = wholeNumber(info.Env(), info[2], "a byte");
  if (value > 255) rangeError(info.Env(), "cuda: a byte is from 0 to 255");
  context->enter();
  context->check(context->driver().cuMemsetD8Async(to.memory.address() + to.from, static_cast<unsigned char>(value),
                                                   bytes, context->stream()),
                 "cuMemsetD8Async");
  return info.Env().Undefined();
}

}  // namespace

DeviceMemory::DeviceMemory(ContextPointer context, CUdeviceptr address, size_t bytes)
    : Resource(std::move(context)),
      address_(address),
      bytes_(bytes),
      number_(this->context().memories().add(this)) {
  reportBytes(this->context().env(), static_cast<int64_t>(bytes_));
}

void DeviceMemory::onFreed() {
  context().memories().remove(number_);
  reportBytes(context().env(), -static_cast<int64_t>(bytes_));
}

PinnedMemory::PinnedMemory(ContextPointer context, size_t bytes) : Resource(std::move(context)), bytes_(bytes) {
  Context& owner = this->context();
  const size_t whole = (bytes + PAGE - 1) / PAGE * PAGE;
  data_ = allocatePages(whole);
  if (!data_) rangeError(owner.env(), "cuda: the host has no " + std::to_string(bytes) + " bytes for copies");
  const CUresult result = owner.driver().cuMemHostRegister_v2(data_, whole, 0);
  registered_ = result == cuda::SUCCESS;
  // Where the driver cannot have it, copies only take longer.
  if (registered_ || result == cuda::NOT_SUPPORTED) return;
  freePages(data_);
  owner.check(result, "cuMemHostRegister");
}

PinnedMemory::~PinnedMemory() {
  free();
  freePages(data_);
}

void PinnedMemory::release(const Driver& driver) {
  // Copies that were queued may still use it.
  driver.cuStreamSynchronize(context().stream());
  if (registered_) driver.cuMemHostUnregister(data_);
}

void addMemoryMethods(Napi::Object object) {
  addMethod<allocate>(object, "allocate");
  addMethod<free>(object, "free");
  addMethod<memoryInfo>(object, "memoryInfo");
  addMethod<allocatePinned>(object, "allocatePinned");
  addMethod<freePinned>(object, "freePinned");
  addMethod<upload>(object, "upload");
  addMethod<download>(object, "download");
  addMethod<copy>(object, "copy");
  addMethod<fill>(object, "fill");
}
