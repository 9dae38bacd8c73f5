// Modules: PTX text that the driver compiles, and the kernels in them.
#include <cstdint>
#include <vector>

#include "resources.h"

namespace {

constexpr size_t LOG_BYTES = 16 * 1024;

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
  resourceOf<Module>(*context, info[0]);
  const auto function = std::make_shared<Function>(shareHandle<Module>(env, info[0]));
  const std::string entry = text(info, 1, "an entry");
  const uint64_t threads = wholeNumber(env, info[2], "a number of threads");
  const uint64_t shared = wholeNumber(env, info[3], "a number of bytes");
  if (threads < 1 || threads > 1024) rangeError(env, "cuda: a block has 1 to 1024 threads");
  if (shared > INT32_MAX) rangeError(env, "cuda: " + std::to_string(shared) + " bytes of shared memory");
  function->threads = static_cast<unsigned>(threads);
  function->dynamicSharedBytes = static_cast<unsigned>(shared);
  if (!info[4].IsUndefined()) function->maps = wholeNumber(env, info[4], "a number of tensor maps");
  context->enter();
  const Driver& driver = context->driver();
  context->check(driver.cuModuleGetFunction(&function->handle, function->module->handle(), entry.c_str()),
                 "cuModuleGetFunction", entry);
  if (shared > 0)
    context->check(
        driver.cuFuncSetAttribute(function->handle, cuda::FUNCTION_DYNAMIC_SHARED_BYTES, static_cast<int>(shared)),
        "cuFuncSetAttribute", entry);
  Napi::Object object = objectOf(env, function);
  constant(object, "number", Napi::Number::New(env, function->number));
  return object;
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
}
