// Launches: blocks over the threads of the host, warps of a block in turn.
#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include "settings.h"
#include "warp.h"

namespace {

/** Runs a warp until it waits, is done or has failed. */
Step runWarp(Warp& w) {
  const Instruction* code = w.block->code->instructions.data();
  for (;;) {
    if (w.pc == w.stop) w.join();
    const Instruction& in = code[w.pc];
    uint32_t mask = w.mask;
    if (in.guard != NOWHERE) {
      uint32_t held = w.pred(in.guard);
      mask &= in.guardNegated ? ~held : held;
      if (!mask) {
        w.pc++;
        continue;
      }
    }
    Step step = in.run(w, in, mask);
    if (step == Step::next) w.pc++;
    else if (step != Step::jump) return step;
  }
}

uint32_t liveThreads(const Block& block) {
  uint32_t threads = 0;
  for (const Warp& each : block.warps)
    if (!each.done) threads += LANES;
  return threads;
}

/** Lets the warps go on whose barrier all have reached; false where none is. */
bool openBarriers(Block& block) {
  bool opened = false;
  uint32_t live = liveThreads(block);
  for (uint32_t number = 0; number < BARRIERS; number++) {
    Barrier& barrier = block.barriers[number];
    if (barrier.arrived == 0 || barrier.arrived < (barrier.needed ? barrier.needed : live)) continue;
    block.results[number] = barrier;
    barrier = Barrier();
    for (Warp& each : block.warps)
      if (each.atBarrier && each.barrier == number) each.atBarrier = false;
    block.epoch++;
    opened = true;
  }
  return opened;
}

}  // namespace

bool runBlock(Block& block) {
  for (;;) {
    bool ran = false;
    bool alive = false;
    for (Warp& each : block.warps) {
      if (each.done) continue;
      alive = true;
      if (each.atBarrier) continue;
      ran = true;
      if (runWarp(each) == Step::fault) return false;
    }
    if (!alive && !block.boxes.empty())
      block.warps[0].fault(CUDA_ERROR_LAUNCH_FAILED, *block.boxes[0].in, "the block ends, and a copy to its memory is still on its way");
    if (!alive) return block.boxes.empty();
    bool opened = openBarriers(block);
    if (ran || opened) continue;
    for (Warp& each : block.warps)
      if (!each.done) {
        each.fault(CUDA_ERROR_LAUNCH_FAILED, block.code->instructions[each.pc - 1], "warps wait at barriers that others never reach");
        return false;
      }
  }
}

namespace {

constexpr size_t ALIGNMENT = 256;

uint8_t* aligned(std::vector<uint8_t>& bytes) {
  return (uint8_t*)((uint64_t(bytes.data()) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

/** A block, and the memory behind it, for one thread of the host; kept between launches. */
struct Seat {
  Block block;
  std::vector<uint8_t> registers;
  std::vector<uint8_t> local;

  void prepare(const Launch& launch, const std::vector<Range>& ranges, bool races, Wrong wrong, uint64_t branches);
  void begin(uint64_t number);

 private:
  /** What the registers of constants and special registers were filled for. */
  std::shared_ptr<Code> filledFor;
  Size3 filledGrid = {0, 0, 0};
  Size3 filledBlock = {0, 0, 0};
  uint32_t filledShared = 0;

  bool isFilled(const Launch& launch) const {
    return filledFor == launch.kernel->code && filledGrid == launch.grid && filledBlock == launch.block &&
           filledShared == launch.dynamicSharedBytes;
  }
  void fillConstants(Warp& warp);
  void fillSpecials(Warp& warp, uint32_t threads);
  void reserve(std::vector<uint8_t>& bytes, size_t size) {
    if (bytes.size() < size + ALIGNMENT) bytes.resize(size + ALIGNMENT);
  }
};

void Seat::prepare(const Launch& launch, const std::vector<Range>& ranges, bool races, Wrong wrong, uint64_t branches) {
  const Code& code = *launch.kernel->code;
  uint32_t threads = launch.block[0] * launch.block[1] * launch.block[2];
  uint32_t warps = (threads + LANES - 1) / LANES;
  size_t stride = (code.registerBytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  block.launch = &launch;
  block.code = &code;
  block.ranges = &ranges;
  block.recent = {0, 0};
  block.fault = Fault();
  block.sharedBytes = launch.kernel->sharedBytes + launch.dynamicSharedBytes;
  block.checksRaces = races;
  block.wrong = wrong;
  reserve(block.sharedMemory, block.sharedBytes);
  block.shared = aligned(block.sharedMemory);
  block.touches.clear();
  if (races) block.touches.resize(block.sharedBytes / 4 + 1);
  reserve(registers, stride * warps);
  reserve(local, size_t(code.localBytes) * LANES * warps);
  bool filled = isFilled(launch);
  block.warps.resize(warps);
  for (uint32_t i = 0; i < warps; i++) {
    Warp& warp = block.warps[i];
    warp.block = &block;
    warp.index = i;
    warp.registers = aligned(registers) + stride * i;
    warp.local = aligned(local) + size_t(code.localBytes) * LANES * i;
    warp.branchLimit = branches;
    if (filled) continue;
    fillConstants(warp);
    fillSpecials(warp, threads);
  }
  filledFor = launch.kernel->code;
  filledGrid = launch.grid;
  filledBlock = launch.block;
  filledShared = launch.dynamicSharedBytes;
}

void Seat::fillConstants(Warp& warp) {
  for (const Constant& each : block.code->constants) {
    if (each.bytes == 2) warp.reg<uint16_t>(each.slot) = splat(uint16_t(each.bits));
    else if (each.bytes == 4) warp.reg<uint32_t>(each.slot) = splat(uint32_t(each.bits));
    else if (each.bytes == 8) warp.reg<uint64_t>(each.slot) = splat(each.bits);
    else warp.pred(each.slot) = uint32_t(each.bits);
  }
}

V<uint32_t> lanemask(uint8_t which) {
  V<uint32_t> result;
  for (uint32_t i = 0; i < LANES; i++) {
    uint32_t own = uint32_t(1) << i;
    uint32_t below = own - 1;
    const uint32_t masks[] = {own, below | own, below, ~below, ~below & ~own};
    result[i] = masks[which];
  }
  return result;
}

void Seat::fillSpecials(Warp& warp, uint32_t threads) {
  const Launch& launch = *block.launch;
  V<uint32_t> thread = laneNumbers() + warp.index * LANES;
  for (const Special& each : block.code->specials) {
    V<uint32_t>& to = warp.reg<uint32_t>(each.slot);
    uint32_t x = launch.block[0];
    uint32_t y = launch.block[1];
    switch (each.kind) {
      case Special::tid: to = each.which == 0 ? thread % x : each.which == 1 ? thread / x % y : thread / (x * y); break;
      case Special::ntid: to = splat(launch.block[each.which]); break;
      case Special::nctaid: to = splat(launch.grid[each.which]); break;
      case Special::ctaid: break;
      case Special::lane: to = laneNumbers(); break;
      case Special::warp: to = splat(warp.index); break;
      case Special::warps: to = splat((threads + LANES - 1) / LANES); break;
      case Special::lanemask: to = lanemask(each.which); break;
      // Where it begins, or how large it is.
      case Special::dynamicShared: to = splat(each.which ? launch.dynamicSharedBytes : launch.kernel->sharedBytes); break;
      case Special::totalShared: to = splat(block.sharedBytes); break;
    }
  }
}

void Seat::begin(uint64_t number) {
  const Launch& launch = *block.launch;
  block.index = {uint32_t(number % launch.grid[0]), uint32_t(number / launch.grid[0] % launch.grid[1]),
                 uint32_t(number / launch.grid[0] / launch.grid[1])};
  // What an earlier block has left is as good as any other uninitialised memory; NaN shows itself.
  memset(block.shared, 0xff, block.sharedBytes);
  block.unfenced.assign(block.code->usesWarpgroups ? block.sharedBytes / 16 + 1 : 0, false);
  for (Barrier& each : block.barriers) each = Barrier();
  block.mbarriers.clear();
  block.boxes.clear();
  block.epoch++;
  uint32_t threads = launch.block[0] * launch.block[1] * launch.block[2];
  for (Warp& warp : block.warps) {
    uint32_t lanes = std::min<uint32_t>(LANES, threads - warp.index * LANES);
    warp.pc = 0;
    warp.live = warp.mask = lanes == LANES ? ALL : (uint32_t(1) << lanes) - 1;
    warp.stop = NO_PC;
    warp.carry = 0;
    warp.groups.clear();
    warp.copies.clear();
    warp.groupEnds.clear();
    warp.products.clear();
    warp.productEnds.clear();
    warp.flights.clear();
    warp.landed.clear();
    warp.fenced = false;
    warp.atBarrier = false;
    warp.done = false;
    warp.branches = 0;
    warp.polls = 0;
    for (const Special& each : block.code->specials)
      if (each.kind == Special::ctaid) warp.reg<uint32_t>(each.slot) = splat(block.index[each.which]);
  }
}

/** The blocks of a launch, taken one after the other by whoever is free. */
struct Work {
  const Launch* launch;
  const std::vector<Range>* ranges;
  bool races;
  Wrong wrong;
  uint64_t branches;
  uint64_t blocks;
  std::atomic<uint64_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  Fault fault;

  void run(Seat& seat) {
    bool prepared = false;
    while (!failed) {
      uint64_t number = next++;
      if (number >= blocks) return;
      if (!prepared) seat.prepare(*launch, *ranges, races, wrong, branches);
      prepared = true;
      seat.begin(number);
      if (runBlock(seat.block)) continue;
      std::lock_guard<std::mutex> lock(mutex);
      if (!failed) fault = seat.block.fault;
      failed = true;
    }
  }
};

/** Threads that help with large launches; the caller is one more. */
class Crew {
 public:
  void run(Work& work, int helpers) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      while (int(threads_) < helpers) {
        threads_++;
        std::thread([this] { serve(); }).detach();
      }
      work_ = &work;
      wanted_ = helpers;
      turn_++;
    }
    wake_.notify_all();
    work.run(seat_);
    std::unique_lock<std::mutex> lock(mutex_);
    // Nobody may begin any more.
    wanted_ = 0;
    done_.wait(lock, [this] { return busy_ == 0; });
    work_ = nullptr;
  }

  void runAlone(Work& work) { work.run(seat_); }

 private:
  void serve() {
    auto seat = std::make_unique<Seat>();
    uint64_t seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return turn_ != seen && wanted_ > 0; });
      seen = turn_;
      wanted_--;
      busy_++;
      Work* work = work_;
      lock.unlock();
      work->run(*seat);
      lock.lock();
      busy_--;
      if (busy_ == 0) done_.notify_all();
    }
  }

  Seat seat_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  unsigned threads_ = 0;
  int wanted_ = 0;
  int busy_ = 0;
  uint64_t turn_ = 0;
  Work* work_ = nullptr;
};

/** Waking a thread costs as much as so many threads of a small kernel. */
constexpr uint64_t WORTH_HELP = 4096;

}  // namespace

Fault execute(const Launch& launch, const Memory& memory) {
  // Threads of it may still run when the process ends.
  static Crew& crew = *new Crew;
  Work work;
  work.launch = &launch;
  work.ranges = &memory.ranges();
  work.races = settings::races();
  work.wrong = {settings::wrong("cp.async"), settings::wrong("wgmma"), settings::wrong("bulk")};
  work.branches = settings::branchLimit();
  work.blocks = uint64_t(launch.grid[0]) * launch.grid[1] * launch.grid[2];
  uint64_t threads = work.blocks * launch.block[0] * launch.block[1] * launch.block[2];
  int helpers = int(std::min<uint64_t>(uint64_t(settings::threads()), work.blocks)) - 1;
  if (threads >= WORTH_HELP && helpers > 0) crew.run(work, helpers);
  else crew.runAlone(work);
  return work.fault;
}
