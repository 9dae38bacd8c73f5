#include "warp.h"

void Warp::add(uint32_t at, uint32_t lanes, bool waiting) {
  for (Group& group : groups) {
    if (group.pc != at) continue;
    group.mask |= lanes;
    group.waiting &= waiting;
    return;
  }
  groups.push_back({at, lanes, waiting});
}

void Warp::findStop() {
  stop = NO_PC;
  for (const Group& group : groups)
    if (group.pc > pc && group.pc < stop) stop = group.pc;
}

bool Warp::resume() {
  size_t best = groups.size();
  for (size_t i = 0; i < groups.size(); i++)
    if (!groups[i].waiting && (best == groups.size() || groups[i].pc < groups[best].pc)) best = i;
  if (best == groups.size()) return false;
  pc = groups[best].pc;
  mask = groups[best].mask;
  groups[best] = groups.back();
  groups.pop_back();
  findStop();
  return true;
}

void Warp::branch(uint32_t taken, uint32_t target) {
  uint32_t others = mask & ~taken;
  if (groups.empty() && (!others || !taken)) {
    pc = taken ? target : pc + 1;
    return;
  }
  if (others) add(pc + 1, others, false);
  if (taken) add(target, taken, false);
  resume();
}

void Warp::join() {
  for (size_t i = 0; i < groups.size(); i++) {
    if (groups[i].pc != pc) continue;
    mask |= groups[i].mask;
    groups[i] = groups.back();
    groups.pop_back();
    break;
  }
  findStop();
}

bool Warp::park() {
  add(pc, mask, true);
  mask = 0;
  return resume();
}

bool Warp::leave(uint32_t lanes) {
  live &= ~lanes;
  mask &= ~lanes;
  if (mask) return true;
  if (groups.empty()) {
    done = true;
    return false;
  }
  // Whoever waits for the lanes that have left need not do so any longer.
  for (Group& group : groups) group.waiting = false;
  return resume();
}

Step Warp::fault(CUresult result, const Instruction& in, std::string text) {
  if (block->fault.result == CUDA_SUCCESS) {
    const Size3& at = block->index;
    block->fault.result = result;
    block->fault.text = "line " + std::to_string(in.line) + ": " + text + " (block " + std::to_string(at[0]) + "," +
                        std::to_string(at[1]) + "," + std::to_string(at[2]) + ", warp " + std::to_string(index) + ")";
  }
  return Step::fault;
}
