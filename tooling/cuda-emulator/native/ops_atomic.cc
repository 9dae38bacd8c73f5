// atom and red.
#include "access.h"
#include "decode.h"

namespace ptx {
namespace {

template <class To, class From>
To as(From from) {
  return std::bit_cast<To>(from);
}

// Each takes what is there, and the operands, as bits.

template <class T>
struct AddInteger {
  static T of(T old, T b, T) { return T(old + b); }
};
template <class F, class T>
struct AddFloat {
  static T of(T old, T b, T) { return as<T>(F(as<F>(old) + as<F>(b))); }
};
struct AddHalf {
  static uint16_t of(uint16_t old, uint16_t b, uint16_t) {
    return as<uint16_t>(half(float(as<half>(old)) + float(as<half>(b))));
  }
};
struct AddBrain {
  static uint16_t of(uint16_t old, uint16_t b, uint16_t) {
    float sum = as<float>(uint32_t(old) << 16) + as<float>(uint32_t(b) << 16);
    if (sum != sum) return 0x7fff;
    uint32_t u = as<uint32_t>(sum);
    return uint16_t((u + 0x7fff + (u >> 16 & 1)) >> 16);
  }
};
template <class Part>
struct AddPair {
  static uint32_t of(uint32_t old, uint32_t b, uint32_t) {
    return uint32_t(Part::of(uint16_t(old >> 16), uint16_t(b >> 16), 0)) << 16 | Part::of(uint16_t(old), uint16_t(b), 0);
  }
};
template <class S, class T>
struct MinOf {
  static T of(T old, T b, T) { return S(old) < S(b) ? old : b; }
};
template <class S, class T>
struct MaxOf {
  static T of(T old, T b, T) { return S(old) > S(b) ? old : b; }
};
template <class T>
struct AndOf {
  static T of(T old, T b, T) { return old & b; }
};
template <class T>
struct OrOf {
  static T of(T old, T b, T) { return old | b; }
};
template <class T>
struct XorOf {
  static T of(T old, T b, T) { return old ^ b; }
};
template <class T>
struct Exchange {
  static T of(T, T b, T) { return b; }
};
template <class T>
struct CompareSwap {
  static T of(T old, T b, T c) { return old == b ? c : old; }
};
struct Increment {
  static uint32_t of(uint32_t old, uint32_t b, uint32_t) { return old >= b ? 0 : old + 1; }
};
struct Decrement {
  static uint32_t of(uint32_t old, uint32_t b, uint32_t) { return old == 0 || old > b ? b : old - 1; }
};

/** Lane after lane; other threads of the host may be at the same memory. */
template <class T, class Op>
Step atomic(Warp& w, const Instruction& in, uint32_t mask) {
  if (!resolve(w, in, mask, sizeof(T), Access::atomic)) return Step::fault;
  V<T> b = w.read<T>(in.b);
  V<T> c = w.read<T>(in.c);
  V<T> before = w.read<T>(in.d);
  for (uint32_t m = mask; m; m &= m - 1) {
    int i = std::countr_zero(m);
    T* at = (T*)w.addresses[i];
    T old = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(at, &old, Op::of(old, b[i], c[i]), true, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
    }
    before[i] = old;
  }
  if (in.count) w.write<T>(in.d, mask, before);
  return Step::next;
}

struct Row {
  std::string_view op;
  Type type;
  Run run;
};

using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;

const Row ROWS[] = {
    {"add", Type::u32, atomic<u32, AddInteger<u32>>},
    {"add", Type::s32, atomic<u32, AddInteger<u32>>},
    {"add", Type::u64, atomic<u64, AddInteger<u64>>},
    {"add", Type::s64, atomic<u64, AddInteger<u64>>},
    {"add", Type::f32, atomic<u32, AddFloat<float, u32>>},
    {"add", Type::f64, atomic<u64, AddFloat<double, u64>>},
    {"add", Type::f16, atomic<u16, AddHalf>},
    {"add", Type::bf16, atomic<u16, AddBrain>},
    {"add", Type::f16x2, atomic<u32, AddPair<AddHalf>>},
    {"add", Type::bf16x2, atomic<u32, AddPair<AddBrain>>},
    {"min", Type::u32, atomic<u32, MinOf<uint32_t, u32>>},
    {"min", Type::s32, atomic<u32, MinOf<int32_t, u32>>},
    {"min", Type::u64, atomic<u64, MinOf<uint64_t, u64>>},
    {"min", Type::s64, atomic<u64, MinOf<int64_t, u64>>},
    {"max", Type::u32, atomic<u32, MaxOf<uint32_t, u32>>},
    {"max", Type::s32, atomic<u32, MaxOf<int32_t, u32>>},
    {"max", Type::u64, atomic<u64, MaxOf<uint64_t, u64>>},
    {"max", Type::s64, atomic<u64, MaxOf<int64_t, u64>>},
    {"and", Type::b32, atomic<u32, AndOf<u32>>},
    {"and", Type::b64, atomic<u64, AndOf<u64>>},
    {"or", Type::b32, atomic<u32, OrOf<u32>>},
    {"or", Type::b64, atomic<u64, OrOf<u64>>},
    {"xor", Type::b32, atomic<u32, XorOf<u32>>},
    {"xor", Type::b64, atomic<u64, XorOf<u64>>},
    {"exch", Type::b32, atomic<u32, Exchange<u32>>},
    {"exch", Type::b64, atomic<u64, Exchange<u64>>},
    {"cas", Type::b16, atomic<u16, CompareSwap<u16>>},
    {"cas", Type::b32, atomic<u32, CompareSwap<u32>>},
    {"cas", Type::b64, atomic<u64, CompareSwap<u64>>},
    {"inc", Type::u32, atomic<u32, Increment>},
    {"dec", Type::u32, atomic<u32, Decrement>},
};

void decode(Decoder& d, bool returns) {
  d.takeHints();
  Space space = d.takeSpace();
  Type type = d.needType();
  for (const Row& row : ROWS) {
    if (row.type != type || !d.take(row.op)) continue;
    bool swaps = row.op == "cas";
    int at = returns ? 1 : 0;
    d.needOperands(at + (swaps ? 3 : 2));
    unsigned width = bitsOf(type);
    Slot to = returns ? d.target(0, width) : NOWHERE;
    Address address = d.address(at, space);
    if (address.space != Space::global && address.space != Space::shared && address.space != Space::generic)
      d.mistake("an atomic operation in this space");
    Slot b = d.source(at + 1, type);
    Slot c = swaps ? d.source(at + 2, type) : NOWHERE;
    Instruction& in = d.emit(row.run);
    in.d = to;
    in.a = address.base;
    in.b = b;
    in.c = c;
    in.kind = uint8_t(address.space);
    in.width = address.width;
    in.immediate = address.offset;
    in.count = to != NOWHERE;
    return;
  }
  d.mistake("no such atomic operation");
}

void atom(Decoder& d) { decode(d, true); }
void red(Decoder& d) { decode(d, false); }

}  // namespace

void addAtomics(Handlers& handlers) { handlers.insert({{"atom", atom}, {"red", red}}); }

}  // namespace ptx
