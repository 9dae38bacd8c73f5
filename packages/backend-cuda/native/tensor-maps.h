// Tensor maps: what a kernel's bulk copies know of a matrix in the device's memory.
#pragma once

#include "resources.h"

namespace tensor_maps {

constexpr size_t BYTES = 128;
// What their place in a block of parameters is a multiple of.
constexpr size_t ALIGNMENT = 64;

// Encodes a map in place of the doubles that describe it: which pointer of the launch it begins at; its type; three sizes in elements,
// innermost first; two strides in bytes; the sizes of a box in the first two dims. The addresses of the pointers begin the parameters;
// `reaches` says how many bytes from each the kernel may touch. Throws where a number is out of range, or the map would reach further.
void encode(Context& context, const uint8_t* parameters, const double* reaches, size_t pointers, uint8_t* map);

}  // namespace tensor_maps
