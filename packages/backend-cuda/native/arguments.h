// What JavaScript hands over, looked at before it is used.
#pragma once

#include <napi.h>

#include <cmath>
#include <string>
#include <vector>

#include "resources.h"

template <class Element>
struct Elements {
  Element* data;
  size_t length;
};

// The elements of a typed array of the one type that is expected.
template <class Element>
Elements<Element> elementsOf(napi_env env, napi_value value, napi_typedarray_type expected, const char* what) {
  bool isArray = false;
  napi_is_typedarray(env, value, &isArray);
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  if (!isArray || napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != expected)
    typeError(env, std::string("cuda: ") + what);
  return {static_cast<Element*>(data), length};
}

// The names of files.
inline std::vector<std::string> filesOf(Napi::Env env, const Napi::Value& value) {
  constexpr const char* expected = "cuda: files must be an array of strings";
  if (!value.IsArray()) typeError(env, expected);
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::string> files;
  for (uint32_t i = 0; i < array.Length(); i++) {
    const Napi::Value file = array.Get(i);
    if (!file.IsString()) typeError(env, expected);
    files.push_back(file.As<Napi::String>().Utf8Value());
  }
  return files;
}

inline Napi::Object objectAt(const Napi::Object& object, const char* name) {
  const Napi::Value value = object.Get(name);
  if (!value.IsObject()) typeError(object.Env(), std::string("cuda: ") + name + " must be an object");
  return value.As<Napi::Object>();
}

// A property that is a whole number of at most `most`.
inline uint64_t numberAt(const Napi::Object& object, const char* name, uint64_t least = 0,
                         uint64_t most = 9007199254740991) {
  const uint64_t number = wholeNumber(object.Env(), object.Get(name), name);
  if (number < least || number > most)
    rangeError(object.Env(), std::string("cuda: ") + name + " must be from " + std::to_string(least) + " to " +
                                 std::to_string(most) + ", not " + std::to_string(number));
  return number;
}

inline bool flagAt(const Napi::Object& object, const char* name) { return object.Get(name).ToBoolean(); }

// The address in some memory from which on so many bytes are touched. Throws unless it is aligned, and they lie inside.
inline CUdeviceptr addressOf(const DeviceMemory& memory, double begin, uint64_t bytes, uint64_t alignment) {
  const Napi::Env env = memory.context().env();
  // Comparisons with NaN are false.
  if (!(begin >= 0 && begin <= static_cast<double>(memory.bytes())) || begin != std::floor(begin) ||
      bytes > memory.bytes() - static_cast<uint64_t>(begin))
    rangeError(env, "cuda: " + std::to_string(bytes) + " bytes from " + std::to_string(begin) +
                        " on are not in a DeviceMemory of " + std::to_string(memory.bytes()));
  const CUdeviceptr address = memory.address() + static_cast<CUdeviceptr>(begin);
  if (address % alignment != 0)
    rangeError(env, "cuda: an address is no multiple of " + std::to_string(alignment) + " as it was said to be");
  return address;
}

// A version as an array of its three parts.
inline Napi::Array versionOf(Napi::Env env, const int (&parts)[3]) {
  Napi::Array version = Napi::Array::New(env, 3);
  for (uint32_t i = 0; i < 3; i++) version.Set(i, static_cast<double>(parts[i]));
  return version;
}
