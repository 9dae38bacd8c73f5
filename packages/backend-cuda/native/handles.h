// Objects of the addon in JavaScript's hands: each is tagged with its type, so that no other object passes for it, and owns
// a reference to what it stands for.
#pragma once

#include <napi.h>

#include <memory>
#include <string>

#include "errors.h"

// The tags' upper halves; the lower ones number the types.
constexpr uint64_t TAG = 0x7461656461637564;

// Puts a `T` behind an object. `T::NUMBER` tells the types apart, `T::NAME` is what errors call it.
template <class T>
void wrapHandle(Napi::Env env, Napi::Object object, std::shared_ptr<T> value) {
  static const napi_type_tag tag{TAG, T::NUMBER};
  auto* owned = new std::shared_ptr<T>(std::move(value));
  const napi_status status = napi_wrap(
      env, object, owned, [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<T>*>(data); }, nullptr,
      nullptr);
  if (status != napi_ok) {
    delete owned;
    plainError(env, std::string("cuda: no object for a ") + T::NAME);
  }
  if (napi_type_tag_object(env, object, &tag) != napi_ok) plainError(env, std::string("cuda: no tag for a ") + T::NAME);
}

// What stands behind an object. Throws a TypeError where it is something else.
template <class T>
const std::shared_ptr<T>& unwrapHandle(napi_env env, napi_value value) {
  static const napi_type_tag tag{TAG, T::NUMBER};
  bool matches = false;
  void* data = nullptr;
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object ||
      napi_check_object_type_tag(env, value, &tag, &matches) != napi_ok || !matches ||
      napi_unwrap(env, value, &data) != napi_ok || !data)
    typeError(env, std::string("cuda: this is no ") + T::NAME);
  return *static_cast<std::shared_ptr<T>*>(data);
}

// A property that nobody can change.
inline void constant(Napi::Object object, const char* name, Napi::Value value) {
  object.DefineProperty(Napi::PropertyDescriptor::Value(name, value, napi_enumerable));
}

// A number that is a whole one from 0 to 2^53 - 1.
inline uint64_t wholeNumber(napi_env env, napi_value value, const char* what) {
  double number = -1;
  if (napi_get_value_double(env, value, &number) != napi_ok || !(number >= 0) || number > 9007199254740991.0 ||
      number != static_cast<double>(static_cast<uint64_t>(number)))
    rangeError(env, std::string("cuda: ") + what + " must be a whole number that is not negative");
  return static_cast<uint64_t>(number);
}
