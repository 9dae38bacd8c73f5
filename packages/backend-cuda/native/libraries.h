// What products and convolutions by NVIDIA's libraries have in common.
#pragma once

#include "arguments.h"
#include "resources.h"

struct DataType {
  const char* name;
  // The library's own.
  int number;
  uint64_t bytes;
};

// The type that an object names; `what` is said where there is none.
template <size_t N>
const DataType& typeAt(const Napi::Object& object, const char* name, const DataType (&types)[N], const char* what) {
  const std::string text = object.Get(name).ToString();
  for (const DataType& type : types)
    if (text == type.name) return type;
  rangeError(object.Env(), std::string("cuda: there are no ") + what + " of " + text);
}

// What the address of a tensor with elements of so many bytes is a multiple of.
inline uint64_t alignmentAt(const Napi::Object& tensor, uint64_t bytes) {
  const uint64_t alignment = numberAt(tensor, "alignment", bytes, 256);
  if ((alignment & (alignment - 1)) != 0) rangeError(tensor.Env(), "cuda: an alignment must be a power of two");
  return alignment;
}

// Addresses for what was prepared, by slots; 0 for those of which it touches no bytes. `expected` is said where one is missing.
template <size_t N>
void findAddresses(const Napi::CallbackInfo& info, const Context& context, napi_value memories, napi_value places,
                   const uint64_t (&bytes)[N], const uint64_t (&alignment)[N], const char* expected,
                   uint64_t (&addresses)[N]) {
  const Napi::Env env = info.Env();
  const auto begins = elementsOf<const double>(env, places, napi_float64_array, "places must be a Float64Array");
  for (uint32_t slot = 0; slot < N; slot++) {
    addresses[slot] = 0;
    if (bytes[slot] == 0) continue;
    napi_value memory;
    if (slot >= begins.length || napi_get_element(env, memories, slot, &memory) != napi_ok) typeError(env, expected);
    addresses[slot] =
        addressOf(resourceOf<DeviceMemory>(context, memory), begins.data[slot], bytes[slot], alignment[slot]);
  }
}

// A function of a driver: loads the first of some files as a library.
template <class Library>
Napi::Value loadLibrary(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  unwrapHandle<const Driver>(env, info.This());
  std::shared_ptr<const Library> library;
  try {
    library = Library::load(filesOf(env, info[0]));
  } catch (const LoadFailure& failure) {
    throw loadError(env, failure);
  }
  Napi::Object object = objectOf(env, library);
  constant(object, "file", Napi::String::New(env, library->file));
  constant(object, "version", versionOf(env, library->version));
  return object;
}
