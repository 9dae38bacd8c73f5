// Tensor maps.
#include "tensor_map.h"
#include <cstring>
#include "cuda.h"

namespace {

/** By CUtensorMapDataType. */
constexpr uint32_t ELEMENT_BYTES[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
constexpr uint64_t MOST_SIZE = uint64_t(1) << 32;
constexpr uint64_t MOST_STRIDE = uint64_t(1) << 40;
constexpr uint32_t MOST_BOX = 256;
constexpr uint32_t SWIZZLE_128 = 3;
constexpr uint32_t SWIZZLE_BYTES = 128;
constexpr uint32_t PIECE = 16;
constexpr uint64_t MAP_ALIGNMENT = 64;

}  // namespace

EXPORT CUresult cuTensorMapEncodeTiled(void* map, unsigned type, unsigned rank, void* address, const uint64_t* sizes,
                                       const uint64_t* strides, const uint32_t* box, const uint32_t* elementStrides,
                                       unsigned interleave, unsigned swizzle, unsigned promotion, unsigned fill) {
  if (!map || uint64_t(map) % MAP_ALIGNMENT || !address || uint64_t(address) % PIECE) return CUDA_ERROR_INVALID_VALUE;
  if (type >= sizeof ELEMENT_BYTES / sizeof *ELEMENT_BYTES || rank < 1 || rank > TensorMap::MOST_RANK) return CUDA_ERROR_INVALID_VALUE;
  // Of what the driver has, only this is there.
  if (interleave || fill || promotion > 3 || (swizzle && swizzle != SWIZZLE_128)) return CUDA_ERROR_INVALID_VALUE;
  TensorMap made{};
  made.mark = TensorMap::MARK;
  made.address = uint64_t(address);
  made.rank = rank;
  made.elementBytes = ELEMENT_BYTES[type];
  made.swizzled = swizzle == SWIZZLE_128;
  for (unsigned d = 0; d < rank; d++) {
    if (sizes[d] < 1 || sizes[d] > MOST_SIZE || box[d] < 1 || box[d] > MOST_BOX || elementStrides[d] != 1) return CUDA_ERROR_INVALID_VALUE;
    made.sizes[d] = sizes[d];
    made.box[d] = box[d];
    if (d + 1 == rank) break;
    if (strides[d] % PIECE || strides[d] >= MOST_STRIDE || strides[d] == 0) return CUDA_ERROR_INVALID_VALUE;
    made.strides[d] = strides[d];
  }
  uint32_t inner = made.box[0] * made.elementBytes;
  if (inner % PIECE || (made.swizzled && inner > SWIZZLE_BYTES)) return CUDA_ERROR_INVALID_VALUE;
  memcpy(map, &made, sizeof made);
  return CUDA_SUCCESS;
}
