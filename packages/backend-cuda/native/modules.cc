// Modules: PTX text that the driver compiles, and the kernels in them.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <tuple>
#include <vector>

#include "arguments.h"
#include "resources.h"
#include "tensor-maps.h"

namespace {

constexpr size_t LOG_BYTES = 16 * 1024;
// A block of parameters is at most 4 KiB for all devices, and 32764 bytes for the newest.
constexpr size_t MOST_PARAMETERS = 32768;

// What the driver made of some PTX.
struct Compiled {
  CUresult result = cuda::SUCCESS;
  CUmodule module = nullptr;
  const char* call = "cuModuleLoadDataEx";
  std::string log;
};

// Compiles; `entry`, unless it is empty, is loaded as well, which drivers may put off otherwise. The context is current.
Compiled compile(const Driver& driver, const std::string& ptx, const std::string& entry) {
  Compiled compiled;
  std::vector<char> log(LOG_BYTES, '\0');
  int options[] = {cuda::JIT_ERROR_LOG, cuda::JIT_ERROR_LOG_BYTES};
  void* values[] = {log.data(), reinterpret_cast<void*>(static_cast<uintptr_t>(LOG_BYTES))};
  compiled.result = driver.cuModuleLoadDataEx(&compiled.module, ptx.c_str(), 2, options, values);
  if (compiled.result != cuda::SUCCESS) {
    log.back() = '\0';
    compiled.log = log.data();
    return compiled;
  }
  if (entry.empty()) return compiled;
  CUfunction function;
  compiled.result = driver.cuModuleGetFunction(&function, compiled.module, entry.c_str());
  if (compiled.result != cuda::SUCCESS) {
    compiled.call = "cuModuleGetFunction";
    compiled.log = entry;
    driver.cuModuleUnload(compiled.module);
  }
  return compiled;
}

Napi::Object moduleOf(Napi::Env env, const ContextPointer& context, const Compiled& compiled) {
  context->check(compiled.result, compiled.call, compiled.log);
  return objectOf(env, std::make_shared<Module>(context, compiled.module));
}

// Compiles on a thread of Node's pool.
class Compilation final : public Napi::AsyncWorker {
 public:
  Compilation(Napi::Env env, ContextPointer context, std::string ptx, std::string entry)
      : Napi::AsyncWorker(env, "cuda: compile"),
        deferred_(env),
        context_(std::move(context)),
        ptx_(std::move(ptx)),
        entry_(std::move(entry)) {
    context_->beginWork();
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    const Driver& driver = context_->driver();
    compiled_.result = driver.cuCtxSetCurrent(context_->handle());
    compiled_.call = "cuCtxSetCurrent";
    if (compiled_.result == cuda::SUCCESS) compiled_ = compile(driver, ptx_, entry_);
    context_->endWork();
  }

  void OnOK() override {
    try {
      deferred_.Resolve(moduleOf(Env(), context_, compiled_));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  ContextPointer context_;
  const std::string ptx_;
  const std::string entry_;
  Compiled compiled_;
};

std::string text(const Napi::CallbackInfo& info, size_t at, const char* what) {
  if (!info[at].IsString()) typeError(info.Env(), std::string("cuda: ") + what + " must be a string");
  return info[at].As<Napi::String>().Utf8Value();
}

Napi::Value loadModule(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const std::string ptx = text(info, 0, "PTX");
  context->enter();
  return moduleOf(info.Env(), context, compile(context->driver(), ptx, ""));
}

Napi::Value loadModuleAsync(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const std::string ptx = text(info, 0, "PTX");
  const std::string entry = text(info, 1, "an entry");
  context->enter();
  auto* compilation = new Compilation(info.Env(), context, ptx, entry);
  Napi::Promise promise = compilation->promise();
  compilation->Queue();
  return promise;
}

Napi::Value unloadModule(const Napi::CallbackInfo& info, const ContextPointer& context) {
  resourceOf<Module>(*context, info[0]).free();
  return info.Env().Undefined();
}

Napi::Value function(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Napi::Env env = info.Env();
  auto function = std::make_shared<Function>();
  resourceOf<Module>(*context, info[0]);
  function->module = shareHandle<Module>(env, info[0]);
  const std::string entry = text(info, 1, "an entry");
  const uint64_t threads = wholeNumber(env, info[2], "a number of threads");
  const uint64_t shared = wholeNumber(env, info[3], "a number of bytes");
  if (threads < 1 || threads > 1024) rangeError(env, "cuda: a block has 1 to 1024 threads");
  if (shared > INT32_MAX) rangeError(env, "cuda: " + std::to_string(shared) + " bytes of shared memory");
  function->threads = static_cast<unsigned>(threads);
  function->dynamicSharedBytes = static_cast<unsigned>(shared);
  context->enter();
  const Driver& driver = context->driver();
  context->check(driver.cuModuleGetFunction(&function->handle, function->module->handle(), entry.c_str()),
                 "cuModuleGetFunction", entry);
  if (shared > 0)
    context->check(
        driver.cuFuncSetAttribute(function->handle, cuda::FUNCTION_DYNAMIC_SHARED_BYTES, static_cast<int>(shared)),
        "cuFuncSetAttribute", entry);
  return objectOf(env, function);
}

unsigned blocksAt(napi_env env, napi_value blocks, uint32_t dim, uint64_t most) {
  napi_value value;
  if (napi_get_element(env, blocks, dim, &value) != napi_ok) typeError(env, "cuda: blocks must be three numbers");
  const uint64_t count = wholeNumber(env, value, "a number of blocks");
  if (count < 1 || count > most)
    rangeError(env, "cuda: a launch has 1 to " + std::to_string(most) + " blocks in dim " + std::to_string(dim) +
                        ", not " + std::to_string(count));
  return static_cast<unsigned>(count);
}

// The address of a launch's pointer: `range` is where it begins, and which bytes the kernel may touch.
CUdeviceptr addressOf(napi_env env, const DeviceMemory& memory, const double* range) {
  const double most = static_cast<double>(memory.bytes());
  const auto [begin, low, high] = std::tie(range[0], range[1], range[2]);
  // Comparisons with NaN are false.
  if (!(begin >= 0 && begin <= most && low >= 0 && low <= high && high <= most) || begin != std::floor(begin))
    rangeError(env, "cuda: a kernel would touch bytes " + std::to_string(low) + " to " + std::to_string(high) +
                        " (from " + std::to_string(begin) + ") of a DeviceMemory of " +
                        std::to_string(memory.bytes()));
  return memory.address() + static_cast<CUdeviceptr>(begin);
}

Napi::Value launch(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Napi::Env env = info.Env();
  const Function& function = resourceOf<Function>(*context, info[0]);
  const unsigned x = blocksAt(env, info[1], 0, 2147483647);
  const unsigned y = blocksAt(env, info[1], 1, 65535);
  const unsigned z = blocksAt(env, info[1], 2, 65535);
  const auto params = elementsOf<const uint8_t>(env, info[2], napi_uint8_array, "parameters must be a Uint8Array");
  const uint64_t paramBytes = wholeNumber(env, info[3], "a number of bytes");
  const napi_value memories = info[4];
  uint32_t count = 0;
  if (napi_get_array_length(env, memories, &count) != napi_ok) typeError(env, "cuda: memories must be an array");
  const auto ranges = elementsOf<const double>(env, info[5], napi_float64_array, "ranges must be a Float64Array");
  if (paramBytes > std::min(params.length, MOST_PARAMETERS) || paramBytes < 8 * static_cast<uint64_t>(count))
    rangeError(env, "cuda: " + std::to_string(paramBytes) + " bytes of parameters for " + std::to_string(count) +
                        " pointers");
  if (ranges.length < 3 * static_cast<size_t>(count))
    rangeError(env, "cuda: " + std::to_string(count) + " pointers need three numbers each");
  const bool hasMaps = !info[6].IsUndefined();
  const auto maps = hasMaps ? elementsOf<const double>(env, info[6], napi_float64_array, "maps must be a Float64Array")
                            : Elements<const double>{nullptr, 0};
  const size_t mapCount = maps.length / tensor_maps::NUMBERS;
  const uint64_t mapBytes = mapCount * tensor_maps::BYTES;
  if (maps.length % tensor_maps::NUMBERS != 0 || mapBytes + 8 * static_cast<uint64_t>(count) > paramBytes ||
      (hasMaps && paramBytes % tensor_maps::ALIGNMENT != 0))
    rangeError(env, "cuda: " + std::to_string(paramBytes) + " bytes of parameters do not end in " +
                        std::to_string(mapCount) + " tensor maps");
  // The driver copies what the kernel says that it takes, which may be more than it was given here.
  alignas(tensor_maps::ALIGNMENT) static thread_local uint8_t block[MOST_PARAMETERS];
  static thread_local std::vector<tensor_maps::Pointer> pointers;
  pointers.clear();
  if (paramBytes > 0) std::memcpy(block, params.data, paramBytes);
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    if (napi_get_element(env, memories, i, &element) != napi_ok) typeError(env, "cuda: memories must be an array");
    const CUdeviceptr address = addressOf(env, resourceOf<DeviceMemory>(*context, element), ranges.data + 3 * i);
    std::memcpy(block + 8 * i, &address, 8);
    if (hasMaps) pointers.push_back({address, ranges.data[3 * i + 2] - ranges.data[3 * i]});
  }
  context->enter();
  for (size_t i = 0; i < mapCount; i++)
    tensor_maps::encode(*context, maps.data + i * tensor_maps::NUMBERS, pointers.data(), pointers.size(),
                        block + paramBytes - mapBytes + i * tensor_maps::BYTES);
  void* arguments[] = {block};
  context->check(context->driver().cuLaunchKernel(function.handle, x, y, z, function.threads, 1, 1,
                                                  function.dynamicSharedBytes, context->stream(), arguments, nullptr),
                 "cuLaunchKernel");
  return env.Undefined();
}

}  // namespace

void Module::release(const Driver& driver) {
  // Its kernels may still run.
  driver.cuStreamSynchronize(context().stream());
  driver.cuModuleUnload(handle_);
}

void addModuleMethods(Napi::Object object) {
  addMethod<loadModule>(object, "loadModule");
  addMethod<loadModuleAsync>(object, "loadModuleAsync");
  addMethod<unloadModule>(object, "unloadModule");
  addMethod<function>(object, "function");
  addMethod<launch>(object, "launch");
}
