// Arithmetic of float32 and float64.
#include <cfenv>
#include "approximate.h"
#include "decode.h"

namespace ptx {
namespace {

enum Rounding : uint8_t { nearest, zero, down, up };

const int HOST_ROUNDING[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

struct Add {
  template <class X>
  static X of(X a, X b) { return a + b; }
};
struct Sub {
  template <class X>
  static X of(X a, X b) { return a - b; }
};
struct Mul {
  template <class X>
  static X of(X a, X b) { return a * b; }
};
struct Div {
  template <class X>
  static X of(X a, X b) { return a / b; }
};

template <class T, bool ftz, bool sat>
inline V<T> finish(V<T> x) {
  x = canonical(x);
  if constexpr (ftz) x = flush(x);
  if constexpr (sat) x = saturate<T>(x);
  return x;
}

template <class T, bool ftz>
inline V<T> argument(Warp& w, Slot slot) {
  V<T> x = w.read<T>(slot);
  if constexpr (ftz) x = flush(x);
  return x;
}

template <class Op, class T, bool ftz, bool sat>
Step binary(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<T>(in.d, mask, finish<T, ftz, sat>(Op::of(argument<T, ftz>(w, in.a), argument<T, ftz>(w, in.b))));
  return Step::next;
}

template <class T, bool ftz, bool sat>
Step fused(Warp& w, const Instruction& in, uint32_t mask) {
  V<T> sum = __builtin_elementwise_fma(argument<T, ftz>(w, in.a), argument<T, ftz>(w, in.b), argument<T, ftz>(w, in.c));
  w.write<T>(in.d, mask, finish<T, ftz, sat>(sum));
  return Step::next;
}

enum Kind : uint8_t { roundingBits = 3, flushes = 4, saturates = 8, propagatesNan = 16 };

/** One lane after the other in another rounding mode of the host, with the operands out of the compiler's sight. */
template <class T, class F>
V<T> rounded(uint8_t kind, F f) {
  volatile int before = fegetround();
  fesetround(HOST_ROUNDING[kind & roundingBits]);
  V<T> result;
  for (int i = 0; i < LANES; i++) {
    volatile T one = f(i);
    result[i] = one;
  }
  fesetround(before);
  return result;
}

template <class T>
V<T> prepared(Warp& w, Slot slot, uint8_t kind) {
  return kind & flushes ? flush(w.read<T>(slot)) : w.read<T>(slot);
}

template <class T>
V<T> finished(V<T> x, uint8_t kind) {
  x = canonical(x);
  if (kind & flushes) x = flush(x);
  return kind & saturates ? saturate<T>(x) : x;
}

template <class Op, class T>
Step directed(Warp& w, const Instruction& in, uint32_t mask) {
  V<T> a = prepared<T>(w, in.a, in.kind);
  V<T> b = prepared<T>(w, in.b, in.kind);
  V<T> result = rounded<T>(in.kind, [&](int i) {
    volatile T x = a[i];
    volatile T y = b[i];
    return T(Op::of(T(x), T(y)));
  });
  w.write<T>(in.d, mask, finished<T>(result, in.kind));
  return Step::next;
}

template <class T>
Step directedFused(Warp& w, const Instruction& in, uint32_t mask) {
  V<T> a = prepared<T>(w, in.a, in.kind);
  V<T> b = prepared<T>(w, in.b, in.kind);
  V<T> c = prepared<T>(w, in.c, in.kind);
  V<T> result = rounded<T>(in.kind, [&](int i) {
    volatile T x = a[i];
    volatile T y = b[i];
    volatile T z = c[i];
    return T(std::fma(T(x), T(y), T(z)));
  });
  w.write<T>(in.d, mask, finished<T>(result, in.kind));
  return Step::next;
}

template <class T>
Step directedSqrt(Warp& w, const Instruction& in, uint32_t mask) {
  V<T> a = prepared<T>(w, in.a, in.kind);
  V<T> result = rounded<T>(in.kind, [&](int i) {
    volatile T x = a[i];
    return T(std::sqrt(T(x)));
  });
  w.write<T>(in.d, mask, finished<T>(result, in.kind));
  return Step::next;
}

/** A function of one number, or of two, for each lane. */
template <class T, T (*f)(T), bool ftz>
Step lanewise(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<T>(in.d, mask, finish<T, ftz, false>(each<T, T>(argument<T, ftz>(w, in.a), f)));
  return Step::next;
}

template <class T, T (*f)(T, T), bool ftz>
Step lanewise2(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<T>(in.d, mask, finish<T, ftz, false>(each<T, T, T>(argument<T, ftz>(w, in.a), argument<T, ftz>(w, in.b), f)));
  return Step::next;
}

template <class T, bool ftz>
Step squareRoot(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<T>(in.d, mask, finish<T, ftz, false>(__builtin_elementwise_sqrt(argument<T, ftz>(w, in.a))));
  return Step::next;
}

/** The lesser or the greater; -0 is less than 0, and a NaN loses unless it is asked for. */
template <class T, bool greater>
Step extreme(Warp& w, const Instruction& in, uint32_t mask) {
  using U = Unsigned<T>;
  V<T> a = prepared<T>(w, in.a, in.kind);
  V<T> b = prepared<T>(w, in.b, in.kind);
  V<T> equal = greater ? bits<T>(bits<U>(a) & bits<U>(b)) : bits<T>(bits<U>(a) | bits<U>(b));
  V<T> result = a == b ? equal : (greater ? (a > b ? a : b) : (a < b ? a : b));
  if (in.kind & propagatesNan) {
    result = a != a ? a : b != b ? b : result;
  } else {
    result = a != a ? b : b != b ? a : result;
  }
  w.write<T>(in.d, mask, canonical(result));
  return Step::next;
}

template <class T>
constexpr Unsigned<T> SIGN = Unsigned<T>(1) << (sizeof(T) * 8 - 1);

enum Sign : uint8_t { negates, clears };

template <class T, Sign sign>
Step signs(Warp& w, const Instruction& in, uint32_t mask) {
  using U = Unsigned<T>;
  V<U> x = bits<U>(prepared<T>(w, in.a, in.kind));
  w.write<U>(in.d, mask, sign == negates ? x ^ SIGN<T> : x & ~SIGN<T>);
  return Step::next;
}

template <class T>
Step copysignRun(Warp& w, const Instruction& in, uint32_t mask) {
  using U = Unsigned<T>;
  w.write<U>(in.d, mask, (w.read<U>(in.a) & SIGN<T>) | (w.read<U>(in.b) & ~SIGN<T>));
  return Step::next;
}

Rounding takeRounding(Decoder& d) {
  int found = d.takeOne({"rn", "rz", "rm", "rp"});
  return found < 0 ? nearest : Rounding(found);
}

/** Rounding, flushing and saturation as an instruction's kind has them. */
uint8_t takeKind(Decoder& d) {
  uint8_t kind = takeRounding(d);
  if (d.take("ftz")) kind |= flushes;
  if (d.take("sat")) kind |= saturates;
  return kind;
}

template <class Op>
void decodeBinary(Decoder& d, Type type) {
  uint8_t kind = takeKind(d);
  bool ftz = kind & flushes;
  bool sat = kind & saturates;
  Run run;
  if (kind & roundingBits) run = type == Type::f64 ? directed<Op, double> : directed<Op, float>;
  else if (type == Type::f64) run = binary<Op, double, false, false>;
  else if (sat) run = ftz ? binary<Op, float, true, true> : binary<Op, float, false, true>;
  else run = ftz ? binary<Op, float, true, false> : binary<Op, float, false, false>;
  d.emit(run, type, type, 2).kind = kind;
}

void decodeFused(Decoder& d, Type type) {
  uint8_t kind = takeKind(d);
  bool ftz = kind & flushes;
  bool sat = kind & saturates;
  Run run;
  if (kind & roundingBits) run = type == Type::f64 ? directedFused<double> : directedFused<float>;
  else if (type == Type::f64) run = fused<double, false, false>;
  else if (sat) run = ftz ? fused<float, true, true> : fused<float, false, true>;
  else run = ftz ? fused<float, true, false> : fused<float, false, false>;
  d.emit(run, type, type, 3).kind = kind;
}

void decodeDivision(Decoder& d, Type type) {
  if (type == Type::f32 && d.take("approx")) {
    bool ftz = d.take("ftz");
    d.emit(ftz ? lanewise2<float, approximate::divide, true> : lanewise2<float, approximate::divide, false>, type, type, 2);
  } else if (type == Type::f32 && d.take("full")) {
    bool ftz = d.take("ftz");
    d.emit(ftz ? lanewise2<float, approximate::divideFull, true> : lanewise2<float, approximate::divideFull, false>, type,
           type, 2);
  } else {
    decodeBinary<Div>(d, type);
  }
}

template <bool greater>
void decodeExtreme(Decoder& d, Type type) {
  uint8_t kind = d.take("ftz") ? flushes : 0;
  if (d.take("NaN")) kind |= propagatesNan;
  d.emit(type == Type::f64 ? extreme<double, greater> : extreme<float, greater>, type, type, 2).kind = kind;
}

template <Sign sign>
void decodeSign(Decoder& d, Type type) {
  uint8_t kind = d.take("ftz") ? flushes : 0;
  d.emit(type == Type::f64 ? signs<double, sign> : signs<float, sign>, type, type, 1).kind = kind;
}

void fma(Decoder& d) {
  Type type = d.needType();
  if (decodeFloat(d, "fma", type) || decodeHalf(d, "fma", type)) return;
  d.mistake("no such type of this instruction");
}

void sqrt(Decoder& d) {
  Type type = d.needType();
  bool approx = d.take("approx");
  uint8_t kind = takeKind(d);
  bool ftz = kind & flushes;
  Run run;
  if (approx) run = ftz ? lanewise<float, approximate::sqrt, true> : lanewise<float, approximate::sqrt, false>;
  else if (kind & roundingBits) run = type == Type::f64 ? directedSqrt<double> : directedSqrt<float>;
  else if (type == Type::f64) run = squareRoot<double, false>;
  else run = ftz ? squareRoot<float, true> : squareRoot<float, false>;
  d.emit(run, type, type, 1).kind = kind;
}

void rcp(Decoder& d) {
  Type type = d.needType();
  if (d.take("approx")) {
    bool ftz = d.take("ftz");
    if (type == Type::f64) d.emit(lanewise<double, approximate::reciprocal, false>, type, type, 1);
    else d.emit(ftz ? lanewise<float, approximate::reciprocal, true> : lanewise<float, approximate::reciprocal, false>, type, type, 1);
    return;
  }
  // 1 / x, rounded once.
  uint8_t kind = takeKind(d);
  d.needOperands(2);
  Slot one = type == Type::f64 ? d.constant(0x3ff0000000000000, 64) : d.constant(0x3f800000, 32);
  Slot to = d.target(0, bitsOf(type));
  Slot from = d.source(1, type);
  Run run = type == Type::f64 ? directed<Div, double> : directed<Div, float>;
  if (!(kind & roundingBits)) run = type == Type::f64 ? binary<Div, double, false, false>
                                    : kind & flushes  ? binary<Div, float, true, false>
                                                      : binary<Div, float, false, false>;
  Instruction& in = d.emit(run);
  in.d = to;
  in.a = one;
  in.b = from;
  in.kind = kind;
}

void rsqrt(Decoder& d) {
  d.needOne({"approx"});
  bool ftz = d.take("ftz");
  Type type = d.needType();
  Run run = type == Type::f64 ? (ftz ? lanewise<double, approximate::rsqrtGross, false> : lanewise<double, approximate::rsqrt, false>)
                              : (ftz ? lanewise<float, approximate::rsqrt, true> : lanewise<float, approximate::rsqrt, false>);
  d.emit(run, type, type, 1);
}

template <float (*f)(float), const char* const& opcode>
void approximateFunction(Decoder& d) {
  d.needOne({"approx"});
  Type type = d.needType();
  if (decodeHalf(d, opcode, type)) return;
  bool ftz = d.take("ftz");
  d.emit(ftz ? lanewise<float, f, true> : lanewise<float, f, false>, type, type, 1);
}

const char* const EX2 = "ex2";
const char* const LG2 = "lg2";
const char* const SIN = "sin";
const char* const COS = "cos";
const char* const TANH = "tanh";

void copysign(Decoder& d) {
  Type type = d.needType();
  d.emit(type == Type::f64 ? copysignRun<double> : copysignRun<float>, type, type, 2);
}

enum Test : uint8_t { finite, infinite, number, notanumber, normal, subnormal };

template <class T>
Step testpRun(Warp& w, const Instruction& in, uint32_t mask) {
  using U = Unsigned<T>;
  V<T> x = w.read<T>(in.a);
  V<U> size = bits<U>(x) & U(~SIGN<T>);
  constexpr U INF = sizeof(T) == 8 ? U(0x7ff0000000000000) : U(0x7f800000);
  constexpr U LEAST = sizeof(T) == 8 ? U(0x0010000000000000) : U(0x00800000);
  uint32_t result = 0;
  switch (in.kind) {
    case finite: result = maskOf(size < INF); break;
    case infinite: result = maskOf(size == INF); break;
    case number: result = maskOf(size <= INF); break;
    case notanumber: result = maskOf(size > INF); break;
    case normal: result = maskOf(size >= LEAST) & maskOf(size < INF); break;
    case subnormal: result = maskOf(size < LEAST) & maskOf(size != U(0)); break;
  }
  w.writePred(in.d, mask, result);
  return Step::next;
}

void testp(Decoder& d) {
  int test = d.needOne({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
  Type type = d.needType();
  d.emit(type == Type::f64 ? testpRun<double> : testpRun<float>, Type::pred, type, 1).kind = uint8_t(test);
}

using Decode = void (*)(Decoder&, Type);

const std::unordered_map<std::string_view, Decode>& shared() {
  static const std::unordered_map<std::string_view, Decode> table = {
      {"add", decodeBinary<Add>},       {"sub", decodeBinary<Sub>},       {"mul", decodeBinary<Mul>},
      {"div", decodeDivision},          {"fma", decodeFused},             {"min", decodeExtreme<false>},
      {"max", decodeExtreme<true>},     {"neg", decodeSign<negates>},     {"abs", decodeSign<clears>},
  };
  return table;
}

}  // namespace

bool decodeFloat(Decoder& decoder, std::string_view opcode, Type type) {
  if (type != Type::f32 && type != Type::f64) return false;
  auto found = shared().find(opcode);
  if (found == shared().end()) return false;
  found->second(decoder, type);
  return true;
}

void addFloats(Handlers& handlers) {
  handlers.insert({{"fma", fma}, {"sqrt", sqrt}, {"rcp", rcp}, {"rsqrt", rsqrt}, {"copysign", copysign}, {"testp", testp},
                   {"ex2", approximateFunction<approximate::exp2, EX2>}, {"lg2", approximateFunction<approximate::log2, LG2>},
                   {"sin", approximateFunction<approximate::sin, SIN>}, {"cos", approximateFunction<approximate::cos, COS>},
                   {"tanh", approximateFunction<approximate::tanh, TANH>}});
}

}  // namespace ptx
