// The memory of a device: every allocation by its address and size, so that no access outside of one goes unnoticed.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

struct Range {
  uint64_t begin;
  uint64_t end;
  bool holds(uint64_t address, uint64_t bytes) const {
    return address >= begin && address <= end && bytes <= end - address;
  }
};

/**
 * Addresses of the device are the host's own. Allocations begin at multiples of 256 bytes and have a gap behind them;
 * new memory and freed memory hold a pattern that is NaN in every float type, and a freed range is not handed out again
 * until 64 MiB more have been freed.
 */
class Memory {
 public:
  ~Memory();
  /** 0 where the host has no memory left. */
  uint64_t allocate(uint64_t bytes);
  /** False where no allocation begins there. */
  bool free(uint64_t address);
  /** The live allocation that holds the byte at this address; null where there is none. */
  const Range* find(uint64_t address) const;
  bool holds(uint64_t address, uint64_t bytes) const;
  uint64_t used() const { return used_; }
  /** The live allocations in order, for a launch. */
  const std::vector<Range>& ranges() const;

 private:
  void release(Range range);
  std::map<uint64_t, Range> live_;
  std::deque<Range> freed_;
  uint64_t used_ = 0;
  uint64_t freedBytes_ = 0;
  mutable std::vector<Range> sorted_;
  mutable bool stale_ = false;
};

/** The range of a sorted list that holds the byte at this address. */
const Range* findRange(const std::vector<Range>& ranges, uint64_t address);
