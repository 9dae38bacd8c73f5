// Comparisons and selections.
#include "decode.h"

namespace ptx {
namespace {

enum Comparison : uint8_t { eq, ne, lt, le, gt, ge, lo, ls, hi, hs, equ, neu, ltu, leu, gtu, geu, num, nan };

/** The lanes where it holds. The unordered ones hold for NaN too. */
template <class T>
uint32_t compare(uint8_t comparison, V<T> a, V<T> b) {
  switch (comparison) {
    case eq: return maskOf(a == b);
    case lt: case lo: return maskOf(a < b);
    case le: case ls: return maskOf(a <= b);
    case gt: case hi: return maskOf(a > b);
    case ge: case hs: return maskOf(a >= b);
    case neu: return maskOf(a != b);
    case ltu: return ~maskOf(a >= b);
    case leu: return ~maskOf(a > b);
    case gtu: return ~maskOf(a <= b);
    case geu: return ~maskOf(a < b);
    case equ: return ~(maskOf(a < b) | maskOf(a > b));
    case num: return maskOf(a == a) & maskOf(b == b);
    case nan: return maskOf(a != a) | maskOf(b != b);
    default:
      if constexpr (std::is_floating_point_v<T>) return maskOf(a < b) | maskOf(a > b);
      else return maskOf(a != b);
  }
}

enum Combination : uint8_t { combineAnd = 1, combineOr, combineXor };

uint32_t combine(uint8_t how, uint32_t result, uint32_t with) {
  switch (how) {
    case combineAnd: return result & with;
    case combineOr: return result | with;
    case combineXor: return result ^ with;
    default: return result;
  }
}

// In an instruction: kind is the comparison, count the combination, c the predicate that is combined, width its negation,
// more the second result, immediate whether subnormal numbers are flushed.

template <class T>
V<T> operand(Warp& w, const Instruction& in, Slot slot) {
  V<T> x = w.read<T>(slot);
  if constexpr (std::is_same_v<T, float>)
    if (in.immediate) x = flush(x);
  return x;
}

struct HalfOperand {
  static V<float> read(V<uint16_t> x) { return convert<float>(bits<half>(x)); }
};
struct BrainOperand {
  static V<float> read(V<uint16_t> x) { return widenBfloat(x); }
};

void finish(Warp& w, const Instruction& in, uint32_t mask, uint32_t result) {
  uint32_t with = in.count ? w.pred(in.c) ^ (in.width ? ALL : 0) : 0;
  w.writePred(in.d, mask, combine(in.count, result, with));
  if (in.more) w.writePred(in.more, mask, combine(in.count, ~result, with));
}

template <class T>
Step setpRun(Warp& w, const Instruction& in, uint32_t mask) {
  finish(w, in, mask, compare<T>(in.kind, operand<T>(w, in, in.a), operand<T>(w, in, in.b)));
  return Step::next;
}

template <class F>
Step setpHalf(Warp& w, const Instruction& in, uint32_t mask) {
  finish(w, in, mask, compare<float>(in.kind, F::read(w.read<uint16_t>(in.a)), F::read(w.read<uint16_t>(in.b))));
  return Step::next;
}

template <class F>
uint32_t comparePart(const Instruction& in, V<uint32_t> a, V<uint32_t> b, int shift) {
  return compare<float>(in.kind, F::read(convert<uint16_t>(a >> shift)), F::read(convert<uint16_t>(b >> shift)));
}

/** Of a pair: one predicate for the lower numbers, one for the upper ones. */
template <class F>
Step setpPair(Warp& w, const Instruction& in, uint32_t mask) {
  V<uint32_t> a = w.read<uint32_t>(in.a);
  V<uint32_t> b = w.read<uint32_t>(in.b);
  uint32_t with = in.count ? w.pred(in.c) ^ (in.width ? ALL : 0) : 0;
  w.writePred(in.d, mask, combine(in.count, comparePart<F>(in, a, b, 0), with));
  w.writePred(in.more, mask, combine(in.count, comparePart<F>(in, a, b, 16), with));
  return Step::next;
}

Run pickSetp(Type type) {
  switch (type) {
    case Type::u16: case Type::b16: return setpRun<uint16_t>;
    case Type::s16: return setpRun<int16_t>;
    case Type::u32: case Type::b32: return setpRun<uint32_t>;
    case Type::s32: return setpRun<int32_t>;
    case Type::u64: case Type::b64: return setpRun<uint64_t>;
    case Type::s64: return setpRun<int64_t>;
    case Type::f32: return setpRun<float>;
    case Type::f64: return setpRun<double>;
    case Type::f16: return setpHalf<HalfOperand>;
    case Type::bf16: return setpHalf<BrainOperand>;
    case Type::f16x2: return setpPair<HalfOperand>;
    case Type::bf16x2: return setpPair<BrainOperand>;
    default: return nullptr;
  }
}

int takeComparison(Decoder& d) {
  return d.needOne({"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
}

void setp(Decoder& d) {
  uint8_t comparison = uint8_t(takeComparison(d));
  int combination = d.takeOne({"and", "or", "xor"}) + 1;
  bool ftz = d.take("ftz");
  Type type = d.needType();
  Run run = pickSetp(type);
  if (!run) d.mistake("no such type of this instruction");
  d.needOperands(combination ? 4 : 3);
  Slot first = d.target(0, 1);
  Slot second = d.secondPredicate(d.operand(0));
  Slot a = d.source(1, type);
  Slot b = d.source(2, type);
  Slot with = combination ? d.predicate(3) : NOWHERE;
  Instruction& in = d.emit(run);
  in.d = first;
  in.more = second;
  in.a = a;
  in.b = b;
  in.c = with;
  in.kind = comparison;
  in.count = uint8_t(combination);
  in.width = combination && d.operand(3).negated;
  in.immediate = ftz;
}

// set: the result is a number instead of a predicate.

enum Result : uint8_t { ones, oneFloat, oneHalf, oneBrain };

/** Makes numbers of a comparison's lanes that an earlier instruction left in the predicate a. */
Step setNumber(Warp& w, const Instruction& in, uint32_t mask) {
  uint32_t lanes = w.pred(in.a);
  switch (in.kind) {
    case ones: w.write<uint32_t>(in.d, mask, select<uint32_t>(lanes, splat(ALL), splat<uint32_t>(0))); break;
    case oneFloat: w.write<uint32_t>(in.d, mask, select<uint32_t>(lanes, splat<uint32_t>(0x3f800000), splat<uint32_t>(0))); break;
    case oneHalf: w.write<uint16_t>(in.d, mask, select<uint16_t>(lanes, splat<uint16_t>(0x3c00), splat<uint16_t>(0))); break;
    case oneBrain: w.write<uint16_t>(in.d, mask, select<uint16_t>(lanes, splat<uint16_t>(0x3f80), splat<uint16_t>(0))); break;
  }
  return Step::next;
}

Step setPairNumber(Warp& w, const Instruction& in, uint32_t mask) {
  V<uint32_t> one = splat<uint32_t>(in.kind == oneBrain ? 0x3f80 : in.kind == oneHalf ? 0x3c00 : 0xffff);
  V<uint32_t> none = splat<uint32_t>(0);
  w.write<uint32_t>(in.d, mask, select<uint32_t>(w.pred(in.b), one << 16, none) | select<uint32_t>(w.pred(in.a), one, none));
  return Step::next;
}

void set(Decoder& d) {
  uint8_t comparison = uint8_t(takeComparison(d));
  int combination = d.takeOne({"and", "or", "xor"}) + 1;
  bool ftz = d.take("ftz");
  Type to = d.needType();
  Type from = d.needType();
  Run run = pickSetp(from);
  if (!run) d.mistake("no such type of this instruction");
  bool pair = from == Type::f16x2 || from == Type::bf16x2;
  d.needOperands(combination ? 4 : 3);
  unsigned width = bitsOf(to);
  Slot result = d.target(0, width);
  Slot first = d.temporary(1);
  Slot second = pair ? d.temporary(1) : NOWHERE;
  Slot a = d.source(1, from);
  Slot b = d.source(2, from);
  Slot with = combination ? d.predicate(3) : NOWHERE;
  Instruction& compare = d.emit(run);
  compare.d = first;
  compare.more = second;
  compare.a = a;
  compare.b = b;
  compare.c = with;
  compare.kind = comparison;
  compare.count = uint8_t(combination);
  compare.width = combination && d.operand(3).negated;
  compare.immediate = ftz;
  Instruction& number = d.emit(pair ? setPairNumber : setNumber);
  number.d = result;
  number.a = first;
  number.b = second;
  number.kind = to == Type::f32                            ? oneFloat
                : to == Type::f16 || to == Type::f16x2     ? oneHalf
                : to == Type::bf16 || to == Type::bf16x2   ? oneBrain
                                                           : ones;
}

// Selections.

template <class T>
Step selpRun(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<T>(in.d, mask, select<T>(w.pred(in.c), w.read<T>(in.a), w.read<T>(in.b)));
  return Step::next;
}

void selp(Decoder& d) {
  Type type = d.needType();
  d.needOperands(4);
  unsigned width = bitsOf(type);
  Slot to = d.target(0, width);
  Slot a = d.source(1, type);
  Slot b = d.source(2, type);
  Slot c = d.predicate(3);
  Instruction& in = d.emit(width == 16 ? selpRun<uint16_t> : width == 32 ? selpRun<uint32_t> : selpRun<uint64_t>);
  in.d = to;
  in.a = d.operand(3).negated ? b : a;
  in.b = d.operand(3).negated ? a : b;
  in.c = c;
}

template <class T, bool byFloat>
Step slctRun(Warp& w, const Instruction& in, uint32_t mask) {
  uint32_t first;
  if constexpr (byFloat) {
    V<float> c = w.read<float>(in.c);
    first = maskOf((in.immediate ? flush(c) : c) >= 0.f);
  } else {
    first = maskOf(w.read<int32_t>(in.c) >= 0);
  }
  w.write<T>(in.d, mask, select<T>(first, w.read<T>(in.a), w.read<T>(in.b)));
  return Step::next;
}

void slct(Decoder& d) {
  bool ftz = d.take("ftz");
  Type type = d.needType();
  Type by = d.needType();
  d.needOperands(4);
  unsigned width = bitsOf(type);
  bool real = by == Type::f32;
  Slot to = d.target(0, width);
  Slot a = d.source(1, type);
  Slot b = d.source(2, type);
  Slot c = d.source(3, by);
  Run run = width == 16   ? (real ? slctRun<uint16_t, true> : slctRun<uint16_t, false>)
            : width == 32 ? (real ? slctRun<uint32_t, true> : slctRun<uint32_t, false>)
                          : (real ? slctRun<uint64_t, true> : slctRun<uint64_t, false>);
  Instruction& in = d.emit(run);
  in.d = to;
  in.a = a;
  in.b = b;
  in.c = c;
  in.immediate = ftz;
}

}  // namespace

void addComparisons(Handlers& handlers) { handlers.insert({{"setp", setp}, {"set", set}, {"selp", selp}, {"slct", slct}}); }

}  // namespace ptx
