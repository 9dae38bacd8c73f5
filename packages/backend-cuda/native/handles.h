// Objects of the addon in JavaScript's hands: each owns a reference to what it stands for, and no other object passes for it.
#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <unordered_set>

#include "errors.h"

// What an object holds: `number` tells the types apart.
struct Handle {
  uint64_t number;
  std::shared_ptr<void> value;
};

// The handles of this thread's objects. What an object of somebody else's holds is not among them. Node-API's type tags
// would say the same, but take ten times as long to compare, and a launch looks at half a dozen objects.
inline thread_local std::unordered_set<const void*> handles;

// Puts a `T` behind an object. `T::NUMBER` is its type's, `T::NAME` is what errors call it.
template <class T>
void wrapHandle(Napi::Env env, Napi::Object object, std::shared_ptr<T> value) {
  auto handle = std::make_unique<Handle>(Handle{T::NUMBER, std::const_pointer_cast<std::remove_const_t<T>>(value)});
  const napi_status status = napi_wrap(
      env, object, handle.get(),
      [](napi_env, void* data, void*) {
        handles.erase(data);
        delete static_cast<Handle*>(data);
      },
      nullptr, nullptr);
  if (status != napi_ok) plainError(env, std::string("cuda: no object for a ") + T::NAME);
  handles.insert(handle.release());
}

// What stands behind an object, and stays while the object does; null where it is something else.
template <class T>
T* findHandle(napi_env env, napi_value value) {
  void* data = nullptr;
  if (napi_unwrap(env, value, &data) != napi_ok || !handles.contains(data)) return nullptr;
  const Handle& handle = *static_cast<Handle*>(data);
  return handle.number == T::NUMBER ? static_cast<T*>(handle.value.get()) : nullptr;
}

// The same, but throws a TypeError where it is something else.
template <class T>
T& unwrapHandle(napi_env env, napi_value value) {
  if (T* found = findHandle<T>(env, value)) return *found;
  typeError(env, std::string("cuda: this is no ") + T::NAME);
}

// The same, with a share in it.
template <class T>
std::shared_ptr<T> shareHandle(napi_env env, napi_value value) {
  unwrapHandle<T>(env, value);
  void* data = nullptr;
  napi_unwrap(env, value, &data);
  return std::static_pointer_cast<T>(static_cast<Handle*>(data)->value);
}

// An array over memory of `owner`, in which it has a share.
template <class T>
Napi::ArrayBuffer arrayOver(Napi::Env env, std::shared_ptr<T> owner, void* data, size_t bytes) {
  auto* held = new std::shared_ptr<T>(std::move(owner));
  napi_value buffer;
  const napi_status status = napi_create_external_arraybuffer(
      env, data, bytes, [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<T>*>(hint); }, held, &buffer);
  if (status != napi_ok) {
    delete held;
    plainError(env, "cuda: this engine allows no arrays over memory of others");
  }
  return Napi::ArrayBuffer(env, buffer);
}

// A property that nobody can change.
inline void constant(Napi::Object object, const char* name, Napi::Value value) {
  object.DefineProperty(Napi::PropertyDescriptor::Value(name, value, napi_enumerable));
}

// A number that is a whole one from 0 to 2^53 - 1.
inline uint64_t wholeNumber(napi_env env, double number, const char* what) {
  if (!(number >= 0) || number > 9007199254740991.0 || number != static_cast<double>(static_cast<uint64_t>(number)))
    rangeError(env, std::string("cuda: ") + what + " must be a whole number that is not negative");
  return static_cast<uint64_t>(number);
}

inline uint64_t wholeNumber(napi_env env, napi_value value, const char* what) {
  double number = -1;
  if (napi_get_value_double(env, value, &number) != napi_ok) number = -1;
  return wholeNumber(env, number, what);
}
