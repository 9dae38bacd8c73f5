// Arithmetic, logic and bits of integers.
#include "decode.h"

namespace ptx {
namespace {

// Sums and products wrap, so they are made without signs.

template <class T>
struct Add {
  static V<T> of(V<T> a, V<T> b) { return bits<T>(bits<Unsigned<T>>(a) + bits<Unsigned<T>>(b)); }
};
template <class T>
struct Sub {
  static V<T> of(V<T> a, V<T> b) { return bits<T>(bits<Unsigned<T>>(a) - bits<Unsigned<T>>(b)); }
};
template <class T>
struct Mul {
  static V<T> of(V<T> a, V<T> b) {
    // 16-bit operands would be promoted to signed 32-bit ones, lane by lane.
    return bits<T>(V<Unsigned<T>>(bits<Unsigned<T>>(a) * bits<Unsigned<T>>(b)));
  }
};
template <class T>
struct Min {
  static V<T> of(V<T> a, V<T> b) { return a < b ? a : b; }
};
template <class T>
struct Max {
  static V<T> of(V<T> a, V<T> b) { return a > b ? a : b; }
};
template <class T>
struct Div {
  static V<T> of(V<T> a, V<T> b) {
    return each<T, T, T>(a, b, [](T x, T y) -> T {
      if (y == 0) return T(~T(0));
      if constexpr (std::is_signed_v<T>)
        if (y == T(-1)) return T(Unsigned<T>(0) - Unsigned<T>(x));
      return T(x / y);
    });
  }
};
template <class T>
struct Rem {
  static V<T> of(V<T> a, V<T> b) {
    return each<T, T, T>(a, b, [](T x, T y) -> T {
      if (y == 0) return x;
      if constexpr (std::is_signed_v<T>)
        if (y == T(-1)) return T(0);
      return T(x % y);
    });
  }
};
template <class T>
struct And {
  static V<T> of(V<T> a, V<T> b) { return a & b; }
};
template <class T>
struct Or {
  static V<T> of(V<T> a, V<T> b) { return a | b; }
};
template <class T>
struct Xor {
  static V<T> of(V<T> a, V<T> b) { return a ^ b; }
};
template <class T>
struct Not {
  static V<T> of(V<T> a) { return ~a; }
};
template <class T>
struct CNot {
  static V<T> of(V<T> a) { return a == 0 ? splat<T>(1) : splat<T>(0); }
};
template <class T>
struct Neg {
  static V<T> of(V<T> a) { return bits<T>(-bits<Unsigned<T>>(a)); }
};
template <class T>
struct Abs {
  static V<T> of(V<T> a) { return a < 0 ? Neg<T>::of(a) : a; }
};

template <class T, class Wide>
struct MulHigh {
  static V<T> of(V<T> a, V<T> b) {
    return each<T, T, T>(a, b, [](T x, T y) { return T((Wide(x) * Wide(y)) >> (sizeof(T) * 8)); });
  }
};
template <class T>
using WideOf = std::conditional_t<
    sizeof(T) == 8, std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>,
    std::conditional_t<sizeof(T) == 4, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>,
                       std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>>>;
template <class T>
using Mulhi = MulHigh<T, WideOf<T>>;

/** Shifts by the width or more give 0, or the sign. */
template <class T>
struct Shl {
  static V<T> of(V<T> a, V<uint32_t> n) {
    constexpr uint32_t width = sizeof(T) * 8;
    V<T> shifted = a << convert<T>(n & (width - 1));
    return select<T>(maskOf(n > width - 1), splat<T>(0), shifted);
  }
};
template <class T>
struct Shr {
  static V<T> of(V<T> a, V<uint32_t> n) {
    constexpr uint32_t width = sizeof(T) * 8;
    V<uint32_t> clamped = n > width - 1 ? splat<uint32_t>(width - 1) : n;
    V<T> shifted = a >> convert<T>(clamped);
    if constexpr (std::is_signed_v<T>) return shifted;
    else return select<T>(maskOf(n > width - 1), splat<T>(0), shifted);
  }
};

template <class T>
struct Popc {
  static V<uint32_t> of(V<T> a) { return convert<uint32_t>(__builtin_elementwise_popcount(a)); }
};
template <class T>
struct Clz {
  static V<uint32_t> of(V<T> a) {
    return each<uint32_t, T>(a, [](T x) { return uint32_t(std::countl_zero(x)); });
  }
};
template <class T>
struct Brev {
  static V<T> of(V<T> a) { return __builtin_elementwise_bitreverse(a); }
};

template <class T>
uint32_t highest(T x) {
  if constexpr (std::is_signed_v<T>)
    if (x < 0) x = T(~x);
  return x == 0 ? 0xffffffff : uint32_t(sizeof(T) * 8 - 1 - std::countl_zero(Unsigned<T>(x)));
}

template <class T, bool shift>
struct Bfind {
  static V<uint32_t> of(V<T> a) {
    return each<uint32_t, T>(a, [](T x) {
      uint32_t at = highest<T>(x);
      return shift && at != 0xffffffff ? uint32_t(sizeof(T) * 8 - 1 - at) : at;
    });
  }
};
template <class T>
using BfindAt = Bfind<T, false>;
template <class T>
using BfindShift = Bfind<T, true>;

template <class T, class R, class Op>
Step unary(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<R>(in.d, mask, Op::of(w.read<T>(in.a)));
  return Step::next;
}

template <class T, class Op>
Step binary(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<T>(in.d, mask, Op::of(w.read<T>(in.a), w.read<T>(in.b)));
  return Step::next;
}

template <class T, class Op>
Step shift(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<T>(in.d, mask, Op::of(w.read<T>(in.a), w.read<uint32_t>(in.b)));
  return Step::next;
}

template <template <class> class Op>
Run pickBinary(Type type) {
  switch (type) {
    case Type::u16: case Type::b16: return binary<uint16_t, Op<uint16_t>>;
    case Type::s16: return binary<int16_t, Op<int16_t>>;
    case Type::u32: case Type::b32: return binary<uint32_t, Op<uint32_t>>;
    case Type::s32: return binary<int32_t, Op<int32_t>>;
    case Type::u64: case Type::b64: return binary<uint64_t, Op<uint64_t>>;
    case Type::s64: return binary<int64_t, Op<int64_t>>;
    default: return nullptr;
  }
}

template <template <class> class Op>
Run pickUnary(Type type) {
  switch (type) {
    case Type::u16: case Type::b16: return unary<uint16_t, uint16_t, Op<uint16_t>>;
    case Type::s16: return unary<int16_t, int16_t, Op<int16_t>>;
    case Type::u32: case Type::b32: return unary<uint32_t, uint32_t, Op<uint32_t>>;
    case Type::s32: return unary<int32_t, int32_t, Op<int32_t>>;
    case Type::u64: case Type::b64: return unary<uint64_t, uint64_t, Op<uint64_t>>;
    case Type::s64: return unary<int64_t, int64_t, Op<int64_t>>;
    default: return nullptr;
  }
}

template <template <class> class Op>
Run pickShift(Type type) {
  switch (type) {
    case Type::b16: case Type::u16: return shift<uint16_t, Op<uint16_t>>;
    case Type::s16: return shift<int16_t, Op<int16_t>>;
    case Type::b32: case Type::u32: return shift<uint32_t, Op<uint32_t>>;
    case Type::s32: return shift<int32_t, Op<int32_t>>;
    case Type::b64: case Type::u64: return shift<uint64_t, Op<uint64_t>>;
    case Type::s64: return shift<int64_t, Op<int64_t>>;
    default: return nullptr;
  }
}

Run checked(Decoder& d, Run run) {
  if (!run) d.mistake("no such type of this instruction");
  return run;
}

/** Float types of the same opcode are decoded elsewhere. */
bool decodedAsFloat(Decoder& d, std::string_view opcode, Type type) {
  return decodeFloat(d, opcode, type) || decodeHalf(d, opcode, type);
}

// Sums with carry.

enum Carry : uint8_t { reads = 1, writes = 2, subtracts = 4 };

template <class T>
Step addCarry(Warp& w, const Instruction& in, uint32_t mask) {
  V<T> a = w.read<T>(in.a);
  V<T> b = w.read<T>(in.b);
  bool subtract = in.kind & subtracts;
  V<T> carry = splat<T>(0);
  if (in.kind & reads) carry = select<T>(w.carry, splat<T>(1), splat<T>(0));
  V<T> partial = subtract ? a - b : a + b;
  V<T> sum = subtract ? partial - carry : partial + carry;
  uint32_t out = subtract ? maskOf(a < b) | maskOf(partial < carry) : maskOf(partial < a) | maskOf(sum < partial);
  w.write<T>(in.d, mask, sum);
  if (in.kind & writes) w.carry = (w.carry & ~mask) | (out & mask);
  return Step::next;
}

bool decodeCarry(Decoder& d, uint8_t kind, Type type) {
  bool wide = bitsOf(type) == 64;
  d.emit(wide ? addCarry<uint64_t> : addCarry<uint32_t>, type, type, 2).kind = kind;
  return true;
}

template <class T>
struct SaturatedAdd {
  static V<T> of(V<T> a, V<T> b) {
    return each<T, T, T>(a, b, [](T x, T y) {
      int64_t sum = int64_t(x) + y;
      return T(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
    });
  }
};
template <class T>
struct SaturatedSub {
  static V<T> of(V<T> a, V<T> b) {
    return each<T, T, T>(a, b, [](T x, T y) {
      int64_t sum = int64_t(x) - y;
      return T(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
    });
  }
};

void add(Decoder& d) {
  bool carry = d.take("cc");
  Type type = d.needType();
  if (carry) return void(decodeCarry(d, writes, type));
  if (decodedAsFloat(d, "add", type)) return;
  if (d.take("sat")) return void(d.emit(binary<int32_t, SaturatedAdd<int32_t>>, type, type, 2));
  d.emit(checked(d, pickBinary<Add>(type)), type, type, 2);
}

void sub(Decoder& d) {
  bool carry = d.take("cc");
  Type type = d.needType();
  if (carry) return void(decodeCarry(d, writes | subtracts, type));
  if (decodedAsFloat(d, "sub", type)) return;
  if (d.take("sat")) return void(d.emit(binary<int32_t, SaturatedSub<int32_t>>, type, type, 2));
  d.emit(checked(d, pickBinary<Sub>(type)), type, type, 2);
}

void addc(Decoder& d) {
  uint8_t kind = d.take("cc") ? reads | writes : reads;
  decodeCarry(d, kind, d.needType());
}

void subc(Decoder& d) {
  uint8_t kind = d.take("cc") ? reads | writes | subtracts : reads | subtracts;
  decodeCarry(d, kind, d.needType());
}

// Products.

template <class T, class R>
Step multiplyWide(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<R>(in.d, mask, convert<R>(w.read<T>(in.a)) * convert<R>(w.read<T>(in.b)));
  return Step::next;
}

template <class T, class R>
Step multiplyAddWide(Warp& w, const Instruction& in, uint32_t mask) {
  using U = Unsigned<R>;
  V<R> product = convert<R>(w.read<T>(in.a)) * convert<R>(w.read<T>(in.b));
  w.write<U>(in.d, mask, bits<U>(product) + w.read<U>(in.c));
  return Step::next;
}

template <class T, template <class> class Op>
Step multiplyAdd(Warp& w, const Instruction& in, uint32_t mask) {
  V<T> product = Op<T>::of(w.read<T>(in.a), w.read<T>(in.b));
  w.write<T>(in.d, mask, Add<T>::of(product, w.read<T>(in.c)));
  return Step::next;
}

template <template <class> class Op>
Run pickMultiplyAdd(Type type) {
  switch (type) {
    case Type::u16: return multiplyAdd<uint16_t, Op>;
    case Type::s16: return multiplyAdd<int16_t, Op>;
    case Type::u32: return multiplyAdd<uint32_t, Op>;
    case Type::s32: return multiplyAdd<int32_t, Op>;
    case Type::u64: return multiplyAdd<uint64_t, Op>;
    case Type::s64: return multiplyAdd<int64_t, Op>;
    default: return nullptr;
  }
}

Type doubled(Type type) {
  switch (type) {
    case Type::u16: return Type::u32;
    case Type::s16: return Type::s32;
    case Type::u32: return Type::u64;
    case Type::s32: return Type::s64;
    default: return Type::none;
  }
}

Run pickWide(Type type, bool adds) {
  switch (type) {
    case Type::u16: return adds ? multiplyAddWide<uint16_t, uint32_t> : multiplyWide<uint16_t, uint32_t>;
    case Type::s16: return adds ? multiplyAddWide<int16_t, int32_t> : multiplyWide<int16_t, int32_t>;
    case Type::u32: return adds ? multiplyAddWide<uint32_t, uint64_t> : multiplyWide<uint32_t, uint64_t>;
    case Type::s32: return adds ? multiplyAddWide<int32_t, int64_t> : multiplyWide<int32_t, int64_t>;
    default: return nullptr;
  }
}

void mul(Decoder& d) {
  Type type = d.needType();
  if (decodedAsFloat(d, "mul", type)) return;
  int part = d.needOne({"lo", "hi", "wide"});
  if (part == 2) d.emit(checked(d, pickWide(type, false)), doubled(type), type, 2);
  else d.emit(checked(d, part ? pickBinary<Mulhi>(type) : pickBinary<Mul>(type)), type, type, 2);
}

/** mad.lo.cc, madc.hi.cc: the product's half, then a sum with carry. */
void multiplyAddCarry(Decoder& d, uint8_t kind) {
  Type type = d.needType();
  bool high = d.needOne({"lo", "hi"}) == 1;
  d.needOperands(4);
  Slot product = d.temporary(bitsOf(type));
  Slot a = d.source(1, type);
  Slot b = d.source(2, type);
  Slot c = d.source(3, type);
  Slot to = d.target(0, bitsOf(type));
  Instruction& first = d.emit(checked(d, high ? pickBinary<Mulhi>(type) : pickBinary<Mul>(type)));
  first.d = product;
  first.a = a;
  first.b = b;
  Instruction& second = d.emit(bitsOf(type) == 64 ? addCarry<uint64_t> : addCarry<uint32_t>);
  second.d = to;
  second.a = product;
  second.b = c;
  second.kind = kind;
}

void mad(Decoder& d) {
  if (d.take("cc")) return multiplyAddCarry(d, writes);
  Type type = d.needType();
  if (decodedAsFloat(d, "fma", type)) return;
  int part = d.needOne({"lo", "hi", "wide"});
  if (part < 2) return void(d.emit(checked(d, part ? pickMultiplyAdd<Mulhi>(type) : pickMultiplyAdd<Mul>(type)), type, type, 3));
  d.needOperands(4);
  Type wide = doubled(type);
  Run run = checked(d, pickWide(type, true));
  Slot to = d.target(0, bitsOf(wide));
  Slot a = d.source(1, type);
  Slot b = d.source(2, type);
  Slot c = d.source(3, wide);
  Instruction& in = d.emit(run);
  in.d = to;
  in.a = a;
  in.b = b;
  in.c = c;
}

void madc(Decoder& d) { multiplyAddCarry(d, d.take("cc") ? reads | writes : reads); }

template <class T>
struct Mul24 {
  static V<T> of(V<T> a, V<T> b) {
    return each<T, T, T>(a, b, [](T x, T y) { return T(Unsigned<T>(T(Unsigned<T>(x) << 8) >> 8) * Unsigned<T>(T(Unsigned<T>(y) << 8) >> 8)); });
  }
};

void mul24(Decoder& d) {
  d.needOne({"lo"});
  Type type = d.needType();
  d.emit(checked(d, pickBinary<Mul24>(type)), type, type, 2);
}

void mad24(Decoder& d) {
  d.needOne({"lo"});
  Type type = d.needType();
  d.emit(checked(d, pickMultiplyAdd<Mul24>(type)), type, type, 3);
}

template <template <class> class Op>
void simple(Decoder& d) {
  Type type = d.needType();
  d.emit(checked(d, pickBinary<Op>(type)), type, type, 2);
}

template <template <class> class Op>
void simpleUnary(Decoder& d) {
  Type type = d.needType();
  d.emit(checked(d, pickUnary<Op>(type)), type, type, 1);
}

void div(Decoder& d) {
  Type type = d.needType();
  if (!decodedAsFloat(d, "div", type)) d.emit(checked(d, pickBinary<Div>(type)), type, type, 2);
}

void min(Decoder& d) {
  Type type = d.needType();
  if (!decodedAsFloat(d, "min", type)) d.emit(checked(d, pickBinary<Min>(type)), type, type, 2);
}

void max(Decoder& d) {
  Type type = d.needType();
  if (!decodedAsFloat(d, "max", type)) d.emit(checked(d, pickBinary<Max>(type)), type, type, 2);
}

void neg(Decoder& d) {
  Type type = d.needType();
  if (!decodedAsFloat(d, "neg", type)) d.emit(checked(d, pickUnary<Neg>(type)), type, type, 1);
}

void abs(Decoder& d) {
  Type type = d.needType();
  if (!decodedAsFloat(d, "abs", type)) d.emit(checked(d, pickUnary<Abs>(type)), type, type, 1);
}

template <template <class> class Op>
void shiftBy(Decoder& d) {
  Type type = d.needType();
  d.needOperands(3);
  Run run = checked(d, pickShift<Op>(type));
  Slot to = d.target(0, bitsOf(type));
  Slot a = d.source(1, type);
  Slot b = d.source(2, Type::u32);
  Instruction& in = d.emit(run);
  in.d = to;
  in.a = a;
  in.b = b;
}

// Logic, of predicates too.

enum Logic : uint8_t { logicAnd, logicOr, logicXor, logicNot };

Step predicateLogic(Warp& w, const Instruction& in, uint32_t mask) {
  uint32_t a = w.pred(in.a);
  uint32_t b = w.pred(in.b);
  uint32_t result = in.kind == logicAnd ? a & b : in.kind == logicOr ? a | b : in.kind == logicXor ? a ^ b : ~a;
  w.writePred(in.d, mask, result);
  return Step::next;
}

template <template <class> class Op, Logic kind>
void logic(Decoder& d) {
  Type type = d.needType();
  if (type == Type::pred) d.emit(predicateLogic, type, type, 2).kind = kind;
  else d.emit(checked(d, pickBinary<Op>(type)), type, type, 2);
}

void logicalNot(Decoder& d) {
  Type type = d.needType();
  if (type == Type::pred) d.emit(predicateLogic, type, type, 1).kind = logicNot;
  else d.emit(checked(d, pickUnary<Not>(type)), type, type, 1);
}

/** Three-input logic: the immediate is its truth table. */
Step lop3Run(Warp& w, const Instruction& in, uint32_t mask) {
  V<uint32_t> a = w.read<uint32_t>(in.a);
  V<uint32_t> b = w.read<uint32_t>(in.b);
  V<uint32_t> c = w.read<uint32_t>(in.c);
  V<uint32_t> result = splat<uint32_t>(0);
  for (int i = 0; i < 8; i++)
    if (in.immediate >> i & 1) result |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
  w.write<uint32_t>(in.d, mask, result);
  return Step::next;
}

void lop3(Decoder& d) {
  Type type = d.needType();
  d.needOperands(5);
  int64_t table = d.integer(4);
  Slot to = d.target(0, 32);
  Slot a = d.source(1, type);
  Slot b = d.source(2, type);
  Slot c = d.source(3, type);
  Instruction& in = d.emit(lop3Run);
  in.d = to;
  in.a = a;
  in.b = b;
  in.c = c;
  in.immediate = table;
}

// Bits.

template <template <class> class Op>
void count(Decoder& d) {
  Type type = d.needType();
  bool wide = bitsOf(type) == 64;
  d.emit(wide ? unary<uint64_t, uint32_t, Op<uint64_t>> : unary<uint32_t, uint32_t, Op<uint32_t>>, Type::u32, type, 1);
}

void brev(Decoder& d) {
  Type type = d.needType();
  bool wide = bitsOf(type) == 64;
  d.emit(wide ? unary<uint64_t, uint64_t, Brev<uint64_t>> : unary<uint32_t, uint32_t, Brev<uint32_t>>, type, type, 1);
}

template <template <class> class Op>
Run pickBfind(Type type) {
  switch (type) {
    case Type::u32: return unary<uint32_t, uint32_t, Op<uint32_t>>;
    case Type::s32: return unary<int32_t, uint32_t, Op<int32_t>>;
    case Type::u64: return unary<uint64_t, uint32_t, Op<uint64_t>>;
    case Type::s64: return unary<int64_t, uint32_t, Op<int64_t>>;
    default: return nullptr;
  }
}

void bfind(Decoder& d) {
  bool shift = d.take("shiftamt");
  Type type = d.needType();
  d.emit(checked(d, shift ? pickBfind<BfindShift>(type) : pickBfind<BfindAt>(type)), Type::u32, type, 1);
}

template <class T>
Step bfeRun(Warp& w, const Instruction& in, uint32_t mask) {
  V<T> a = w.read<T>(in.a);
  V<uint32_t> position = w.read<uint32_t>(in.b) & 0xff;
  V<uint32_t> length = w.read<uint32_t>(in.c) & 0xff;
  constexpr uint32_t width = sizeof(T) * 8;
  V<T> result;
  for (int i = 0; i < LANES; i++) {
    using U = Unsigned<T>;
    uint32_t at = position[i];
    uint32_t n = length[i];
    uint32_t end = at + n - 1 < width - 1 ? at + n - 1 : width - 1;
    bool sign = std::is_signed_v<T> && n != 0 && (U(a[i]) >> end & 1);
    U field = at < width ? U(a[i]) >> at : 0;
    uint32_t kept = at >= width ? 0 : n < width - at ? n : width - at;
    U low = kept >= width ? ~U(0) : (U(1) << kept) - 1;
    result[i] = T((field & low) | (sign ? ~low : 0));
  }
  w.write<T>(in.d, mask, result);
  return Step::next;
}

void bfe(Decoder& d) {
  Type type = d.needType();
  d.needOperands(4);
  Run run = type == Type::u32   ? bfeRun<uint32_t>
            : type == Type::s32 ? bfeRun<int32_t>
            : type == Type::u64 ? bfeRun<uint64_t>
                                : bfeRun<int64_t>;
  Slot to = d.target(0, bitsOf(type));
  Slot a = d.source(1, type);
  Slot b = d.source(2, Type::u32);
  Slot c = d.source(3, Type::u32);
  Instruction& in = d.emit(run);
  in.d = to;
  in.a = a;
  in.b = b;
  in.c = c;
}

template <class T>
Step bfiRun(Warp& w, const Instruction& in, uint32_t mask) {
  V<T> field = w.read<T>(in.a);
  V<T> base = w.read<T>(in.b);
  V<uint32_t> position = w.read<uint32_t>(in.c) & 0xff;
  V<uint32_t> length = w.read<uint32_t>(in.more) & 0xff;
  constexpr uint32_t width = sizeof(T) * 8;
  V<T> result;
  for (int i = 0; i < LANES; i++) {
    uint32_t at = position[i];
    uint32_t n = length[i];
    T low = n >= width ? T(~T(0)) : T((T(1) << n) - 1);
    T where = at < width ? T(low << at) : 0;
    T moved = at < width ? T(field[i] << at) : 0;
    result[i] = (base[i] & ~where) | (moved & where);
  }
  w.write<T>(in.d, mask, result);
  return Step::next;
}

void bfi(Decoder& d) {
  Type type = d.needType();
  d.needOperands(5);
  Slot to = d.target(0, bitsOf(type));
  Slot a = d.source(1, type);
  Slot b = d.source(2, type);
  Slot c = d.source(3, Type::u32);
  Slot length = d.source(4, Type::u32);
  Instruction& in = d.emit(bitsOf(type) == 64 ? bfiRun<uint64_t> : bfiRun<uint32_t>);
  in.d = to;
  in.a = a;
  in.b = b;
  in.c = c;
  in.more = length;
}

Step bmskRun(Warp& w, const Instruction& in, uint32_t mask) {
  bool clamp = in.kind;
  w.write<uint32_t>(in.d, mask,
                    each<uint32_t, uint32_t, uint32_t>(w.read<uint32_t>(in.a), w.read<uint32_t>(in.b),
                                                       [clamp](uint32_t at, uint32_t n) -> uint32_t {
                                                         if (clamp) at = at < 32 ? at : 32, n = n < 32 ? n : 32;
                                                         else at &= 31, n &= 31;
                                                         uint64_t low = (1ull << n) - 1;
                                                         return uint32_t(low << at);
                                                       }));
  return Step::next;
}

void bmsk(Decoder& d) {
  bool clamp = d.needOne({"wrap", "clamp"}) == 1;
  d.emit(bmskRun, d.needType(), Type::u32, 2).kind = clamp;
}

enum Funnel : uint8_t { left = 1, clamps = 2 };

Step shfRun(Warp& w, const Instruction& in, uint32_t mask) {
  V<uint64_t> both = convert<uint64_t>(w.read<uint32_t>(in.b)) << 32 | convert<uint64_t>(w.read<uint32_t>(in.a));
  V<uint32_t> n = w.read<uint32_t>(in.c);
  n = in.kind & clamps ? (n > 32 ? splat<uint32_t>(32) : n) : n & 31;
  V<uint64_t> wide = convert<uint64_t>(n);
  V<uint64_t> shifted = in.kind & left ? (both << wide) >> 32 : both >> wide;
  w.write<uint32_t>(in.d, mask, convert<uint32_t>(shifted));
  return Step::next;
}

void shf(Decoder& d) {
  uint8_t kind = d.needOne({"r", "l"}) ? left : 0;
  if (d.needOne({"wrap", "clamp"})) kind |= clamps;
  d.emit(shfRun, d.needType(), Type::b32, 3).kind = kind;
}

enum Prmt : uint8_t { plain, f4e, b4e, rc8, ecl, ecr, rc16 };

uint32_t permute(uint32_t a, uint32_t b, uint32_t control, uint8_t mode) {
  uint64_t all = uint64_t(b) << 32 | a;
  uint32_t c = control & 3;
  uint32_t result = 0;
  for (uint32_t i = 0; i < 4; i++) {
    uint32_t pick;
    switch (mode) {
      case f4e: pick = i + c; break;
      case b4e: pick = (c + 8 - i) & 7; break;
      case rc8: pick = c; break;
      case ecl: pick = i > c ? i : c; break;
      case ecr: pick = i < c ? i : c; break;
      case rc16: pick = (c & 1) * 2 + (i & 1); break;
      default: pick = control >> (4 * i) & 15;
    }
    uint32_t byte = uint32_t(all >> ((pick & 7) * 8)) & 0xff;
    if (pick & 8) byte = byte & 0x80 ? 0xff : 0;
    result |= byte << (8 * i);
  }
  return result;
}

Step prmtRun(Warp& w, const Instruction& in, uint32_t mask) {
  V<uint32_t> a = w.read<uint32_t>(in.a);
  V<uint32_t> b = w.read<uint32_t>(in.b);
  V<uint32_t> c = w.read<uint32_t>(in.c);
  V<uint32_t> result;
  for (int i = 0; i < LANES; i++) result[i] = permute(a[i], b[i], c[i], in.kind);
  w.write<uint32_t>(in.d, mask, result);
  return Step::next;
}

void prmt(Decoder& d) {
  Type type = d.needType();
  int mode = d.takeOne({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"});
  d.emit(prmtRun, type, type, 3).kind = uint8_t(mode + 1);
}

template <class T>
Step sadRun(Warp& w, const Instruction& in, uint32_t mask) {
  V<T> a = w.read<T>(in.a);
  V<T> b = w.read<T>(in.b);
  w.write<T>(in.d, mask, Add<T>::of(a > b ? Sub<T>::of(a, b) : Sub<T>::of(b, a), w.read<T>(in.c)));
  return Step::next;
}

void sad(Decoder& d) {
  Type type = d.needType();
  Run run = type == Type::s32   ? sadRun<int32_t>
            : type == Type::u32 ? sadRun<uint32_t>
            : type == Type::s64 ? sadRun<int64_t>
            : type == Type::u64 ? sadRun<uint64_t>
            : type == Type::s16 ? sadRun<int16_t>
                                : sadRun<uint16_t>;
  d.emit(run, type, type, 3);
}

enum Dot : uint8_t { signedA = 1, signedB = 2 };

Step dp4aRun(Warp& w, const Instruction& in, uint32_t mask) {
  V<uint32_t> a = w.read<uint32_t>(in.a);
  V<uint32_t> b = w.read<uint32_t>(in.b);
  V<uint32_t> sum = w.read<uint32_t>(in.c);
  for (int i = 0; i < 4; i++) {
    V<uint32_t> x = (a >> (8 * i)) & 0xff;
    V<uint32_t> y = (b >> (8 * i)) & 0xff;
    if (in.kind & signedA) x = (x ^ 0x80) - 0x80;
    if (in.kind & signedB) y = (y ^ 0x80) - 0x80;
    sum += x * y;
  }
  w.write<uint32_t>(in.d, mask, sum);
  return Step::next;
}

void dp4a(Decoder& d) {
  uint8_t kind = d.needType() == Type::s32 ? signedA : 0;
  if (d.needType() == Type::s32) kind |= signedB;
  d.emit(dp4aRun, Type::b32, Type::b32, 3).kind = kind;
}

}  // namespace

void addIntegers(Handlers& handlers) {
  handlers.insert({{"add", add}, {"sub", sub}, {"addc", addc}, {"subc", subc}, {"mul", mul}, {"mad", mad}, {"madc", madc},
                   {"mul24", mul24}, {"mad24", mad24}, {"div", div}, {"rem", simple<Rem>}, {"min", min}, {"max", max},
                   {"neg", neg}, {"abs", abs}, {"shl", shiftBy<Shl>}, {"shr", shiftBy<Shr>},
                   {"and", logic<And, logicAnd>}, {"or", logic<Or, logicOr>}, {"xor", logic<Xor, logicXor>},
                   {"not", logicalNot}, {"cnot", simpleUnary<CNot>}, {"lop3", lop3}, {"popc", count<Popc>},
                   {"clz", count<Clz>}, {"brev", brev}, {"bfind", bfind}, {"bfe", bfe}, {"bfi", bfi}, {"bmsk", bmsk},
                   {"shf", shf}, {"prmt", prmt}, {"sad", sad}, {"dp4a", dp4a}});
}

}  // namespace ptx
