#include "memory.h"
#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {

constexpr uint64_t ALIGNMENT = 256;
constexpr uint64_t GAP = 512;
constexpr uint64_t QUARANTINE = 64ull << 20;
/** 0xffff as float16 and bfloat16, 0xffffffff as float32 and 0xffffffffffffffff as float64 are NaN. */
constexpr int POISON = 0xff;

void* allocateAligned(uint64_t bytes) {
#ifdef _WIN32
  return _aligned_malloc(bytes, ALIGNMENT);
#else
  return aligned_alloc(ALIGNMENT, bytes);
#endif
}

void freeAligned(void* address) {
#ifdef _WIN32
  _aligned_free(address);
#else
  ::free(address);
#endif
}

}  // namespace

const Range* findRange(const std::vector<Range>& ranges, uint64_t address) {
  auto after = std::upper_bound(ranges.begin(), ranges.end(), address,
                                [](uint64_t value, const Range& range) { return value < range.begin; });
  if (after == ranges.begin()) return nullptr;
  const Range& range = *(after - 1);
  return address < range.end ? &range : nullptr;
}

Memory::~Memory() {
  for (auto& [begin, range] : live_) freeAligned((void*)begin);
  for (Range range : freed_) freeAligned((void*)range.begin);
}

uint64_t Memory::allocate(uint64_t bytes) {
  uint64_t padded = (bytes + GAP + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  void* block = allocateAligned(padded);
  if (!block) return 0;
  memset(block, POISON, bytes);
  uint64_t begin = uint64_t(block);
  live_.emplace(begin, Range{begin, begin + bytes});
  used_ += bytes;
  stale_ = true;
  return begin;
}

bool Memory::free(uint64_t address) {
  auto found = live_.find(address);
  if (found == live_.end()) return false;
  Range range = found->second;
  live_.erase(found);
  used_ -= range.end - range.begin;
  stale_ = true;
  release(range);
  return true;
}

void Memory::release(Range range) {
  memset((void*)range.begin, POISON, range.end - range.begin);
  freed_.push_back(range);
  freedBytes_ += range.end - range.begin;
  while (freedBytes_ > QUARANTINE) {
    Range oldest = freed_.front();
    freed_.pop_front();
    freedBytes_ -= oldest.end - oldest.begin;
    freeAligned((void*)oldest.begin);
  }
}

const Range* Memory::find(uint64_t address) const { return findRange(ranges(), address); }

bool Memory::holds(uint64_t address, uint64_t bytes) const {
  const Range* range = find(address);
  return range && range->holds(address, bytes);
}

const std::vector<Range>& Memory::ranges() const {
  if (stale_) {
    sorted_.clear();
    for (auto& [begin, range] : live_) sorted_.push_back(range);
    stale_ = false;
  }
  return sorted_;
}
