// Arithmetic of float16 and bfloat16, alone and in pairs. Each result is rounded once.
#include "approximate.h"
#include "decode.h"

namespace ptx {
namespace {

// A format says how numbers are widened to float32, which holds them exactly, and narrowed with one rounding.

struct Half {
  using Bits = uint16_t;
  static V<float> widen(V<uint16_t> x) { return convert<float>(bits<half>(x)); }
  static V<uint16_t> narrow(V<float> x) { return bits<uint16_t>(narrowHalf(x)); }
  static uint16_t narrowOne(double x) {
    if (x != x) return 0x7fff;
    return std::bit_cast<uint16_t>(half(x));
  }
  static double widenOne(uint16_t x) { return double(std::bit_cast<half>(x)); }
};

struct Brain {
  using Bits = uint16_t;
  static V<float> widen(V<uint16_t> x) { return widenBfloat(x); }
  static V<uint16_t> narrow(V<float> x) { return narrowBfloat(x); }
  /** From a float64 whose last bit is odd where it is inexact: float32 then keeps what the rounding needs. */
  static uint16_t narrowOne(double x) {
    if (x != x) return 0x7fff;
    float near = float(x);
    if (double(near) != x && std::isfinite(near)) {
      // Towards zero, with the last bit set: rounding to odd.
      if (std::fabs(double(near)) > std::fabs(x)) near = std::nextafterf(near, 0.f);
      near = std::bit_cast<float>(std::bit_cast<uint32_t>(near) | 1);
    }
    uint32_t u = std::bit_cast<uint32_t>(near);
    return uint16_t((u + 0x7fff + (u >> 16 & 1)) >> 16);
  }
  static double widenOne(uint16_t x) { return double(std::bit_cast<float>(uint32_t(x) << 16)); }
};

/** a·b + c rounded to odd in float64, so that a second rounding is as good as a first. */
double oddFma(double a, double b, double c) {
  double product = a * b;
  double sum = product + c;
  double part = sum - product;
  double error = (product - (sum - part)) + (c - part);
  if (error == 0 || !std::isfinite(sum) || error != error) return sum;
  uint64_t u = std::bit_cast<uint64_t>(sum);
  if (u & 1) return sum;
  bool outwards = (error > 0) == (sum > 0);
  return std::bit_cast<double>(outwards ? u + 1 : u - 1);
}

template <class F>
V<uint16_t> fused(V<uint16_t> a, V<uint16_t> b, V<uint16_t> c) {
  V<uint16_t> result;
  for (int i = 0; i < LANES; i++)
    result[i] = F::narrowOne(oddFma(F::widenOne(a[i]), F::widenOne(b[i]), F::widenOne(c[i])));
  return result;
}

enum Kind : uint8_t { flushes = 1, saturates = 2, propagatesNan = 4, relus = 8 };

struct Add {
  static V<float> of(V<float> a, V<float> b) { return a + b; }
};
struct Sub {
  static V<float> of(V<float> a, V<float> b) { return a - b; }
};
struct Mul {
  static V<float> of(V<float> a, V<float> b) { return a * b; }
};
struct Min {
  static V<float> of(V<float> a, V<float> b) {
    V<float> equal = bits<float>(bits<uint32_t>(a) | bits<uint32_t>(b));
    V<float> less = a == b ? equal : (a < b ? a : b);
    return a != a ? b : b != b ? a : less;
  }
};
struct Max {
  static V<float> of(V<float> a, V<float> b) {
    V<float> equal = bits<float>(bits<uint32_t>(a) & bits<uint32_t>(b));
    V<float> more = a == b ? equal : (a > b ? a : b);
    return a != a ? b : b != b ? a : more;
  }
};

/** Subnormal float16 numbers become zeros. */
V<uint16_t> flushHalf(V<uint16_t> x) { return (x & 0x7c00) == 0 ? x & 0x8000 : x; }

template <class F>
V<uint16_t> finish(V<uint16_t> x, uint8_t kind) {
  if (kind & flushes) x = flushHalf(x);
  if (kind & saturates) x = F::narrow(saturate<float>(F::widen(x)));
  if (kind & relus) {
    V<float> wide = F::widen(x);
    x = select<uint16_t>(maskOf(wide < 0.f) | maskOf(wide == 0.f), splat<uint16_t>(0), x);
  }
  return x;
}

template <class F, class Op>
struct Binary {
  static V<uint16_t> of(V<uint16_t> a, V<uint16_t> b, V<uint16_t>, uint8_t kind) {
    if (kind & flushes) a = flushHalf(a), b = flushHalf(b);
    V<float> x = F::widen(a);
    V<float> y = F::widen(b);
    V<uint16_t> result = F::narrow(Op::of(x, y));
    if (kind & propagatesNan) result = select<uint16_t>(maskOf(x != x) | maskOf(y != y), splat<uint16_t>(0x7fff), result);
    return finish<F>(result, kind);
  }
};

template <class F>
struct Fused {
  static V<uint16_t> of(V<uint16_t> a, V<uint16_t> b, V<uint16_t> c, uint8_t kind) {
    if (kind & flushes) a = flushHalf(a), b = flushHalf(b), c = flushHalf(c);
    return finish<F>(fused<F>(a, b, c), kind);
  }
};

struct Neg {
  static V<uint16_t> of(V<uint16_t> a, V<uint16_t>, V<uint16_t>, uint8_t) { return a ^ 0x8000; }
};
struct Abs {
  static V<uint16_t> of(V<uint16_t> a, V<uint16_t>, V<uint16_t>, uint8_t) { return a & 0x7fff; }
};

template <class F, float (*f)(float)>
struct Function {
  static V<uint16_t> of(V<uint16_t> a, V<uint16_t>, V<uint16_t>, uint8_t) {
    return F::narrow(each<float, float>(F::widen(a), f));
  }
};

template <class Op>
Step single(Warp& w, const Instruction& in, uint32_t mask) {
  using U = uint16_t;
  w.write<U>(in.d, mask, Op::of(w.read<U>(in.a), w.read<U>(in.b), w.read<U>(in.c), in.kind));
  return Step::next;
}

template <class Op>
Step paired(Warp& w, const Instruction& in, uint32_t mask) {
  V<uint32_t> a = w.read<uint32_t>(in.a);
  V<uint32_t> b = w.read<uint32_t>(in.b);
  V<uint32_t> c = w.read<uint32_t>(in.c);
  auto half = [&](int shift) {
    auto part = [&](V<uint32_t> x) { return convert<uint16_t>(x >> shift); };
    return convert<uint32_t>(Op::of(part(a), part(b), part(c), in.kind));
  };
  w.write<uint32_t>(in.d, mask, half(16) << 16 | half(0));
  return Step::next;
}

struct Row {
  std::string_view opcode;
  int sources;
  Run half, half2, brain, brain2;
};

#define ROW(name, sources, H, B) {name, sources, single<H>, paired<H>, single<B>, paired<B>}

template <class F, class Op>
using Two = Binary<F, Op>;

const Row ROWS[] = {
    {"add", 2, single<Two<Half, Add>>, paired<Two<Half, Add>>, single<Two<Brain, Add>>, paired<Two<Brain, Add>>},
    {"sub", 2, single<Two<Half, Sub>>, paired<Two<Half, Sub>>, single<Two<Brain, Sub>>, paired<Two<Brain, Sub>>},
    {"mul", 2, single<Two<Half, Mul>>, paired<Two<Half, Mul>>, single<Two<Brain, Mul>>, paired<Two<Brain, Mul>>},
    {"min", 2, single<Two<Half, Min>>, paired<Two<Half, Min>>, single<Two<Brain, Min>>, paired<Two<Brain, Min>>},
    {"max", 2, single<Two<Half, Max>>, paired<Two<Half, Max>>, single<Two<Brain, Max>>, paired<Two<Brain, Max>>},
    ROW("fma", 3, Fused<Half>, Fused<Brain>),
    ROW("neg", 1, Neg, Neg),
    ROW("abs", 1, Abs, Abs),
    {"ex2", 1, single<Function<Half, approximate::exp2>>, paired<Function<Half, approximate::exp2>>,
     single<Function<Brain, approximate::exp2>>, paired<Function<Brain, approximate::exp2>>},
    {"tanh", 1, single<Function<Half, approximate::tanh>>, paired<Function<Half, approximate::tanh>>,
     single<Function<Brain, approximate::tanh>>, paired<Function<Brain, approximate::tanh>>},
};

}  // namespace

bool decodeHalf(Decoder& d, std::string_view opcode, Type type) {
  bool isHalf = type == Type::f16 || type == Type::f16x2;
  bool isBrain = type == Type::bf16 || type == Type::bf16x2;
  if (!isHalf && !isBrain) return false;
  bool pairs = type == Type::f16x2 || type == Type::bf16x2;
  for (const Row& row : ROWS) {
    if (row.opcode != opcode) continue;
    d.take("rn");
    uint8_t kind = 0;
    if (d.take("ftz") && isHalf) kind |= flushes;
    if (d.take("sat")) kind |= saturates;
    if (d.take("NaN")) kind |= propagatesNan;
    if (d.take("relu")) kind |= relus;
    d.emit(isHalf ? (pairs ? row.half2 : row.half) : (pairs ? row.brain2 : row.brain), type, type, row.sources).kind = kind;
    return true;
  }
  return false;
}


}  // namespace ptx
