// cvt: conversions between all types of numbers.
#include <cfenv>
#include "decode.h"

namespace ptx {
namespace {

enum Rounding : uint8_t { none, rn, rz, rm, rp, rni, rzi, rmi, rpi, rna };
enum Flag : uint8_t { flushes = 1, saturates = 2, relus = 4, saturatesFinite = 8 };

// In an instruction: kind is the type of the source, count that of the result, width the rounding, immediate the flags;
// more holds the widths of the two registers.

uint32_t widths(unsigned to, unsigned from) { return to << 8 | from; }

template <class To, class From>
Step plain(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<Unsigned<To>>(in.d, mask, bits<Unsigned<To>>(convert<To>(w.read<From>(in.a))));
  return Step::next;
}

/** An integer register's lanes as 64 bits of which the type's own count. */
V<uint64_t> readInteger(Warp& w, Slot slot, unsigned registerWidth, Type type) {
  V<uint64_t> x = registerWidth == 16   ? convert<uint64_t>(w.read<uint16_t>(slot))
                  : registerWidth == 32 ? convert<uint64_t>(w.read<uint32_t>(slot))
                                        : w.read<uint64_t>(slot);
  unsigned away = 64 - bitsOf(type);
  if (isSigned(type)) return bits<uint64_t>(bits<int64_t>(x << uint64_t(away)) >> int64_t(away));
  return (x << uint64_t(away)) >> uint64_t(away);
}

void writeInteger(Warp& w, Slot slot, unsigned registerWidth, Type type, uint32_t mask, V<uint64_t> x) {
  unsigned away = 64 - bitsOf(type);
  x = isSigned(type) ? bits<uint64_t>(bits<int64_t>(x << uint64_t(away)) >> int64_t(away))
                     : (x << uint64_t(away)) >> uint64_t(away);
  if (registerWidth == 16) w.write<uint16_t>(slot, mask, convert<uint16_t>(x));
  else if (registerWidth == 32) w.write<uint32_t>(slot, mask, convert<uint32_t>(x));
  else w.write<uint64_t>(slot, mask, x);
}

V<double> readFloat(Warp& w, Slot slot, Type type, bool ftz) {
  switch (type) {
    case Type::f16: return convert<double>(convert<float>(w.read<half>(slot)));
    case Type::bf16: return convert<double>(widenBfloat(w.read<uint16_t>(slot)));
    case Type::f32: return convert<double>(ftz ? flush(w.read<float>(slot)) : w.read<float>(slot));
    default: return w.read<double>(slot);
  }
}

/** Integers that a type can hold, as 64 bits. */
uint64_t least(Type type) { return isSigned(type) ? uint64_t(-1) << (bitsOf(type) - 1) : 0; }
uint64_t greatest(Type type) { return (isSigned(type) ? ~least(type) : ~uint64_t(0) >> (64 - bitsOf(type))); }

Step integerToInteger(Warp& w, const Instruction& in, uint32_t mask) {
  Type from = Type(in.kind);
  Type to = Type(in.count);
  V<uint64_t> x = readInteger(w, in.a, in.more & 0xff, from);
  if (in.immediate & saturates) {
    x = each<uint64_t, uint64_t>(x, [&](uint64_t value) {
      bool negative = isSigned(from) && int64_t(value) < 0;
      if (negative && (!isSigned(to) || int64_t(value) < int64_t(least(to)))) return least(to);
      if (!negative && value > greatest(to)) return greatest(to);
      return value;
    });
  }
  writeInteger(w, in.d, in.more >> 8, to, mask, x);
  return Step::next;
}

double roundIntegral(double x, uint8_t rounding) {
  switch (rounding) {
    case rzi: case rz: return std::trunc(x);
    case rmi: case rm: return std::floor(x);
    case rpi: case rp: return std::ceil(x);
    default: return std::nearbyint(x);
  }
}

Step floatToInteger(Warp& w, const Instruction& in, uint32_t mask) {
  Type from = Type(in.kind);
  Type to = Type(in.count);
  V<double> x = readFloat(w, in.a, from, in.immediate & flushes);
  bool wide = from == Type::f64 || bitsOf(to) == 64;
  uint64_t ofNan = wide ? uint64_t(1) << (bitsOf(to) - 1) : 0;
  double low = isSigned(to) ? -std::ldexp(1.0, int(bitsOf(to)) - 1) : 0;
  double high = std::ldexp(1.0, int(bitsOf(to)) - (isSigned(to) ? 1 : 0));
  bool sign = isSigned(to);
  uint64_t leastValue = least(to);
  uint64_t greatestValue = greatest(to);
  uint8_t rounding = in.width;
  V<uint64_t> result = each<uint64_t, double>(x, [=](double value) {
    if (value != value) return ofNan;
    double whole = roundIntegral(value, rounding);
    if (whole < low) return leastValue;
    if (whole >= high) return greatestValue;
    return sign ? uint64_t(int64_t(whole)) : uint64_t(whole);
  });
  writeInteger(w, in.d, in.more >> 8, to, mask, result);
  return Step::next;
}

/** float32 towards zero to int32, by far the most frequent. */
Step floatToInt32(Warp& w, const Instruction& in, uint32_t mask) {
  V<double> x = convert<double>(w.read<float>(in.a));
  V<double> low = x > -2147483648.0 ? x : splat(-2147483648.0);
  V<double> bounded = low < 2147483647.0 ? low : splat(2147483647.0);
  V<double> number = x == x ? bounded : splat(0.0);
  w.write<int32_t>(in.d, mask, convert<int32_t>(number));
  return Step::next;
}

/** A number format with fewer digits than float64: digits, least exponent, greatest number. */
struct Format {
  int digits;
  int least;
  double greatest;
};

const Format HALF = {11, -14, 65504.0};
const Format BRAIN = {8, -126, 0x1.fep127};
const Format TENSOR = {11, -126, 0x1.ffcp127};
const Format SINGLE = {24, -126, 0x1.fffffep127};

/** Rounds once to a number of the format. */
double roundTo(double x, const Format& format, uint8_t rounding) {
  if (x == 0 || !std::isfinite(x)) return x;
  int exponent = std::max(std::ilogb(x), format.least) - (format.digits - 1);
  double scaled = std::ldexp(x, -exponent);
  double whole = rounding == rna ? std::round(scaled) : roundIntegral(scaled, rounding);
  double result = std::ldexp(whole, exponent);
  if (result == 0) return std::copysign(0.0, x);
  if (std::fabs(result) <= format.greatest) return result;
  bool keepsFinite = rounding == rz || (rounding == rm && x > 0) || (rounding == rp && x < 0);
  return std::copysign(keepsFinite ? format.greatest : INFINITY, x);
}

/** An exact float64 of the lanes, or one that rounds as the exact number does. */
V<double> integerAsDouble(V<uint64_t> x, bool sign) {
  return each<double, uint64_t>(x, [sign](uint64_t value) {
    bool negative = sign && int64_t(value) < 0;
    uint64_t size = negative ? 0 - value : value;
    // Bits below the 53rd become one sticky bit.
    int extra = size >> 53 ? 11 - std::countl_zero(size) : 0;
    if (extra > 0) {
      uint64_t lost = size & ((uint64_t(1) << extra) - 1);
      size >>= extra;
      if (lost) size |= 1;
    }
    double result = std::ldexp(double(size), extra > 0 ? extra : 0);
    return negative ? -result : result;
  });
}

void writeFloat(Warp& w, const Instruction& in, uint32_t mask, V<double> x, uint8_t rounding) {
  Type to = Type(in.count);
  bool sat = in.immediate & saturates;
  auto narrowed = [&](const Format& format) {
    V<double> rounded = each<double, double>(x, [&](double value) { return roundTo(value, format, rounding); });
    if (sat) rounded = saturate<double>(rounded);
    if (in.immediate & relus) rounded = rounded > 0.0 ? rounded : (rounded != rounded ? rounded : splat(0.0));
    if (in.immediate & saturatesFinite)
      rounded = each<double, double>(rounded, [&](double v) { return std::isinf(v) ? std::copysign(format.greatest, v) : v; });
    return convert<float>(rounded);
  };
  switch (to) {
    case Type::f16: w.write<uint16_t>(in.d, mask, bits<uint16_t>(narrowHalf(narrowed(HALF)))); break;
    case Type::bf16: w.write<uint16_t>(in.d, mask, narrowBfloat(narrowed(BRAIN))); break;
    case Type::tf32: w.write<float>(in.d, mask, canonical(narrowed(TENSOR))); break;
    case Type::f32: {
      V<float> result = canonical(narrowed(SINGLE));
      w.write<float>(in.d, mask, in.immediate & flushes ? flush(result) : result);
      break;
    }
    default: w.write<double>(in.d, mask, sat ? saturate<double>(x) : x);
  }
}

Step toFloat(Warp& w, const Instruction& in, uint32_t mask) {
  Type from = Type(in.kind);
  uint8_t rounding = in.width;
  V<double> x;
  if (isFloat(from)) {
    x = readFloat(w, in.a, from, in.immediate & flushes);
    if (rounding >= rni && rounding <= rpi) x = each<double, double>(x, [&](double value) { return roundIntegral(value, rounding); });
  } else {
    V<uint64_t> integers = readInteger(w, in.a, in.more & 0xff, from);
    if (Type(in.count) == Type::f64 && bitsOf(from) == 64) {
      if (rounding == rn) {
        x = isSigned(from) ? convert<double>(bits<int64_t>(integers)) : convert<double>(integers);
      } else {
        const int host[] = {FE_TONEAREST, FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
        volatile int before = fegetround();
        fesetround(host[rounding]);
        for (int i = 0; i < LANES; i++) {
          volatile uint64_t one = integers[i];
          volatile double result = isSigned(from) ? double(int64_t(one)) : double(uint64_t(one));
          x[i] = result;
        }
        fesetround(before);
      }
    } else {
      x = integerAsDouble(integers, isSigned(from));
    }
  }
  writeFloat(w, in, mask, x, rounding);
  return Step::next;
}

// Quick ways for what kernels are full of.

Step float32ToHalf(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<uint16_t>(in.d, mask, bits<uint16_t>(narrowHalf(w.read<float>(in.a))));
  return Step::next;
}
Step float32ToBrain(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<uint16_t>(in.d, mask, narrowBfloat(w.read<float>(in.a)));
  return Step::next;
}
Step halfToFloat32(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<float>(in.d, mask, canonical(convert<float>(w.read<half>(in.a))));
  return Step::next;
}
Step brainToFloat32(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<float>(in.d, mask, canonical(widenBfloat(w.read<uint16_t>(in.a))));
  return Step::next;
}
Step float64ToFloat32(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<float>(in.d, mask, canonical(convert<float>(w.read<double>(in.a))));
  return Step::next;
}
Step float32Integral(Warp& w, const Instruction& in, uint32_t mask) {
  V<float> x = w.read<float>(in.a);
  if (in.immediate & flushes) x = flush(x);
  x = in.width == rzi   ? __builtin_elementwise_trunc(x)
      : in.width == rmi ? __builtin_elementwise_floor(x)
      : in.width == rpi ? __builtin_elementwise_ceil(x)
      : in.width == rni ? __builtin_elementwise_roundeven(x)
                        : x;
  x = canonical(x);
  w.write<float>(in.d, mask, in.immediate & saturates ? saturate<float>(x) : x);
  return Step::next;
}

bool isIntegerType(Type type) { return !isFloat(type) && type != Type::pred; }

Run quick(Type to, Type from, uint8_t rounding, uint8_t flags, unsigned toWidth, unsigned fromWidth) {
  if (to == Type::f32 && from == Type::f32 && !(rounding >= rn && rounding <= rp)) return float32Integral;
  if (flags) return nullptr;
  if (to == Type::f16 && from == Type::f32 && rounding == rn) return float32ToHalf;
  if (to == Type::bf16 && from == Type::f32 && rounding == rn) return float32ToBrain;
  if (to == Type::f32 && from == Type::f16) return halfToFloat32;
  if (to == Type::f32 && from == Type::bf16) return brainToFloat32;
  if (to == Type::f32 && from == Type::f64 && rounding == rn) return float64ToFloat32;
  if (to == Type::f64 && from == Type::f32) return plain<double, float>;
  if (from == Type::f32 && to == Type::s32 && rounding == rzi && toWidth == 32) return floatToInt32;
  if (fromWidth != bitsOf(from)) return nullptr;
  if (to == Type::f32 && rounding == rn) {
    if (from == Type::s32) return plain<float, int32_t>;
    if (from == Type::u32) return plain<float, uint32_t>;
    if (from == Type::s64) return plain<float, int64_t>;
    if (from == Type::u64) return plain<float, uint64_t>;
  }
  if (to == Type::f64 && from == Type::s32) return plain<double, int32_t>;
  if (to == Type::f64 && from == Type::u32) return plain<double, uint32_t>;
  if (isIntegerType(to) && isIntegerType(from) && toWidth == bitsOf(to)) return integerConversion(toWidth, fromWidth, isSigned(from));
  return nullptr;
}

/** cvt.rn.f16x2.f32 d, a, b: a above, b below. */
Step pairOfFloats(Warp& w, const Instruction& in, uint32_t mask) {
  bool brain = Type(in.count) == Type::bf16x2;
  auto narrow = [&](Slot slot) {
    V<float> x = w.read<float>(slot);
    if (in.width == rz) {
      const Format& format = brain ? BRAIN : HALF;
      x = convert<float>(each<double, double>(convert<double>(x), [&](double v) { return roundTo(v, format, rz); }));
    }
    if (in.immediate & relus) x = x != x ? x : (x > 0.f ? x : splat(0.f));
    return convert<uint32_t>(brain ? narrowBfloat(x) : bits<uint16_t>(narrowHalf(x)));
  };
  w.write<uint32_t>(in.d, mask, narrow(in.a) << 16 | narrow(in.b));
  return Step::next;
}

void cvt(Decoder& d) {
  uint8_t rounding = uint8_t(d.takeOne({"rn", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi", "rna"}) + 1);
  uint8_t flags = 0;
  if (d.take("ftz")) flags |= flushes;
  if (d.take("sat")) flags |= saturates;
  if (d.take("relu")) flags |= relus;
  if (d.take("satfinite")) flags |= saturatesFinite;
  Type to = d.needType();
  Type from = d.needType();
  if (to == Type::f16x2 || to == Type::bf16x2) {
    Instruction& in = d.emit(pairOfFloats, to, from, 2);
    in.count = uint8_t(to);
    in.width = rounding;
    in.immediate = flags;
    return;
  }
  d.needOperands(2);
  if (from == Type::pred || to == Type::pred) d.mistake("predicates are not converted");
  bool narrows = isFloat(to) && (isFloat(from) ? bitsOf(to) < bitsOf(from) || to == Type::tf32 : true);
  if (narrows && rounding == none) d.mistake("a conversion that rounds needs a rounding");
  if (isFloat(from) && isIntegerType(to) && (rounding < rni || rounding > rpi))
    d.mistake("a conversion to an integer needs .rni, .rzi, .rmi or .rpi");
  unsigned toWidth = d.widthOf(d.operand(0));
  if (toWidth < bitsOf(to)) d.mistake("the result does not fit into its register");
  if (isFloat(to) && toWidth != bitsOf(to)) d.mistake("the result's register has another width");
  Slot target = d.target(0, toWidth);
  unsigned fromWidth = d.widthOf(d.operand(1));
  Type read = from;
  if (fromWidth == 0) fromWidth = bitsOf(from) == 8 ? 16 : bitsOf(from);
  else if (fromWidth < bitsOf(from)) d.mistake("the operand's register is too narrow");
  else if (isFloat(from) && fromWidth != bitsOf(from)) d.mistake("the operand's register has another width");
  else read = fromWidth == 16 ? Type::b16 : fromWidth == 32 ? Type::b32 : fromWidth == 64 ? Type::b64 : from;
  Slot source = d.source(1, read);
  Run run = quick(to, from, rounding, flags, toWidth, fromWidth);
  if (!run) run = isFloat(to) ? toFloat : isFloat(from) ? floatToInteger : integerToInteger;
  Instruction& in = d.emit(run);
  in.d = target;
  in.a = source;
  in.kind = uint8_t(from);
  in.count = uint8_t(to);
  in.width = rounding == none && isFloat(to) ? uint8_t(rn) : rounding;
  if (rounding == none && isFloat(to) && isFloat(from)) in.width = rn;
  in.immediate = flags;
  in.more = widths(toWidth, fromWidth);
}

}  // namespace

Run integerConversion(unsigned toBits, unsigned fromBits, bool isSigned) {
  auto from = [&](auto zero) -> Run {
    using To = decltype(zero);
    switch (fromBits) {
      case 16: return isSigned ? plain<To, int16_t> : plain<To, uint16_t>;
      case 32: return isSigned ? plain<To, int32_t> : plain<To, uint32_t>;
      default: return isSigned ? plain<To, int64_t> : plain<To, uint64_t>;
    }
  };
  if (toBits == 1) {
    return [](Warp& w, const Instruction& in, uint32_t mask) {
      w.writePred(in.d, mask, w.pred(in.a));
      return Step::next;
    };
  }
  return toBits == 16 ? from(uint16_t(0)) : toBits == 32 ? from(uint32_t(0)) : from(uint64_t(0));
}

void addConversions(Handlers& handlers) { handlers.insert({{"cvt", cvt}}); }

}  // namespace ptx
