#include "tensor-maps.h"

#include <cmath>
#include <cstring>
#include <string>

namespace {

constexpr unsigned RANK = 3;
constexpr size_t NUMBERS = 9;
constexpr double MOST_SIZE = 4294967296.0;
constexpr double MOST_STRIDE = 1099511627776.0;
constexpr double MOST_BOX = 256;
// Addresses, strides and the lines of a box are multiples of this.
constexpr double PIECE = 16;
// The lines of a box, in bytes: pieces are exchanged within.
constexpr double MOST_LINE = 128;

struct Type {
  int number;
  double bytes;
};
// float16, bfloat16, float32. Halves come bit by bit, as they are; float32 becomes TF32 on its way.
constexpr Type TYPES[] = {
    {cuda::TENSOR_MAP_UINT16, 2}, {cuda::TENSOR_MAP_UINT16, 2}, {cuda::TENSOR_MAP_TFLOAT32, 4}};
constexpr size_t TYPE_COUNT = sizeof TYPES / sizeof TYPES[0];

}  // namespace

namespace tensor_maps {

void encode(Context& context, const uint8_t* parameters, const double* reaches, size_t pointers, uint8_t* map) {
  const Napi::Env env = context.env();
  double numbers[NUMBERS];
  std::memcpy(numbers, map, sizeof numbers);
  // Comparisons with NaN are false.
  const auto whole = [&](size_t at, double least, double most, double multiple, const char* what) {
    const double number = numbers[at];
    if (!(number >= least && number <= most) || std::fmod(number, multiple) != 0)
      rangeError(env, std::string("cuda: ") + what + " of a tensor map cannot be " + std::to_string(number));
    return static_cast<uint64_t>(number);
  };
  if (!context.driver().cuTensorMapEncodeTiled) plainError(env, "cuda: this driver has no tensor maps");
  const uint64_t pointer = whole(0, 0, static_cast<double>(pointers) - 1, 1, "the pointer");
  CUdeviceptr address;
  std::memcpy(&address, parameters + 8 * pointer, 8);
  const Type& type = TYPES[whole(1, 0, static_cast<double>(TYPE_COUNT) - 1, 1, "the type")];
  uint64_t sizes[RANK];
  uint64_t strides[RANK - 1];
  unsigned box[RANK] = {1, 1, 1};
  const unsigned steps[RANK] = {1, 1, 1};
  for (unsigned d = 0; d < RANK; d++) sizes[d] = whole(2 + d, 1, MOST_SIZE, 1, "a size");
  for (unsigned d = 0; d + 1 < RANK; d++) strides[d] = whole(5 + d, PIECE, MOST_STRIDE - PIECE, PIECE, "a stride");
  for (unsigned d = 0; d + 1 < RANK; d++) box[d] = static_cast<unsigned>(whole(7 + d, 1, MOST_BOX, 1, "a box"));
  const double line = box[0] * type.bytes;
  if (line > MOST_LINE || std::fmod(line, PIECE) != 0) rangeError(env, "cuda: a box of a tensor map has lines of 16 to 128 bytes");
  if (address % static_cast<CUdeviceptr>(PIECE) != 0) rangeError(env, "cuda: a tensor map begins at no multiple of 16 bytes");
  double reach = static_cast<double>(sizes[0]) * type.bytes;
  for (unsigned d = 1; d < RANK; d++) reach += static_cast<double>(sizes[d] - 1) * static_cast<double>(strides[d - 1]);
  if (!(reach <= reaches[pointer]))
    rangeError(env, "cuda: a tensor map reaches " + std::to_string(static_cast<int64_t>(reach)) +
                        " bytes far, and its pointer " + std::to_string(static_cast<int64_t>(reaches[pointer])));
  context.check(context.driver().cuTensorMapEncodeTiled(
                    map, type.number, RANK, reinterpret_cast<void*>(static_cast<uintptr_t>(address)), sizes,
                    strides, box, steps, cuda::TENSOR_MAP_NO_INTERLEAVE, cuda::TENSOR_MAP_SWIZZLE_128,
                    cuda::TENSOR_MAP_PROMOTE_256, cuda::TENSOR_MAP_FILL_ZEROS),
                "cuTensorMapEncodeTiled");
}

}  // namespace tensor_maps
