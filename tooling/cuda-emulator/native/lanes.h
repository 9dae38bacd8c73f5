// Vectors of 32 lanes: one element for each thread of a warp.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

using half = _Float16;

/** The upper half of a float32. Arithmetic on it is made in float32 and rounded. */
struct bfloat {
  uint16_t bits;
};

constexpr int LANES = 32;
constexpr uint32_t ALL = 0xffffffff;

template <class T>
struct VectorOf {
  typedef T type __attribute__((ext_vector_type(LANES)));
};
template <>
struct VectorOf<bfloat> {
  typedef uint16_t type __attribute__((ext_vector_type(LANES)));
};
template <class T>
using V = typename VectorOf<T>::type;

/** The unsigned and the signed integer of a type's width. */
template <size_t bytes>
struct IntegerOf;
template <>
struct IntegerOf<1> {
  using Unsigned = uint8_t;
  using Signed = int8_t;
};
template <>
struct IntegerOf<2> {
  using Unsigned = uint16_t;
  using Signed = int16_t;
};
template <>
struct IntegerOf<4> {
  using Unsigned = uint32_t;
  using Signed = int32_t;
};
template <>
struct IntegerOf<8> {
  using Unsigned = uint64_t;
  using Signed = int64_t;
};
template <class T>
using Unsigned = typename IntegerOf<sizeof(T)>::Unsigned;
template <class T>
using Signed = typename IntegerOf<sizeof(T)>::Signed;

template <class To, class From>
inline V<To> convert(From from) {
  return __builtin_convertvector(from, V<To>);
}

template <class To, class From>
inline V<To> bits(From from) {
  static_assert(sizeof(V<To>) == sizeof(From));
  return __builtin_bit_cast(V<To>, from);
}

/** One bit for each lane where a comparison holds. */
template <class C>
inline uint32_t maskOf(C comparison) {
  return __builtin_bit_cast(uint32_t, __builtin_convertvector(comparison != 0, V<bool>));
}

/** The lanes of a mask as a comparison of vectors of T gives them. */
template <class T>
inline V<Signed<T>> lanesOf(uint32_t mask) {
  return convert<Signed<T>>(__builtin_bit_cast(V<bool>, mask)) != 0;
}

template <class T>
inline V<T> select(uint32_t mask, V<T> a, V<T> b) {
  return lanesOf<T>(mask) ? a : b;
}

template <class T>
inline V<T> splat(T value) {
  return V<T>(value);
}

inline V<uint32_t> laneNumbers() {
  return V<uint32_t>{0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                     16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
}

/** f of each element. */
template <class To, class From, class F>
inline V<To> each(V<From> from, F f) {
  V<To> to;
  for (int i = 0; i < LANES; i++) to[i] = f(from[i]);
  return to;
}

template <class To, class A, class B, class F>
inline V<To> each(V<A> a, V<B> b, F f) {
  V<To> to;
  for (int i = 0; i < LANES; i++) to[i] = f(a[i], b[i]);
  return to;
}

constexpr uint32_t NAN_BITS = 0x7fffffff;

/** The one NaN that the device's float32 arithmetic gives. */
inline V<float> canonical(V<float> x) {
  return x != x ? bits<float>(splat<uint32_t>(NAN_BITS)) : x;
}
inline V<double> canonical(V<double> x) { return x; }

/** Subnormal numbers become zeros of their sign. */
inline V<float> flush(V<float> x) {
  V<uint32_t> u = bits<uint32_t>(x);
  return (u & 0x7f800000u) == 0 ? bits<float>(u & 0x80000000u) : x;
}
inline V<double> flush(V<double> x) { return x; }

/** To [0, 1], with NaN to 0. */
template <class T>
inline V<T> saturate(V<T> x) {
  V<T> low = x > T(0) ? x : splat<T>(T(0));
  return low < T(1) ? low : splat<T>(T(1));
}

inline V<float> widen(V<half> x) { return convert<float>(x); }
inline V<float> widenBfloat(V<uint16_t> x) { return bits<float>(convert<uint32_t>(x) << 16); }

/** float32 to the nearest bfloat16, ties to even; NaN to 0x7fff. */
inline V<uint16_t> narrowBfloat(V<float> x) {
  V<uint32_t> u = bits<uint32_t>(x);
  V<uint32_t> rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  return convert<uint16_t>(x != x ? splat<uint32_t>(0x7fff) : rounded);
}

/** float32 to the nearest float16; NaN to 0x7fff. */
inline V<half> narrowHalf(V<float> x) {
  V<half> rounded = convert<half>(x);
  return rounded != rounded ? bits<half>(splat<uint16_t>(0x7fff)) : rounded;
}
