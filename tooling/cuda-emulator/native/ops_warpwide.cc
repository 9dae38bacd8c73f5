// Shuffles, votes, matches: lanes of a warp that see one another.
#include "decode.h"

namespace ptx {
namespace {

enum Mode : uint8_t { up, down, butterfly, index };

/** Leaves the function where the lanes are not together. */
#define GATHER(members)                                             \
  {                                                                 \
    Step otherwise = Step::next;                                    \
    if (!gathered(w, in, mask, members, otherwise)) return otherwise; \
  }

Step shuffleRun(Warp& w, const Instruction& in, uint32_t mask) {
  GATHER(in.more)
  V<uint32_t> a = w.read<uint32_t>(in.a);
  V<uint32_t> b = w.read<uint32_t>(in.b);
  V<uint32_t> c = w.read<uint32_t>(in.c);
  V<uint32_t> result = a;
  uint32_t valid = 0;
  for (int lane = 0; lane < LANES; lane++) {
    uint32_t amount = b[lane] & 31;
    uint32_t clamp = c[lane] & 31;
    uint32_t segment = c[lane] >> 8 & 31;
    int most = int((uint32_t(lane) & segment) | (clamp & ~segment));
    int least = int(uint32_t(lane) & segment);
    int from = lane;
    bool inside = false;
    switch (in.kind) {
      case up:
        from = lane - int(amount);
        inside = from >= most;
        break;
      case down:
        from = lane + int(amount);
        inside = from <= most;
        break;
      case butterfly:
        from = lane ^ int(amount);
        inside = from <= most;
        break;
      default:
        from = least | int(amount & ~segment);
        inside = from <= most;
    }
    if (!inside) from = lane;
    // What a lane that takes no part holds is undefined: NaN shows itself.
    result[lane] = mask >> from & 1 ? uint32_t(a[from]) : ALL;
    valid |= uint32_t(inside) << lane;
  }
  w.write<uint32_t>(in.d, mask, result);
  if (in.immediate) w.writePred(Slot(in.immediate), mask, valid);
  return Step::next;
}

void shfl(Decoder& d) {
  d.needOne({"sync"});
  int mode = d.needOne({"up", "down", "bfly", "idx"});
  d.needOne({"b32"});
  d.needOperands(5);
  Slot to = d.target(0, 32);
  Slot valid = d.secondPredicate(d.operand(0));
  Slot a = d.source(1, Type::b32);
  Slot b = d.source(2, Type::b32);
  Slot c = d.source(3, Type::b32);
  Slot members = d.source(4, Type::b32);
  Instruction& in = d.emit(shuffleRun);
  in.d = to;
  in.a = a;
  in.b = b;
  in.c = c;
  in.more = members;
  in.immediate = valid;
  in.kind = uint8_t(mode);
}

enum Vote : uint8_t { all, any, uni, ballot };

Step voteRun(Warp& w, const Instruction& in, uint32_t mask) {
  GATHER(in.b)
  uint32_t held = (in.count ? ~w.pred(in.a) : w.pred(in.a)) & mask;
  if (in.kind == ballot) {
    w.write<uint32_t>(in.d, mask, splat(held));
    return Step::next;
  }
  bool result = in.kind == all ? held == mask : in.kind == any ? held != 0 : held == mask || held == 0;
  w.writePred(in.d, mask, result ? ALL : 0);
  return Step::next;
}

void vote(Decoder& d) {
  d.needOne({"sync"});
  int kind = d.needOne({"all", "any", "uni", "ballot"});
  d.needOne({"pred", "b32"});
  d.needOperands(3);
  Slot to = d.target(0, kind == ballot ? 32 : 1);
  Slot a = d.predicate(1);
  Slot members = d.source(2, Type::b32);
  Instruction& in = d.emit(voteRun);
  in.d = to;
  in.a = a;
  in.b = members;
  in.kind = uint8_t(kind);
  in.count = d.operand(1).negated;
}

template <class T>
Step matchRun(Warp& w, const Instruction& in, uint32_t mask) {
  GATHER(in.b)
  V<T> a = w.read<T>(in.a);
  V<uint32_t> result = splat<uint32_t>(0);
  for (uint32_t m = mask; m; m &= m - 1) {
    int lane = std::countr_zero(m);
    result[lane] = maskOf(a == splat(T(a[lane]))) & mask;
  }
  if (in.kind == all) {
    bool same = result[std::countr_zero(mask)] == mask;
    result = splat(same ? mask : 0);
    if (in.more) w.writePred(in.more, mask, same ? ALL : 0);
  }
  w.write<uint32_t>(in.d, mask, result);
  return Step::next;
}

void match(Decoder& d) {
  int kind = d.needOne({"all", "any"});
  d.needOne({"sync"});
  Type type = d.needType();
  d.needOperands(3);
  Slot to = d.target(0, 32);
  Slot same = d.secondPredicate(d.operand(0));
  Slot a = d.source(1, type);
  Slot members = d.source(2, Type::b32);
  Instruction& in = d.emit(bitsOf(type) == 64 ? matchRun<uint64_t> : matchRun<uint32_t>);
  in.d = to;
  in.a = a;
  in.b = members;
  in.more = same;
  in.kind = kind == 0 ? all : any;
}

enum Reduction : uint8_t { add, min, max, andAll, orAll, xorAll };

template <class T>
Step reduxRun(Warp& w, const Instruction& in, uint32_t mask) {
  GATHER(in.b)
  V<T> a = w.read<T>(in.a);
  T result = a[std::countr_zero(mask)];
  for (uint32_t m = mask & (mask - 1); m; m &= m - 1) {
    T x = a[std::countr_zero(m)];
    switch (in.kind) {
      case add: result = T(uint32_t(result) + uint32_t(x)); break;
      case min: result = x < result ? x : result; break;
      case max: result = x > result ? x : result; break;
      case andAll: result &= x; break;
      case orAll: result |= x; break;
      case xorAll: result ^= x; break;
    }
  }
  w.write<uint32_t>(in.d, mask, splat(uint32_t(result)));
  return Step::next;
}

void redux(Decoder& d) {
  d.needOne({"sync"});
  int kind = d.needOne({"add", "min", "max", "and", "or", "xor"});
  Type type = d.needType();
  d.needOperands(3);
  Slot to = d.target(0, 32);
  Slot a = d.source(1, type);
  Slot members = d.source(2, Type::b32);
  Instruction& in = d.emit(type == Type::s32 ? reduxRun<int32_t> : reduxRun<uint32_t>);
  in.d = to;
  in.a = a;
  in.b = members;
  in.kind = uint8_t(kind);
}

Step activemaskRun(Warp& w, const Instruction& in, uint32_t mask) {
  w.write<uint32_t>(in.d, mask, splat(mask));
  return Step::next;
}

void activemask(Decoder& d) {
  d.needOne({"b32"});
  Slot to = d.target(0, 32);
  d.emit(activemaskRun).d = to;
}

/** One of the lanes: the first. */
Step electRun(Warp& w, const Instruction& in, uint32_t mask) {
  GATHER(in.a)
  uint32_t first = uint32_t(std::countr_zero(mask));
  w.write<uint32_t>(in.d, mask, splat(first));
  if (in.more) w.writePred(in.more, mask, uint32_t(1) << first);
  return Step::next;
}

void elect(Decoder& d) {
  d.needOne({"sync"});
  d.needOperands(2);
  Slot to = d.target(0, 32);
  Slot leader = d.secondPredicate(d.operand(0));
  Slot members = d.source(1, Type::b32);
  Instruction& in = d.emit(electRun);
  in.d = to;
  in.more = leader;
  in.a = members;
}

}  // namespace

void addWarpwide(Handlers& handlers) {
  handlers.insert({{"shfl", shfl}, {"vote", vote}, {"match", match}, {"redux", redux}, {"activemask", activemask}, {"elect", elect}});
}

}  // namespace ptx
