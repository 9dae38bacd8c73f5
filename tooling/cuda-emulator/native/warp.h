// What runs: warps of 32 lanes with their registers, in blocks that share memory and barriers.
#pragma once
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>
#include "lanes.h"
#include "program.h"
#include "tensor_map.h"

struct Warp;
struct Block;
struct Instruction;

/** What becomes of a warp after an instruction. */
enum class Step {
  next,
  /** The instruction has set the warp's place. */
  jump,
  /** The warp waits for the block, or lets its other warps run. */
  wait,
  fault,
};

using Run = Step (*)(Warp&, const Instruction&, uint32_t mask);

/** Registers are named by the byte at which they begin in a warp's register file. */
using Slot = uint32_t;

/** The first slot of every register file: what is written there is never read, and no guard is there. */
constexpr Slot NOWHERE = 0;

struct Instruction {
  Run run = nullptr;
  Slot d = NOWHERE;
  Slot a = NOWHERE;
  Slot b = NOWHERE;
  Slot c = NOWHERE;
  /** The predicate that switches lanes off; NOWHERE where there is none. */
  Slot guard = NOWHERE;
  bool guardNegated = false;
  /** What these mean is the instruction's own. */
  uint8_t kind = 0;
  uint8_t count = 0;
  uint8_t width = 0;
  /** The first of more slots in Code::slots; for a branch, the target. */
  uint32_t more = 0;
  uint32_t line = 0;
  int64_t immediate = 0;
};

struct Constant {
  Slot slot;
  uint8_t bytes;
  uint64_t bits;
};

/** A special register that the code reads, and where it is kept. */
struct Special {
  enum Kind : uint8_t { tid, ntid, ctaid, nctaid, lane, warp, warps, lanemask, dynamicShared, totalShared } kind;
  /** Dimension; for lanemask: eq, le, lt, ge, gt. */
  uint8_t which;
  Slot slot;
};

/** The instructions of a kernel, with all that it calls inlined. */
struct Code {
  std::vector<Instruction> instructions;
  std::vector<Slot> slots;
  std::vector<Constant> constants;
  std::vector<Special> specials;
  /** Bytes of a warp's register file. */
  uint32_t registerBytes = 0;
  uint32_t localBytes = 0;
  bool usesSharedMemory = false;
  bool usesWarpgroups = false;
};

/** Lanes that stand at another instruction than the ones that run. */
struct Group {
  uint32_t pc;
  uint32_t mask;
  bool waiting;
};

constexpr uint32_t NO_PC = 0xffffffff;

/** A copy to shared memory that is under way. */
struct Copy {
  uint64_t to;
  uint64_t from;
  uint32_t bytes;
  /** As many come from the source; the rest becomes 0. */
  uint32_t filled;
};

/** A barrier in shared memory, whose phases arrivals and the bytes of copies complete. */
struct Mbarrier {
  /** Arrivals that make a phase, and those that this one lacks. */
  uint32_t expected;
  uint32_t pending;
  /** Bytes that are expected and have not come. */
  int64_t bytes;
  /** Its lowest bit is the parity. */
  uint32_t phase;
  /** Who has made it, and whether copies may know of it. */
  uint32_t maker;
  bool fenced;
};

/** A box of a tensor that is on its way to shared memory; its bytes count in a barrier. */
struct Box {
  const Instruction* in;
  TensorMap map;
  std::array<int32_t, TensorMap::MOST_RANK> at;
  uint64_t to;
  uint64_t barrier;
};

/** A product of a warpgroup that is under way. */
struct Product {
  const Instruction* in;
  /** Descriptors. */
  uint64_t a;
  uint64_t b;
  /** Whether it is added to the sums. */
  bool keeps;
  size_t flight;
};

/** Sums that such products change. */
struct Flight {
  Slot slots;
  std::vector<V<float>> sums;
  /** Products that are still to be made. */
  size_t pending;
  std::vector<Slot> registers;
};

struct Warp {
  uint8_t* registers = nullptr;
  Block* block = nullptr;
  uint32_t index = 0;
  uint32_t pc = 0;
  /** The lanes that run. */
  uint32_t mask = 0;
  /** All lanes that have not left the kernel. */
  uint32_t live = 0;
  /** The next place where other lanes stand. */
  uint32_t stop = NO_PC;
  /** Carry of add.cc and the like, by lane. */
  uint32_t carry = 0;
  std::vector<Group> groups;
  /** Whether the warp stands at a barrier of the block, and at which. */
  bool atBarrier = false;
  uint32_t barrier = 0;
  bool done = false;
  uint64_t branches = 0;
  uint64_t branchLimit = 0;
  uint8_t* local = nullptr;
  /** How often it has asked for a phase in vain since the block's barriers last changed. */
  uint64_t polls = 0;
  uint64_t polledAt = 0;
  std::vector<Copy> copies;
  /** Where each group of copies that has been committed ends. */
  std::vector<size_t> groupEnds;
  std::vector<Product> products;
  std::vector<size_t> productEnds;
  std::vector<Flight> flights;
  /** Whether a wgmma.fence came after the last wait. */
  bool fenced = false;
  /** Pieces of 16 bytes of shared memory that copies have written since the last fence.proxy.async. */
  std::vector<uint64_t> landed;
  /** What the last memory access resolved: addresses on the host. */
  V<uint64_t> addresses;

  template <class T>
  V<T>& reg(Slot slot) {
    return *(V<T>*)(registers + slot);
  }
  template <class T>
  V<T> read(Slot slot) const {
    return *(const V<T>*)(registers + slot);
  }
  template <class T>
  void write(Slot slot, uint32_t mask, V<T> value) {
    V<T>& to = reg<T>(slot);
    if (mask == ALL) to = value;
    else to = select<T>(mask, value, to);
  }
  uint32_t& pred(Slot slot) { return *(uint32_t*)(registers + slot); }
  void writePred(Slot slot, uint32_t mask, uint32_t value) {
    uint32_t& to = pred(slot);
    to = (to & ~mask) | (value & mask);
  }

  /** Some of the running lanes go elsewhere, the others on; those furthest behind then run. */
  void branch(uint32_t taken, uint32_t target);
  /** The running lanes wait here. False where nobody else is left to run. */
  bool park();
  /** Ends lanes; false where none is left to run. */
  bool leave(uint32_t lanes);
  /** Joins the lanes that stand here. */
  void join();
  Step fault(CUresult result, const Instruction& in, std::string text);

 private:
  void add(uint32_t pc, uint32_t lanes, bool waiting);
  bool resume();
  void findStop();
};

struct Barrier {
  uint32_t arrived = 0;
  uint32_t needed = 0;
  /** What bar.red has gathered: the count, and all and any. */
  uint32_t count = 0;
  uint32_t all = 1;
  uint32_t any = 0;
};

constexpr int BARRIERS = 16;

/** Who touched a word of shared memory since the last barrier. */
struct Touch {
  uint32_t epoch = 0;
  int16_t writer = -1;
  /** The first warp that has read it, and the first other one. */
  int16_t reader = -1;
  int16_t otherReader = -1;
  bool atomic = false;
};

/** Instructions that give wrong results when they are asked to. */
struct Wrong {
  bool copies = false;
  bool wgmma = false;
  bool boxes = false;
};

/** A block's warps and what they share. One is reused for all blocks that a thread of the host runs. */
struct Block {
  const Launch* launch = nullptr;
  const Code* code = nullptr;
  const std::vector<Range>* ranges = nullptr;
  /** The allocation that was touched last. */
  Range recent = {0, 0};
  Size3 index = {0, 0, 0};
  std::vector<Warp> warps;
  std::vector<uint8_t> sharedMemory;
  uint32_t sharedBytes = 0;
  uint8_t* shared = nullptr;
  uint8_t* local = nullptr;
  Barrier barriers[BARRIERS];
  /** What each barrier had gathered when it let go. */
  Barrier results[BARRIERS];
  /** Pieces of 16 bytes that were written and may not be seen by wgmma yet. */
  std::vector<bool> unfenced;
  /** By the byte of shared memory. */
  std::map<uint64_t, Mbarrier> mbarriers;
  std::vector<Box> boxes;
  /** Counts what has happened to barriers. */
  uint64_t changes = 0;
  bool checksRaces = false;
  /** Which instructions were asked to be wrong. */
  Wrong wrong;
  uint32_t epoch = 1;
  std::vector<Touch> touches;
  Fault fault;

  bool holds(uint64_t address, uint64_t bytes);
};

/** Runs all the warps of the block to their ends; false after a fault. */
bool runBlock(Block& block);
