// The module as Node loads it: `load(files)` gives a CudaDriver (src/driver.ts).
#include "arguments.h"
#include "resources.h"

namespace {

constexpr int NAME_BYTES = 256;

std::string uuidText(const CUuuid& uuid) {
  static const char digits[] = "0123456789abcdef";
  std::string text = "GPU-";
  for (int i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[uuid.bytes[i] >> 4];
    text += digits[uuid.bytes[i] & 15];
  }
  return text;
}

Napi::Object deviceInfo(Napi::Env env, const Driver& driver, int ordinal) {
  const auto check = [&](CUresult result, const char* call) {
    if (result != cuda::SUCCESS) throw cudaError(env, driver, result, call);
  };
  CUdevice device;
  check(driver.cuDeviceGet(&device, ordinal), "cuDeviceGet");
  const auto attribute = [&](int which) {
    int value = 0;
    check(driver.cuDeviceGetAttribute(&value, which, device), "cuDeviceGetAttribute");
    return static_cast<double>(value);
  };
  char name[NAME_BYTES] = {};
  check(driver.cuDeviceGetName(name, NAME_BYTES - 1, device), "cuDeviceGetName");
  size_t bytes = 0;
  check(driver.cuDeviceTotalMem_v2(&bytes, device), "cuDeviceTotalMem");
  CUuuid uuid{};
  check(driver.cuDeviceGetUuid(&uuid, device), "cuDeviceGetUuid");
  Napi::Array capability = Napi::Array::New(env, 2);
  capability.Set(0u, attribute(cuda::ATTRIBUTE_CAPABILITY_MAJOR));
  capability.Set(1u, attribute(cuda::ATTRIBUTE_CAPABILITY_MINOR));
  Napi::Object info = Napi::Object::New(env);
  info.Set("name", name);
  info.Set("computeCapability", capability);
  info.Set("totalBytes", static_cast<double>(bytes));
  info.Set("multiprocessors", attribute(cuda::ATTRIBUTE_MULTIPROCESSORS));
  info.Set("sharedBytes", attribute(cuda::ATTRIBUTE_SHARED_BYTES_OPTIN));
  info.Set("uuid", uuidText(uuid));
  return info;
}

int deviceCount(Napi::Env env, const Driver& driver) {
  int count = 0;
  const CUresult result = driver.cuDeviceGetCount(&count);
  if (result != cuda::SUCCESS) throw cudaError(env, driver, result, "cuDeviceGetCount");
  return count;
}

Napi::Value devices(const Napi::CallbackInfo& info) {
  const Driver& driver = unwrapHandle<const Driver>(info.Env(), info.This());
  Napi::Array list = Napi::Array::New(info.Env());
  const int count = deviceCount(info.Env(), driver);
  for (int i = 0; i < count; i++) list.Set(static_cast<uint32_t>(i), deviceInfo(info.Env(), driver, i));
  return list;
}

Napi::Value isLost(const Napi::CallbackInfo& info, const ContextPointer& context) {
  return Napi::Boolean::New(info.Env(), context->isLost());
}

Napi::Value dispose(const Napi::CallbackInfo& info, const ContextPointer& context) {
  context->dispose();
  return info.Env().Undefined();
}

Napi::Value open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::shared_ptr<const Driver> driver = shareHandle<const Driver>(env, info.This());
  const uint64_t ordinal = wholeNumber(env, info[0], "a device's number");
  const int count = deviceCount(env, *driver);
  if (ordinal >= static_cast<uint64_t>(count))
    rangeError(env, "cuda: no device " + std::to_string(ordinal) + " among " + std::to_string(count));
  const ContextPointer context = Context::open(env, driver, static_cast<int>(ordinal));
  Napi::Object object = objectOf(env, context);
  addMemoryMethods(object);
  addModuleMethods(object);
  addLaunchMethods(object, context);
  addEventMethods(object);
  addGraphMethods(object);
  addPeerMethods(object);
  addProductMethods(object);
  addConvolutionMethods(object);
  addMethod<isLost>(object, "isLost");
  addMethod<dispose>(object, "dispose");
  return object;
}

Napi::Value load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::vector<std::string> files = filesOf(env, info[0]);
  std::shared_ptr<const Driver> driver;
  try {
    driver = Driver::load(files);
  } catch (const LoadFailure& failure) {
    throw loadError(env, failure);
  }
  const CUresult result = driver->cuInit(0);
  if (result != cuda::SUCCESS) throw cudaError(env, *driver, result, "cuInit");
  Napi::Object object = objectOf(env, driver);
  constant(object, "version", Napi::Number::New(env, driver->version));
  constant(object, "tensorMaps", Napi::Boolean::New(env, driver->cuTensorMapEncodeTiled != nullptr));
  constant(object, "devices", Napi::Function::New<devices>(env, "devices"));
  constant(object, "open", Napi::Function::New<open>(env, "open"));
  constant(object, "loadCublasLt", Napi::Function::New<loadCublasLt>(env, "loadCublasLt"));
  constant(object, "loadCudnn", Napi::Function::New<loadCudnn>(env, "loadCudnn"));
  return object;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  constant(exports, "load", Napi::Function::New<load>(env, "load"));
  return exports;
}

}  // namespace

NODE_API_MODULE(taeda_cuda, init)
