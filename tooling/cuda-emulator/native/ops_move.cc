// mov, cvta, isspacep.
#include <chrono>
#include "decode.h"

namespace ptx {
namespace {

void move(Decoder& d, Slot to, Slot from, unsigned width) {
  Instruction& in = d.emit(integerConversion(width, width, false));
  in.d = to;
  in.a = from;
}

/** Joins registers to one of twice or four times their width. */
template <class Part, class Whole>
Step packRun(Warp& w, const Instruction& in, uint32_t mask) {
  V<Whole> whole = splat<Whole>(0);
  const Slot* parts = &w.block->code->slots[in.more];
  for (int i = in.count - 1; i >= 0; i--) whole = (whole << Whole(sizeof(Part) * 8)) | convert<Whole>(w.read<Part>(parts[i]));
  w.write<Whole>(in.d, mask, whole);
  return Step::next;
}

template <class Part, class Whole>
Step unpackRun(Warp& w, const Instruction& in, uint32_t mask) {
  V<Whole> whole = w.read<Whole>(in.a);
  const Slot* parts = &w.block->code->slots[in.more];
  for (int i = 0; i < in.count; i++) {
    if (parts[i] != NOWHERE) w.write<Part>(parts[i], mask, convert<Part>(whole >> Whole(sizeof(Part) * 8 * unsigned(i))));
  }
  return Step::next;
}

Type bitsType(unsigned width) { return width == 16 ? Type::b16 : width == 32 ? Type::b32 : Type::b64; }

Run pickPack(unsigned whole, unsigned parts) {
  if (whole == 32 && parts == 2) return packRun<uint16_t, uint32_t>;
  if (whole == 64 && parts == 2) return packRun<uint32_t, uint64_t>;
  if (whole == 64 && parts == 4) return packRun<uint16_t, uint64_t>;
  return nullptr;
}

Run pickUnpack(unsigned whole, unsigned parts) {
  if (whole == 32 && parts == 2) return unpackRun<uint16_t, uint32_t>;
  if (whole == 64 && parts == 2) return unpackRun<uint32_t, uint64_t>;
  if (whole == 64 && parts == 4) return unpackRun<uint16_t, uint64_t>;
  return nullptr;
}

Run checked(Decoder& d, Run run) {
  if (!run) d.mistake("no such vector in a mov");
  return run;
}

void pack(Decoder& d, unsigned width) {
  const Operand& group = d.operand(1);
  Run run = checked(d, pickPack(width, group.count));
  Slot to = d.target(0, width);
  std::vector<Slot> parts;
  for (uint32_t i = 0; i < group.count; i++) parts.push_back(d.source(d.part(group, i), bitsType(width / group.count)));
  uint32_t first = d.keep(parts);
  Instruction& in = d.emit(run);
  in.d = to;
  in.more = first;
  in.count = uint8_t(parts.size());
}

void unpack(Decoder& d, unsigned width) {
  const Operand& group = d.operand(0);
  Run run = checked(d, pickUnpack(width, group.count));
  Slot from = d.source(1, bitsType(width));
  std::vector<Slot> parts;
  for (uint32_t i = 0; i < group.count; i++) parts.push_back(d.target(d.part(group, i), width / group.count));
  uint32_t first = d.keep(parts);
  Instruction& in = d.emit(run);
  in.a = from;
  in.more = first;
  in.count = uint8_t(parts.size());
}

/** The address of a variable, in its space. */
void moveAddress(Decoder& d, const Symbol& variable, int64_t offset, unsigned width) {
  Slot to = d.target(0, width);
  if (variable.kind == Symbol::scalar) d.mistake("the address of a scalar parameter");
  if (!variable.dynamic) return move(d, to, d.constant(variable.address + uint64_t(offset), width), width);
  Slot base = d.special(Special::dynamicShared, 0, 32);
  if (offset) d.mistake("an offset from dynamic shared memory in a mov");
  Instruction& in = d.emit(integerConversion(width, 32, false));
  in.d = to;
  in.a = base;
}

enum Time : uint8_t { clockLow, clockHigh, clockWide, globalLow, globalHigh, globalWide };

uint64_t nanoseconds() {
  return uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

Step timeRun(Warp& w, const Instruction& in, uint32_t mask) {
  uint64_t now = nanoseconds();
  if (in.kind == clockWide || in.kind == globalWide) w.write<uint64_t>(in.d, mask, splat(now));
  else w.write<uint32_t>(in.d, mask, splat(uint32_t(in.kind == clockHigh || in.kind == globalHigh ? now >> 32 : now)));
  return Step::next;
}

bool moveTime(Decoder& d, unsigned width) {
  static const std::pair<std::string_view, Time> TIMES[] = {
      {"%clock", clockLow},           {"%clock_hi", clockHigh},       {"%clock64", clockWide},
      {"%globaltimer_lo", globalLow}, {"%globaltimer_hi", globalHigh}, {"%globaltimer", globalWide}};
  for (auto& [name, time] : TIMES) {
    if (d.operand(1).text != name) continue;
    if (width != (time == clockWide || time == globalWide ? 64u : 32u)) d.mistake("the timer has another width");
    Slot to = d.target(0, width);
    Instruction& in = d.emit(timeRun);
    in.d = to;
    in.kind = time;
    return true;
  }
  return false;
}

void mov(Decoder& d) {
  Type type = d.needType();
  d.needOperands(2);
  unsigned width = bitsOf(type);
  if (d.operand(0).kind == Operand::vector) return unpack(d, width);
  if (d.operand(1).kind == Operand::vector) return pack(d, width);
  if (const Symbol* found = d.variable(d.operand(1))) {
    Symbol variable = *found;
    return moveAddress(d, variable, d.operand(1).value, width);
  }
  if (d.operand(1).kind == Operand::name && moveTime(d, width)) return;
  Slot to = d.target(0, width);
  move(d, to, d.source(1, type), width);
}

// Shared and local memory have generic addresses: those of the host.

enum Direction : uint8_t { toGeneric, fromGeneric };

template <class T>
Step cvtaRun(Warp& w, const Instruction& in, uint32_t mask) {
  V<uint64_t> base = splat<uint64_t>(0);
  switch (Space(in.count)) {
    case Space::shared: base = splat(uint64_t(w.block->shared)); break;
    case Space::local: base = splat(uint64_t(w.local)) + convert<uint64_t>(laneNumbers()) * uint64_t(w.block->code->localBytes); break;
    case Space::param: base = splat(uint64_t(w.block->launch->parameters.data())); break;
    default: break;
  }
  V<uint64_t> x = convert<uint64_t>(w.read<T>(in.a));
  w.write<uint64_t>(in.d, mask, in.kind == toGeneric ? x + base : x - base);
  return Step::next;
}

void cvta(Decoder& d) {
  bool to = d.take("to");
  Space space = d.takeSpace();
  if (space == Space::generic) d.mistake("cvta needs a space");
  Type type = d.needType();
  if (bitsOf(type) != 64) d.mistake("addresses have 64 bits here");
  d.needOperands(2);
  Slot target = d.target(0, 64);
  if (const Symbol* variable = d.variable(d.operand(1))) {
    if (variable->dynamic) {
      Slot base = d.special(Special::dynamicShared, 0, 32);
      Instruction& in = d.emit(cvtaRun<uint32_t>);
      in.d = target;
      in.a = base;
      in.kind = toGeneric;
      in.count = uint8_t(space);
      return;
    }
    Slot from = d.constant(variable->address, 64);
    Instruction& in = d.emit(cvtaRun<uint64_t>);
    in.d = target;
    in.a = from;
    in.kind = toGeneric;
    in.count = uint8_t(space);
    return;
  }
  Slot from = d.source(1, type);
  bool same = space == Space::global || space == Space::constant;
  if (same) return move(d, target, from, 64);
  Instruction& in = d.emit(cvtaRun<uint64_t>);
  in.d = target;
  in.a = from;
  in.kind = to ? fromGeneric : toGeneric;
  in.count = uint8_t(space);
}

Step isspacepRun(Warp& w, const Instruction& in, uint32_t mask) {
  V<uint64_t> x = w.read<uint64_t>(in.a);
  Block& block = *w.block;
  uint64_t shared = uint64_t(block.shared);
  uint64_t local = uint64_t(w.local);
  uint32_t isShared = maskOf(x >= shared) & maskOf(x < shared + block.sharedBytes);
  uint32_t isLocal = maskOf(x >= local) & maskOf(x < local + uint64_t(block.code->localBytes) * LANES);
  uint32_t result = Space(in.count) == Space::shared ? isShared : Space(in.count) == Space::local ? isLocal : ~(isShared | isLocal);
  w.writePred(in.d, mask, result);
  return Step::next;
}

void isspacep(Decoder& d) {
  Space space = d.takeSpace();
  d.emit(isspacepRun, Type::pred, Type::u64, 1).count = uint8_t(space);
}

}  // namespace

void addMoves(Handlers& handlers) { handlers.insert({{"mov", mov}, {"cvta", cvta}, {"isspacep", isspacep}}); }

}  // namespace ptx
