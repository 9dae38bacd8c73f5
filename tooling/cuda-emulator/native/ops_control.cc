// Branches, calls, barriers, fences.
#include "decode.h"

namespace ptx {
namespace {

/** Other warps get their turn after so many backward branches, in case they are waited for. */
constexpr uint64_t TURN = 1 << 16;

Step branchRun(Warp& w, const Instruction& in, uint32_t mask) {
  bool backward = in.more <= w.pc;
  w.branch(mask, in.more);
  if (!backward) return Step::jump;
  w.branches++;
  if (w.branches >= w.branchLimit) return w.fault(CUDA_ERROR_LAUNCH_TIMEOUT, in, "too many backward branches: an endless loop");
  return w.branches % TURN == 0 ? Step::wait : Step::jump;
}

void bra(Decoder& d) {
  d.take("uni");
  d.needOperands(1);
  if (d.operand(0).kind != Operand::name) d.mistake("a branch without a label");
  d.emit(branchRun);
  d.branchTo(d.operand(0).text);
}

Step exitRun(Warp& w, const Instruction& in, uint32_t mask) {
  uint32_t pc = w.pc;
  if (!w.leave(mask)) return w.done ? Step::wait : w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "lanes wait for others that have left");
  // Lanes that stay (the guard is off for them) go on.
  if (w.pc == pc) w.pc++;
  return Step::jump;
}

void exit(Decoder& d) { d.emit(exitRun); }

Step returnRun(Warp& w, const Instruction& in, uint32_t mask) {
  w.branch(mask, in.more);
  return Step::jump;
}

/** The end of a kernel's lanes, or of a function, which is inlined. */
void ret(Decoder& d) {
  d.take("uni");
  d.emit(returnRun);
  d.returnFrom();
}

Step trapRun(Warp& w, const Instruction& in, uint32_t) { return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "trap"); }
void trap(Decoder& d) { d.emit(trapRun); }

Step nothing(Warp&, const Instruction&, uint32_t) { return Step::next; }

/** What this warp's copies have written can be seen by wgmma. */
Step proxyFenceRun(Warp& w, const Instruction&, uint32_t) {
  for (uint64_t piece : w.landed) w.block->unfenced[piece] = false;
  w.landed.clear();
  for (auto& [at, barrier] : w.block->mbarriers) barrier.fenced |= barrier.maker == w.index;
  return Step::next;
}

/** Memory is the same for all warps at once. */
void fence(Decoder& d) {
  d.takeHints();
  bool proxy = false;
  while (!d.peekModifier().empty()) {
    if (d.take("async")) {
      proxy = true;
      continue;
    }
    if (d.takeOne({"gl", "sc", "proxy", "alias", "generic", "global", "shared::cta", "acquire", "release"}) < 0) break;
  }
  d.emit(proxy ? proxyFenceRun : nothing);
}

void nanosleep(Decoder& d) {
  d.take("u32");
  d.emit(nothing);
}

void discard(Decoder& d) {
  while (!d.peekModifier().empty()) d.dropModifier();
  d.emit(nothing);
}

void call(Decoder& d) { d.call(); }

// Barriers. In an instruction: a is the barrier's number, b how many threads take part (NOWHERE for all), kind what it does.

enum Kind : uint8_t { sync, arrive, redPopc, redAnd, redOr };


Step barrierRun(Warp& w, const Instruction& in, uint32_t mask) {
  Block& block = *w.block;
  if (mask != w.mask || w.mask != w.live) {
    if (mask != w.mask) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "some lanes of a warp skip a barrier");
    if (!w.park()) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "lanes of a warp wait at different barriers");
    return Step::jump;
  }
  uint32_t number = w.read<uint32_t>(in.a)[std::countr_zero(mask)];
  if (number >= BARRIERS) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "there is no barrier " + std::to_string(number));
  Barrier& barrier = block.barriers[number];
  uint32_t needed = in.b == NOWHERE ? 0 : uint32_t(w.read<uint32_t>(in.b)[std::countr_zero(mask)]);
  if (needed % LANES) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "a barrier of a number of threads that is no multiple of 32");
  if (in.kind >= redPopc) {
    uint32_t held = (in.count ? ~w.pred(in.c) : w.pred(in.c)) & w.live;
    barrier.count += uint32_t(std::popcount(held));
    barrier.all &= held == w.live;
    barrier.any |= held != 0;
  }
  barrier.arrived += LANES;
  barrier.needed = needed;
  w.pc++;
  if (in.kind == arrive) return Step::jump;
  w.atBarrier = true;
  w.barrier = number;
  return Step::wait;
}

/** After bar.red: every warp reads the result that the block has left. */
Step reductionRun(Warp& w, const Instruction& in, uint32_t mask) {
  const Barrier& last = w.block->results[w.barrier];
  if (in.kind == redPopc) w.write<uint32_t>(in.d, mask, splat(last.count));
  else w.writePred(in.d, mask, (in.kind == redAnd ? last.all : last.any) ? ALL : 0);
  return Step::next;
}

void emitBarrier(Decoder& d, Kind kind, int first) {
  int count = d.operandCount() - first;
  Slot number = d.source(first, Type::u32);
  bool reduces = kind >= redPopc;
  Slot threads = count - (reduces ? 1 : 0) > 1 ? d.source(first + 1, Type::u32) : NOWHERE;
  Slot predicate = reduces ? d.predicate(d.operandCount() - 1) : NOWHERE;
  bool negated = reduces && d.operand(d.operandCount() - 1).negated;
  Slot result = reduces ? d.target(0, kind == redPopc ? 32 : 1) : NOWHERE;
  if (kind == arrive && threads == NOWHERE) d.mistake("bar.arrive needs a number of threads");
  Instruction& in = d.emit(barrierRun);
  in.a = number;
  in.b = threads;
  in.c = predicate;
  in.count = negated;
  in.kind = kind;
  if (!reduces) return;
  Instruction& read = d.emit(reductionRun);
  read.d = result;
  read.kind = kind;
}

/** bar.warp.sync waits for the lanes of a mask; so do shuffles and votes. */
Step warpSyncRun(Warp& w, const Instruction& in, uint32_t mask) {
  Step step = Step::next;
  if (!gathered(w, in, mask, in.a, step)) return step;
  return Step::next;
}

void bar(Decoder& d) {
  d.take("cta");
  if (d.take("warp")) {
    d.needOne({"sync"});
    Slot members = d.source(0, Type::b32);
    d.emit(warpSyncRun).a = members;
    return;
  }
  d.take("aligned");
  if (d.take("sync")) return emitBarrier(d, sync, 0);
  if (d.take("arrive")) return emitBarrier(d, arrive, 0);
  d.needOne({"red"});
  if (d.take("popc")) {
    d.take("u32");
    return emitBarrier(d, redPopc, 1);
  }
  int how = d.needOne({"and", "or"});
  d.take("pred");
  emitBarrier(d, how ? redOr : redAnd, 1);
}

}  // namespace

bool gathered(Warp& w, const Instruction& in, uint32_t mask, Slot members, Step& step) {
  uint32_t wanted = w.read<uint32_t>(members)[std::countr_zero(mask)];
  if (!(wanted >> std::countr_zero(mask) & 1)) {
    step = w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "a lane is not in the mask of its own .sync instruction");
    return false;
  }
  wanted &= w.live;
  if ((wanted & ~w.mask) == 0) {
    if ((wanted & ~mask) == 0) return true;
    step = w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "lanes in the mask of a .sync instruction skip it");
    return false;
  }
  step = w.park() ? Step::jump : w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "lanes in the mask of a .sync instruction never come");
  return false;
}

void addControl(Handlers& handlers) {
  handlers.insert({{"bra", bra}, {"exit", exit}, {"ret", ret}, {"trap", trap}, {"call", call}, {"bar", bar}, {"barrier", bar},
                   {"membar", fence}, {"fence", fence}, {"nanosleep", nanosleep}, {"pmevent", discard}, {"brkpt", trap}});
}

}  // namespace ptx
