// Tensor maps: what a kernel's bulk copies know of a matrix in the device's memory.
#pragma once

#include "resources.h"

namespace tensor_maps {

constexpr size_t BYTES = 128;
// What their place in a block of parameters is a multiple of.
constexpr size_t ALIGNMENT = 64;
// Numbers that describe one: which pointer of the launch it begins at; its type; three sizes in elements, innermost first; two
// strides in bytes; the sizes of a box in the first two dims.
constexpr size_t NUMBERS = 9;

// A pointer of the launch: its address, and up to where the kernel may touch its memory from there on.
struct Pointer {
  CUdeviceptr address;
  double bytes;
};

// Encodes a map from its numbers. Throws where they are out of range, or it would reach further than its pointer.
void encode(Context& context, const double* numbers, const Pointer* pointers, size_t pointerCount, uint8_t* map);

}  // namespace tensor_maps
