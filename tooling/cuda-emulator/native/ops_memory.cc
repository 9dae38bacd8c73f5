// Loads, stores, asynchronous copies.
#include <algorithm>
#include "access.h"
#include "decode.h"

namespace ptx {
namespace {

const Slot* slotsOf(Warp& w, const Instruction& in) { return in.count == 1 ? &in.d : &w.block->code->slots[in.more]; }

template <class T>
bool consecutive(const V<uint64_t>& at) {
  return maskOf(at == at[0] + convert<uint64_t>(laneNumbers()) * uint64_t(sizeof(T))) == ALL;
}

template <class T>
T loadOne(uint64_t address) {
  T value;
  memcpy(&value, (const void*)address, sizeof value);
  return value;
}

/** The elements at the lanes' addresses; through an array, which the compiler turns into gathers. */
template <class T>
V<T> gather(const V<uint64_t>& at, uint64_t offset) {
  uint64_t from[LANES];
  T values[LANES];
  memcpy(from, &at, sizeof from);
#pragma clang loop vectorize(enable)
  for (int i = 0; i < LANES; i++) values[i] = *(const T*)(from[i] + offset);
  V<T> result;
  memcpy(&result, values, sizeof result);
  return result;
}

template <class T>
void storeOne(uint64_t address, T value) {
  memcpy((void*)address, &value, sizeof value);
}

/** From memory of one type to registers that may be wider. */
template <class M, class R>
Step load(Warp& w, const Instruction& in, uint32_t mask) {
  using U = Unsigned<R>;
  if (!resolve(w, in, mask, sizeof(M) * in.count, Access::read)) return Step::fault;
  const V<uint64_t>& at = w.addresses;
  if (in.count == 1 && consecutive<M>(at)) {
    V<M> values;
    memcpy(&values, (const void*)at[0], sizeof values);
    w.write<U>(in.d, mask, bits<U>(convert<R>(values)));
    return Step::next;
  }
  const Slot* slots = slotsOf(w, in);
  bool same = at[0] == at[1] && maskOf(at == splat(uint64_t(at[0]))) == ALL;
  for (int k = 0; k < in.count; k++) {
    V<M> values = same ? splat(loadOne<M>(at[0] + k * sizeof(M))) : gather<M>(at, k * sizeof(M));
    if (slots[k] != NOWHERE) w.write<U>(slots[k], mask, bits<U>(convert<R>(values)));
  }
  return Step::next;
}

template <class M, class R>
Step store(Warp& w, const Instruction& in, uint32_t mask) {
  if (!resolve(w, in, mask, sizeof(M) * in.count, Access::write)) return Step::fault;
  const V<uint64_t>& at = w.addresses;
  const Slot* slots = slotsOf(w, in);
  if (in.count == 1 && mask == ALL && consecutive<M>(at)) {
    V<M> values = convert<M>(w.read<R>(slots[0]));
    memcpy((void*)at[0], &values, sizeof values);
    return Step::next;
  }
  for (int k = 0; k < in.count; k++) {
    V<M> values = convert<M>(w.read<R>(slots[k]));
    for (uint32_t m = mask; m; m &= m - 1) {
      int i = std::countr_zero(m);
      storeOne<M>(at[i] + k * sizeof(M), values[i]);
    }
  }
  return Step::next;
}

Run pickLoad(unsigned memoryBits, bool sign, unsigned registerBits) {
  switch (memoryBits) {
    case 8:
      if (registerBits == 16) return sign ? load<int8_t, int16_t> : load<uint8_t, uint16_t>;
      if (registerBits == 32) return sign ? load<int8_t, int32_t> : load<uint8_t, uint32_t>;
      return sign ? load<int8_t, int64_t> : load<uint8_t, uint64_t>;
    case 16:
      if (registerBits == 16) return load<uint16_t, uint16_t>;
      if (registerBits == 32) return sign ? load<int16_t, int32_t> : load<uint16_t, uint32_t>;
      return sign ? load<int16_t, int64_t> : load<uint16_t, uint64_t>;
    case 32:
      if (registerBits == 32) return load<uint32_t, uint32_t>;
      return sign ? load<int32_t, int64_t> : load<uint32_t, uint64_t>;
    default: return load<uint64_t, uint64_t>;
  }
}

Run pickStore(unsigned memoryBits, unsigned registerBits) {
  switch (memoryBits) {
    case 8: return registerBits == 16 ? store<uint8_t, uint16_t> : registerBits == 32 ? store<uint8_t, uint32_t> : store<uint8_t, uint64_t>;
    case 16: return registerBits == 16 ? store<uint16_t, uint16_t> : registerBits == 32 ? store<uint16_t, uint32_t> : store<uint16_t, uint64_t>;
    case 32: return registerBits == 32 ? store<uint32_t, uint32_t> : store<uint32_t, uint64_t>;
    default: return store<uint64_t, uint64_t>;
  }
}

/** Between a register and a scalar parameter of a function, which is one too. */
Step moveParameter(Warp& w, const Instruction& in, uint32_t mask) {
  // kind: bits of the value, count: its sign, width: bits of the source, more: bits of the target.
  V<uint64_t> x = in.width == 16 ? convert<uint64_t>(w.read<uint16_t>(in.a))
                  : in.width == 32 ? convert<uint64_t>(w.read<uint32_t>(in.a))
                                   : w.read<uint64_t>(in.a);
  uint64_t away = 64 - in.kind;
  x = in.count ? bits<uint64_t>(bits<int64_t>(x << away) >> int64_t(away)) : (x << away) >> away;
  if (in.more == 16) w.write<uint16_t>(in.d, mask, convert<uint16_t>(x));
  else if (in.more == 32) w.write<uint32_t>(in.d, mask, convert<uint32_t>(x));
  else w.write<uint64_t>(in.d, mask, x);
  return Step::next;
}

void emitParameterMove(Decoder& d, Slot to, unsigned toWidth, Slot from, unsigned fromWidth, Type type) {
  unsigned width = bitsOf(type);
  bool plain = toWidth == fromWidth && width == toWidth;
  Instruction& in = d.emit(plain ? integerConversion(toWidth, fromWidth, false) : moveParameter);
  in.d = to;
  in.a = from;
  in.kind = uint8_t(width);
  in.count = isSigned(type);
  in.width = uint8_t(fromWidth);
  in.more = toWidth;
}

struct Form {
  Type type;
  unsigned bits;
  uint8_t count;
};

Form takeForm(Decoder& d) {
  int vector = d.takeOne({"v2", "v4"});
  Type type = d.needType();
  return {type, bitsOf(type), uint8_t(vector < 0 ? 1 : vector == 0 ? 2 : 4)};
}

const Operand& element(Decoder& d, const Operand& operand, const Form& form, uint32_t i) {
  if (form.count == 1) return operand;
  if (operand.kind != Operand::vector || operand.count != form.count) d.mistake("a vector of another length");
  return d.part(operand, i);
}

unsigned registerBits(Decoder& d, const Operand& operand, const Form& form) {
  for (uint32_t i = 0; i < form.count; i++)
    if (unsigned width = d.widthOf(element(d, operand, form, i))) {
      if (width < form.bits) d.mistake("a register of " + std::to_string(width) + " bits is too narrow");
      return width;
    }
  return form.bits == 8 ? 16 : form.bits;
}

void setAddress(Instruction& in, const Address& address) {
  in.a = address.base;
  in.width = address.width;
  in.immediate = address.offset;
  in.kind = uint8_t(address.space);
}

void ld(Decoder& d) {
  d.takeHints();
  Space space = d.takeSpace();
  Form form = takeForm(d);
  d.needOperands(2, 3);
  unsigned width = registerBits(d, d.operand(0), form);
  if (isFloat(form.type) && width != form.bits) d.mistake("the register has another width");
  Address address = d.address(1, space);
  std::vector<Slot> slots;
  for (uint32_t i = 0; i < form.count; i++) slots.push_back(d.target(element(d, d.operand(0), form, i), width));
  if (address.space == Space::reg) {
    if (address.offset || form.count > 1) d.mistake("a part of a scalar parameter");
    return emitParameterMove(d, slots[0], width, address.base, address.width, form.type);
  }
  uint32_t first = form.count > 1 ? d.keep(slots) : 0;
  Instruction& in = d.emit(pickLoad(form.bits, isSigned(form.type), width));
  setAddress(in, address);
  in.d = slots[0];
  in.more = first;
  in.count = form.count;
}

Type storedType(const Form& form, unsigned width) {
  if (form.type == Type::f32 || form.type == Type::f64) return form.type;
  return width == 16 ? Type::b16 : width == 32 ? Type::b32 : Type::b64;
}

void st(Decoder& d) {
  d.takeHints();
  Space space = d.takeSpace();
  Form form = takeForm(d);
  d.needOperands(2, 3);
  unsigned width = registerBits(d, d.operand(1), form);
  Address address = d.address(0, space);
  if (address.space == Space::constant) d.mistake("a store to constant memory");
  std::vector<Slot> slots;
  for (uint32_t i = 0; i < form.count; i++)
    slots.push_back(d.source(element(d, d.operand(1), form, i), storedType(form, width)));
  if (address.space == Space::reg) {
    if (address.offset || form.count > 1) d.mistake("a part of a scalar parameter");
    return emitParameterMove(d, address.base, address.width, slots[0], width, form.type);
  }
  if (address.space == Space::param) d.mistake("a store to a kernel's parameter");
  uint32_t first = form.count > 1 ? d.keep(slots) : 0;
  Instruction& in = d.emit(pickStore(form.bits, width));
  setAddress(in, address);
  in.d = slots[0];
  in.more = first;
  in.count = form.count;
}

Step nothing(Warp&, const Instruction&, uint32_t) { return Step::next; }

void prefetch(Decoder& d) {
  d.takeSpace();
  d.takeOne({"L1", "L2", "tensormap"});
  d.emit(nothing);
}

// Asynchronous copies happen when they are waited for, so that who forgets to wait finds the old bytes.

void land(const Copy& copy) {
  memcpy((void*)copy.to, (const void*)copy.from, copy.filled);
  memset((void*)(copy.to + copy.filled), 0, copy.bytes - copy.filled);
}

bool landGroups(Warp& w, const Instruction& in, size_t pending) {
  if (w.groupEnds.size() <= pending) return true;
  size_t groups = w.groupEnds.size() - pending;
  size_t end = w.groupEnds[groups - 1];
  for (size_t i = 0; i < end; i++) {
    const Copy& copy = w.copies[i];
    if (w.block->checksRaces && !touchShared(w, in, copy.to - uint64_t(w.block->shared), copy.bytes, Access::write)) return false;
    land(copy);
    if (w.block->wrong.copies) std::reverse((uint32_t*)copy.to, (uint32_t*)(copy.to + copy.bytes));
    if (w.block->unfenced.empty()) continue;
    uint64_t piece = (copy.to - uint64_t(w.block->shared)) / 16;
    w.block->unfenced[piece] = true;
    w.landed.push_back(piece);
  }
  w.copies.erase(w.copies.begin(), w.copies.begin() + long(end));
  w.groupEnds.erase(w.groupEnds.begin(), w.groupEnds.begin() + long(groups));
  for (size_t& each : w.groupEnds) each -= end;
  return true;
}

Step copyRun(Warp& w, const Instruction& in, uint32_t mask) {
  // d, count: base and width of the source address; b: bytes that are read, or NOWHERE; c: those that are written.
  const Slot* more = &w.block->code->slots[in.more];
  uint32_t bytes = in.c;
  // From here on it may be written: a race with whoever reads before the next barrier.
  if (!resolve(w, in, mask, bytes, Access::write)) return Step::fault;
  V<uint64_t> to = w.addresses;
  V<uint32_t> filled = in.b == NOWHERE ? splat(bytes) : w.read<uint32_t>(in.b);
  uint32_t reads = mask & maskOf(filled != 0u);
  V<uint64_t> from = to;
  int64_t offset;
  memcpy(&offset, more, sizeof offset);
  if (reads) {
    if (!resolve(w, in, reads, bytes, Access::read, in.d, in.count, offset, Space::global)) return Step::fault;
    from = w.addresses;
  }
  for (uint32_t m = mask; m; m &= m - 1) {
    int i = std::countr_zero(m);
    w.copies.push_back({to[i], from[i], bytes, filled[i] < bytes ? uint32_t(filled[i]) : bytes});
  }
  return Step::next;
}

Step commitRun(Warp& w, const Instruction&, uint32_t) {
  w.groupEnds.push_back(w.copies.size());
  return Step::next;
}

Step waitRun(Warp& w, const Instruction& in, uint32_t) {
  if (in.kind) w.groupEnds.push_back(w.copies.size());
  return landGroups(w, in, size_t(in.immediate)) ? Step::next : Step::fault;
}

void cp(Decoder& d) {
  d.needOne({"async"});
  if (d.take("bulk")) return copyBox(d);
  if (d.take("commit_group")) return void(d.emit(commitRun));
  if (d.take("wait_all")) return void(d.emit(waitRun).kind = 1);
  if (d.take("wait_group")) {
    int64_t pending = d.integer(0);
    d.emit(waitRun).immediate = pending;
    return;
  }
  d.needOne({"ca", "cg"});
  if (!d.take("shared") && !d.take("shared::cta")) d.mistake("cp.async needs .shared.global");
  if (!d.take("global")) d.mistake("cp.async needs .shared.global");
  d.takeHints();
  d.needOperands(3, 4);
  int64_t bytes = d.integer(2);
  if (bytes != 4 && bytes != 8 && bytes != 16) d.mistake("cp.async copies 4, 8 or 16 bytes");
  Address to = d.address(0, Space::shared);
  Address from = d.address(1, Space::global);
  Slot filled = d.operandCount() == 4 ? d.source(3, Type::u32) : NOWHERE;
  std::vector<Slot> offset(2);
  memcpy(offset.data(), &from.offset, sizeof from.offset);
  uint32_t more = d.keep(offset);
  Instruction& in = d.emit(copyRun);
  setAddress(in, to);
  in.d = from.base;
  in.count = from.width;
  in.b = filled;
  in.c = uint32_t(bytes);
  in.more = more;
}

}  // namespace

void addMemory(Handlers& handlers) {
  handlers.insert({{"ld", ld}, {"ldu", ld}, {"st", st}, {"prefetch", prefetch}, {"prefetchu", prefetch}, {"cp", cp}});
}

}  // namespace ptx
