#include "errors.h"

Napi::Error cudaError(Napi::Env env, const Driver& driver, CUresult result, const char* call,
                      const std::string& detail) {
  const std::string name = driver.nameOf(result);
  std::string message =
      std::string(call) + ": " + name + " (" + std::to_string(result) + "): " + driver.describe(result);
  if (!detail.empty()) message += "\n" + detail;
  Napi::Error error = Napi::Error::New(env, message);
  Napi::Object object = error.Value();
  object.Set("name", "CudaError");
  object.Set("code", name);
  object.Set("number", static_cast<double>(result));
  return error;
}

Napi::Error loadError(Napi::Env env, const LoadFailure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.message);
  error.Value().Set("code", failure.code);
  if (failure.version) error.Value().Set("version", static_cast<double>(failure.version));
  return error;
}

Napi::Error libraryError(Napi::Env env, const char* library, const std::string& code, int number,
                         const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  Napi::Object object = error.Value();
  object.Set("name", "LibraryError");
  object.Set("library", library);
  object.Set("code", code);
  object.Set("number", static_cast<double>(number));
  return error;
}

void typeError(Napi::Env env, const std::string& message) { throw Napi::TypeError::New(env, message); }
void rangeError(Napi::Env env, const std::string& message) { throw Napi::RangeError::New(env, message); }
void plainError(Napi::Env env, const std::string& message) { throw Napi::Error::New(env, message); }
