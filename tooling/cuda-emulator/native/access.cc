#include "access.h"
#include <cstdio>

namespace {

using ptx::Space;

std::string hexadecimal(uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "0x%llx", (unsigned long long)value);
  return text;
}

const char* nameOf(Access access) {
  return access == Access::read ? "a load" : access == Access::write ? "a store" : "an atomic operation";
}

/** The lane that is the first to break a rule. */
template <class F>
int firstLane(uint32_t mask, F breaks) {
  for (int i = 0; i < LANES; i++)
    if (mask >> i & 1 && breaks(i)) return i;
  return -1;
}

bool outside(Warp& w, const Instruction& in, Access access, uint32_t bytes, uint64_t address, const char* space, int lane) {
  w.fault(CUDA_ERROR_ILLEGAL_ADDRESS, in,
          std::string(nameOf(access)) + " of " + std::to_string(bytes) + " bytes at " + hexadecimal(address) + " in " + space +
              " memory is out of bounds, lane " + std::to_string(lane));
  return false;
}

bool aligned(Warp& w, const Instruction& in, Access access, uint32_t mask, uint32_t bytes, V<uint64_t> at) {
  if ((__builtin_reduce_or(at) & (bytes - 1)) == 0) return true;
  int lane = firstLane(mask, [&](int i) { return at[i] & (bytes - 1); });
  w.fault(CUDA_ERROR_MISALIGNED_ADDRESS, in,
          std::string(nameOf(access)) + " of " + std::to_string(bytes) + " bytes at the misaligned address " +
              hexadecimal(at[lane]) + ", lane " + std::to_string(lane));
  return false;
}

bool window(Warp& w, const Instruction& in, Access access, uint32_t mask, uint32_t bytes, V<uint64_t> offsets, uint64_t size,
            const char* space) {
  uint64_t highest = __builtin_reduce_max(offsets);
  if (highest < size && bytes <= size - highest) return aligned(w, in, access, mask, bytes, offsets);
  int lane = firstLane(mask, [&](int i) { return offsets[i] >= size || bytes > size - offsets[i]; });
  return outside(w, in, access, bytes, offsets[lane], space, lane);
}

/** Generic addresses lie in shared, local or parameter memory, or else in global memory. */
bool generic(Warp& w, const Instruction& in, Access access, uint32_t mask, uint32_t bytes, V<uint64_t> at) {
  Block& block = *w.block;
  Range shared = {uint64_t(block.shared), uint64_t(block.shared) + block.sharedBytes};
  uint32_t localBytes = block.code->localBytes;
  Range parameters = {uint64_t(block.launch->parameters.data()),
                      uint64_t(block.launch->parameters.data()) + block.launch->parameters.size()};
  for (int i = 0; i < LANES; i++) {
    if (!(mask >> i & 1)) continue;
    uint64_t own = uint64_t(w.local) + uint64_t(i) * localBytes;
    bool isShared = block.sharedBytes && shared.holds(at[i], bytes);
    if (isShared && block.checksRaces && !touchShared(w, in, at[i] - shared.begin, bytes, access)) return false;
    bool held = isShared || (localBytes && Range{own, own + localBytes}.holds(at[i], bytes)) ||
                (access == Access::read && parameters.holds(at[i], bytes)) || block.holds(at[i], bytes);
    if (!held) return outside(w, in, access, bytes, at[i], "global", i);
  }
  return true;
}

bool global(Warp& w, const Instruction& in, Access access, uint32_t mask, uint32_t bytes, V<uint64_t> at) {
  Block& block = *w.block;
  uint64_t lowest = __builtin_reduce_min(at);
  uint64_t highest = __builtin_reduce_max(at);
  const Range& recent = block.recent;
  if (lowest >= recent.begin && highest < recent.end && bytes <= recent.end - highest) return true;
  // All within the allocation of the first, or each by itself.
  if (block.holds(lowest, bytes) && block.recent.holds(highest, bytes)) return true;
  for (int i = 0; i < LANES; i++)
    if (mask >> i & 1 && !block.holds(at[i], bytes)) return outside(w, in, access, bytes, at[i], "global", i);
  return true;
}

}  // namespace

bool Block::holds(uint64_t address, uint64_t bytes) {
  if (recent.holds(address, bytes) && recent.end != recent.begin) return true;
  const Range* range = findRange(*ranges, address);
  if (!range || !range->holds(address, bytes)) return false;
  recent = *range;
  return true;
}

bool touchShared(Warp& w, const Instruction& in, uint64_t offset, uint32_t bytes, Access access) {
  Block& block = *w.block;
  int16_t self = int16_t(w.index);
  for (uint64_t word = offset / 4; word <= (offset + bytes - 1) / 4; word++) {
    Touch& touch = block.touches[word];
    if (touch.epoch != block.epoch) touch = {.epoch = block.epoch};
    bool byOther = touch.writer >= 0 && touch.writer != self;
    bool atomics = access == Access::atomic && touch.atomic;
    int16_t reader = touch.reader != self ? touch.reader : touch.otherReader;
    if ((byOther && !atomics) || (access != Access::read && reader >= 0)) {
      int other = byOther ? touch.writer : reader;
      w.fault(CUDA_ERROR_LAUNCH_FAILED, in,
              std::string(nameOf(access)) + " at byte " + std::to_string(word * 4) + " of shared memory races with " +
                  (byOther ? "a store" : "a load") + " of warp " + std::to_string(other));
      return false;
    }
    if (access == Access::read) {
      if (touch.reader < 0) touch.reader = self;
      else if (touch.reader != self) touch.otherReader = self;
    } else {
      touch.atomic = access == Access::atomic && (touch.writer < 0 || touch.atomic);
      touch.writer = self;
    }
  }
  return true;
}

bool resolve(Warp& w, const Instruction& in, uint32_t mask, uint32_t bytes, Access access, Slot base, uint8_t width,
             int64_t offset, Space space) {
  Block& block = *w.block;
  V<uint64_t> at = width == 64 ? w.read<uint64_t>(base) : convert<uint64_t>(w.read<uint32_t>(base));
  at += uint64_t(offset);
  // Offsets from 32-bit addresses wrap as those do.
  if (width != 64) at &= uint64_t(0xffffffff);
  if (mask != ALL) at = select<uint64_t>(mask, at, splat(uint64_t(at[std::countr_zero(mask)])));
  switch (space) {
    case Space::shared: {
      if (!window(w, in, access, mask, bytes, at, block.sharedBytes, "shared")) return false;
      if (block.checksRaces)
        for (uint32_t m = mask; m; m &= m - 1)
          if (!touchShared(w, in, at[std::countr_zero(m)], bytes, access)) return false;
      w.addresses = at + uint64_t(block.shared);
      return true;
    }
    case Space::local: {
      if (!window(w, in, access, mask, bytes, at, block.code->localBytes, "local")) return false;
      V<uint64_t> frames = convert<uint64_t>(laneNumbers()) * uint64_t(block.code->localBytes);
      w.addresses = at + frames + uint64_t(w.local);
      return true;
    }
    case Space::param: {
      if (!window(w, in, access, mask, bytes, at, block.launch->parameters.size(), "parameter")) return false;
      w.addresses = at + uint64_t(block.launch->parameters.data());
      return true;
    }
    default:
      if (!aligned(w, in, access, mask, bytes, at)) return false;
      w.addresses = at;
      return space == Space::generic ? generic(w, in, access, mask, bytes, at) : global(w, in, access, mask, bytes, at);
  }
}

bool resolve(Warp& w, const Instruction& in, uint32_t mask, uint32_t bytes, Access access) {
  return resolve(w, in, mask, bytes, access, in.a, in.width, in.immediate, Space(in.kind));
}
