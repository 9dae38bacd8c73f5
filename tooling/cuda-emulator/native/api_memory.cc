// Memory and copies.
#include <cstring>
#include "settings.h"
#include "state.h"

namespace {

struct Side {
  Context* context;
  uint64_t address;
  bool onDevice;
};

Side device(Context& context, CUdeviceptr address) { return {&context, address, true}; }
Side host(Context& context, const void* address) { return {&context, uint64_t(address), false}; }

/** Memory of the device must be allocated; memory of the host that is pinned must not be left. */
bool reachable(const Side& side, uint64_t bytes) {
  if (side.onDevice) return side.context->memory.holds(side.address, bytes);
  const Range* pinned = side.context->pinned.find(side.address);
  return !pinned || pinned->holds(side.address, bytes);
}

void copyNow(Context& context, const Side& to, const Side& from, uint64_t bytes) {
  if (!reachable(to, bytes) || !reachable(from, bytes))
    return fail(context, CUDA_ERROR_ILLEGAL_ADDRESS, "a copy of " + std::to_string(bytes) + " bytes leaves its memory");
  memmove((void*)to.address, (const void*)from.address, bytes);
}

CUresult copy(Lock& lock, Stream& stream, const Side& to, const Side& from, uint64_t bytes) {
  if (bytes == 0) return CUDA_SUCCESS;
  Context* context = stream.context;
  return submit(lock, stream, [=] { copyNow(*context, to, from, bytes); });
}

CUresult copyAndWait(Lock& lock, Context& context, const Side& to, const Side& from, uint64_t bytes) {
  finish(lock, context);
  if (!context.fault && bytes) copyNow(context, to, from, bytes);
  return context.fault;
}

template <class T>
CUresult fill(Lock& lock, Stream& stream, CUdeviceptr address, T value, size_t count) {
  if (address % sizeof(T)) return CUDA_ERROR_INVALID_VALUE;
  if (count == 0) return CUDA_SUCCESS;
  Context* context = stream.context;
  return submit(lock, stream, [=] {
    if (!context->memory.holds(address, count * sizeof(T)))
      return fail(*context, CUDA_ERROR_ILLEGAL_ADDRESS, "a fill leaves its memory");
    for (size_t i = 0; i < count; i++) ((T*)address)[i] = value;
  });
}

template <class T>
CUresult fillAndWait(Lock& lock, Context& context, CUdeviceptr address, T value, size_t count) {
  CUresult result = fill(lock, context.defaultStream, address, value, count);
  finish(lock, context);
  return result ? result : context.fault;
}

}  // namespace

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr* address, size_t bytes) {
  BEGIN_IN_CONTEXT
  if (!address || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  NOT_WHILE_CAPTURING
  size_t total = settings::memoryBytes();
  if (context.memory.used() > total || bytes > total - context.memory.used()) return CUDA_ERROR_OUT_OF_MEMORY;
  *address = context.memory.allocate(bytes);
  return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
  BEGIN_IN_CONTEXT
  if (address == 0) return CUDA_SUCCESS;
  NOT_WHILE_CAPTURING
  finish(lock, context);
  return context.memory.free(address) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuMemGetInfo_v2(size_t* free, size_t* total) {
  BEGIN_IN_CONTEXT
  *total = settings::memoryBytes();
  size_t used = context.memory.used();
  *free = used < *total ? *total - used : 0;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuMemHostAlloc(void** address, size_t bytes, unsigned) {
  BEGIN_IN_CONTEXT
  if (!address || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  NOT_WHILE_CAPTURING
  *address = (void*)context.pinned.allocate(bytes);
  return *address ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

EXPORT CUresult cuMemAllocHost_v2(void** address, size_t bytes) { return cuMemHostAlloc(address, bytes, 0); }

EXPORT CUresult cuMemFreeHost(void* address) {
  BEGIN_IN_CONTEXT
  if (!address) return CUDA_ERROR_INVALID_VALUE;
  NOT_WHILE_CAPTURING
  finish(lock, context);
  return context.pinned.free(uint64_t(address)) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuMemHostRegister_v2(void* address, size_t bytes, unsigned) {
  BEGIN_IN_CONTEXT
  if (!address || bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  NOT_WHILE_CAPTURING
  return context.registered.insert(address).second ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
}

EXPORT CUresult cuMemHostUnregister(void* address) {
  BEGIN_IN_CONTEXT
  NOT_WHILE_CAPTURING
  finish(lock, context);
  return context.registered.erase(address) ? CUDA_SUCCESS : CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
}

EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t bytes, CUstream handle) {
  BEGIN_ON_STREAM(handle)
  return copy(lock, *stream, device(context, to), host(context, from), bytes);
}

EXPORT CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t bytes, CUstream handle) {
  BEGIN_ON_STREAM(handle)
  return copy(lock, *stream, host(context, to), device(context, from), bytes);
}

EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream handle) {
  BEGIN_ON_STREAM(handle)
  return copy(lock, *stream, device(context, to), device(context, from), bytes);
}

EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void* from, size_t bytes) {
  BEGIN_IN_CONTEXT
  NOT_WHILE_CAPTURING
  return copyAndWait(lock, context, device(context, to), host(context, from), bytes);
}

EXPORT CUresult cuMemcpyDtoH_v2(void* to, CUdeviceptr from, size_t bytes) {
  BEGIN_IN_CONTEXT
  NOT_WHILE_CAPTURING
  return copyAndWait(lock, context, host(context, to), device(context, from), bytes);
}

EXPORT CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
  BEGIN_IN_CONTEXT
  NOT_WHILE_CAPTURING
  return copyAndWait(lock, context, device(context, to), device(context, from), bytes);
}

EXPORT CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext toHandle, CUdeviceptr from, CUcontext fromHandle,
                                  size_t bytes, CUstream handle) {
  BEGIN_ON_STREAM(handle)
  Context* toContext = contextOf(toHandle);
  Context* fromContext = contextOf(fromHandle);
  if (!toContext || !fromContext) return CUDA_ERROR_INVALID_CONTEXT;
  for (Context* other : {toContext, fromContext})
    if (other->fault) return other->fault;
  if (CUresult failure = settings::peerFailure()) return failure;
  // It comes after what is queued on its stream, and after nothing else.
  return copy(lock, *stream, device(*toContext, to), device(*fromContext, from), bytes);
}

EXPORT CUresult cuMemsetD8Async(CUdeviceptr address, unsigned char value, size_t count, CUstream handle) {
  BEGIN_ON_STREAM(handle)
  return fill<uint8_t>(lock, *stream, address, value, count);
}

EXPORT CUresult cuMemsetD16Async(CUdeviceptr address, unsigned short value, size_t count, CUstream handle) {
  BEGIN_ON_STREAM(handle)
  return fill<uint16_t>(lock, *stream, address, value, count);
}

EXPORT CUresult cuMemsetD32Async(CUdeviceptr address, unsigned value, size_t count, CUstream handle) {
  BEGIN_ON_STREAM(handle)
  return fill<uint32_t>(lock, *stream, address, value, count);
}

EXPORT CUresult cuMemsetD8_v2(CUdeviceptr address, unsigned char value, size_t count) {
  BEGIN_IN_CONTEXT
  NOT_WHILE_CAPTURING
  return fillAndWait<uint8_t>(lock, context, address, value, count);
}

EXPORT CUresult cuMemsetD32_v2(CUdeviceptr address, unsigned value, size_t count) {
  BEGIN_IN_CONTEXT
  NOT_WHILE_CAPTURING
  return fillAndWait<uint32_t>(lock, context, address, value, count);
}
