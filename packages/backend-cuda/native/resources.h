// What lives in a context, each behind an object of JavaScript's.
#pragma once

#include <cstring>

#include "context.h"
#include "handles.h"

using ContextPointer = std::shared_ptr<Context>;

class DeviceMemory final : public Resource {
 public:
  static constexpr uint64_t NUMBER = 3;
  static constexpr const char* NAME = "DeviceMemory";

  DeviceMemory(ContextPointer context, CUdeviceptr address, size_t bytes);
  ~DeviceMemory() override { free(); }
  CUdeviceptr address() const { return address_; }
  size_t bytes() const { return bytes_; }
  // What launches call it.
  double number() const { return number_; }

 private:
  void release(const Driver& driver) override { driver.cuMemFree_v2(address_); }
  void onFreed() override;

  const CUdeviceptr address_;
  const size_t bytes_;
  const double number_;
};

// Memory of the host, which the driver is told of so that it copies without detours. It is the addon's own, not the
// driver's: JavaScript's arrays over it stay good whatever becomes of the context.
class PinnedMemory final : public Resource {
 public:
  static constexpr uint64_t NUMBER = 4;
  static constexpr const char* NAME = "PinnedMemory";

  // Throws a CudaError.
  PinnedMemory(ContextPointer context, size_t bytes);
  ~PinnedMemory() override;
  uint8_t* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  void release(const Driver& driver) override;

  uint8_t* data_ = nullptr;
  const size_t bytes_;
  bool registered_ = false;
};

class Module final : public Resource {
 public:
  static constexpr uint64_t NUMBER = 5;
  static constexpr const char* NAME = "DriverModule";

  Module(ContextPointer context, CUmodule handle) : Resource(std::move(context)), handle_(handle) {}
  ~Module() override { free(); }
  CUmodule handle() const { return handle_; }

 private:
  void release(const Driver& driver) override;

  const CUmodule handle_;
};

// A function lives as long as its module, which it keeps.
struct Function {
  static constexpr uint64_t NUMBER = 6;
  static constexpr const char* NAME = "DriverFunction";

  explicit Function(std::shared_ptr<Module> of) : module(std::move(of)), number(context().functions().add(this)) {}
  ~Function() { context().functions().remove(number); }
  Function(const Function&) = delete;
  Function& operator=(const Function&) = delete;

  const std::shared_ptr<Module> module;
  // What launches call it.
  const double number;
  CUfunction handle = nullptr;
  unsigned threads = 0;
  unsigned dynamicSharedBytes = 0;
  // Tensor maps, which are the last of its parameters.
  uint64_t maps = 0;

  Context& context() const { return module->context(); }
  bool isAlive() const { return module->isAlive(); }
};

class Event final : public Resource {
 public:
  static constexpr uint64_t NUMBER = 7;
  static constexpr const char* NAME = "DriverEvent";

  Event(ContextPointer context, CUevent handle) : Resource(std::move(context)), handle_(handle) {}
  ~Event() override { free(); }
  CUevent handle() const { return handle_; }

 private:
  void release(const Driver& driver) override { driver.cuEventDestroy_v2(handle_); }

  const CUevent handle_;
};

class Graph final : public Resource {
 public:
  static constexpr uint64_t NUMBER = 8;
  static constexpr const char* NAME = "DriverGraph";

  Graph(ContextPointer context, CUgraphExec handle) : Resource(std::move(context)), handle_(handle) {}
  ~Graph() override { free(); }
  CUgraphExec handle() const { return handle_; }

 private:
  void release(const Driver& driver) override;

  const CUgraphExec handle_;
};

// What an argument stands for: alive, and of this context.
template <class T>
T& resourceOf(const Context& context, napi_value value) {
  T& resource = unwrapHandle<T>(context.env(), value);
  if (&resource.context() != &context)
    plainError(context.env(), std::string("cuda: this ") + T::NAME + " belongs to another context");
  if (!resource.isAlive()) plainError(context.env(), std::string("cuda: this ") + T::NAME + " was given back");
  return resource;
}

// Puts a resource behind a new object.
template <class T>
Napi::Object objectOf(Napi::Env env, std::shared_ptr<T> resource) {
  Napi::Object object = Napi::Object::New(env);
  wrapHandle<T>(env, object, std::move(resource));
  return object;
}

// The methods of a context: each gets the arguments, and the context that it was called on.
using Method = Napi::Value (*)(const Napi::CallbackInfo&, const ContextPointer&);

void addMemoryMethods(Napi::Object object);
void addModuleMethods(Napi::Object object);
void addLaunchMethods(Napi::Object object, const ContextPointer& context);
void addEventMethods(Napi::Object object);
void addGraphMethods(Napi::Object object);
void addPeerMethods(Napi::Object object);
void addProductMethods(Napi::Object object);
void addConvolutionMethods(Napi::Object object);

// Functions of a driver: each loads the first of some files as a library of NVIDIA's.
Napi::Value loadCublasLt(const Napi::CallbackInfo& info);
Napi::Value loadCudnn(const Napi::CallbackInfo& info);

template <Method method>
Napi::Value callMethod(const Napi::CallbackInfo& info) {
  // A copy: what runs may be the last that holds it.
  const ContextPointer context = shareHandle<Context>(info.Env(), info.This());
  return method(info, context);
}

template <Method method>
void addMethod(Napi::Object object, const char* name) {
  constant(object, name, Napi::Function::New<callMethod<method>>(object.Env(), name));
}
