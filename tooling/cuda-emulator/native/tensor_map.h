// What cuTensorMapEncodeTiled leaves in the 128 bytes that kernels are given; only the emulator reads them.
#pragma once
#include <cstdint>

struct TensorMap {
  static constexpr int MOST_RANK = 5;
  static constexpr uint64_t MARK = 0x70616d5f61646563;

  uint64_t mark;
  uint64_t address;
  uint32_t rank;
  uint32_t elementBytes;
  uint64_t sizes[MOST_RANK];
  /** In bytes; the elements of the first dim lie side by side. */
  uint64_t strides[MOST_RANK - 1];
  uint32_t box[MOST_RANK];
  /** Whether pieces of 16 bytes are exchanged within 128 bytes by the number of these. */
  uint32_t swizzled;
};
static_assert(sizeof(TensorMap) <= 128);
