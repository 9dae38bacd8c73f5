// Errors as JavaScript sees them.
#pragma once

#include <napi.h>

#include <string>

#include "driver.h"

// A CudaError: `code` is the driver's name, `number` its number. `detail` follows in the message.
Napi::Error cudaError(Napi::Env env, const Driver& driver, CUresult result, const char* call,
                      const std::string& detail = "");

// An Error whose `code` says why the driver's library cannot be used; `version` is its version, where that is known.
Napi::Error loadError(Napi::Env env, const LoadFailure& failure);

[[noreturn]] void typeError(Napi::Env env, const std::string& message);
[[noreturn]] void rangeError(Napi::Env env, const std::string& message);
[[noreturn]] void plainError(Napi::Env env, const std::string& message);

// A LibraryError: `library` says whose, `code` is the library's name for it, `number` its number.
Napi::Error libraryError(Napi::Env env, const char* library, const std::string& code, int number,
                         const std::string& message);
