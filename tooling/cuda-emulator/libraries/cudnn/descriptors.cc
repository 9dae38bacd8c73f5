#include "descriptors.h"

namespace {

struct Attribute {
  Kind kind;
  int number;
  std::vector<int> types;
  int64_t least;
  int64_t most;
};

constexpr int64_t SPATIAL = 3;
constexpr int64_t DIMS = 5;

const std::vector<Attribute>& attributes() {
  static const auto& table = *new std::vector<Attribute>{
      {CONVOLUTION, 100, {DATA_TYPE}, 1, 1},   {CONVOLUTION, 101, {MODE}, 1, 1},
      {CONVOLUTION, 102, {INT64}, 2, SPATIAL}, {CONVOLUTION, 103, {INT64}, 2, SPATIAL},
      {CONVOLUTION, 104, {INT64}, 2, SPATIAL}, {CONVOLUTION, 105, {INT64}, 2, SPATIAL},
      {CONVOLUTION, 106, {INT64}, 1, 1},       {HEURISTIC, 200, {HEURISTIC_MODE}, 1, 1},
      {HEURISTIC, 201, {DESCRIPTOR}, 1, 1},    {PLAN, 400, {HANDLE}, 1, 1},
      {PLAN, 401, {DESCRIPTOR}, 1, 1},         {FORWARD, 700, {FLOAT, DOUBLE}, 1, 1},
      {FORWARD, 701, {FLOAT, DOUBLE}, 1, 1},   {FORWARD, 702, {DESCRIPTOR}, 1, 1},
      {FORWARD, 703, {DESCRIPTOR}, 1, 1},      {FORWARD, 704, {DESCRIPTOR}, 1, 1},
      {FORWARD, 705, {DESCRIPTOR}, 1, 1},      {BACKWARD_DATA, 706, {FLOAT, DOUBLE}, 1, 1},
      {BACKWARD_DATA, 707, {FLOAT, DOUBLE}, 1, 1}, {BACKWARD_DATA, 708, {DESCRIPTOR}, 1, 1},
      {BACKWARD_DATA, 709, {DESCRIPTOR}, 1, 1},    {BACKWARD_DATA, 710, {DESCRIPTOR}, 1, 1},
      {BACKWARD_DATA, 711, {DESCRIPTOR}, 1, 1},    {BACKWARD_FILTER, 712, {FLOAT, DOUBLE}, 1, 1},
      {BACKWARD_FILTER, 713, {FLOAT, DOUBLE}, 1, 1}, {BACKWARD_FILTER, 714, {DESCRIPTOR}, 1, 1},
      {BACKWARD_FILTER, 715, {DESCRIPTOR}, 1, 1},    {BACKWARD_FILTER, 716, {DESCRIPTOR}, 1, 1},
      {BACKWARD_FILTER, 717, {DESCRIPTOR}, 1, 1},    {GRAPH, 800, {HANDLE}, 1, 1},
      {GRAPH, 801, {DESCRIPTOR}, 1, 1},        {TENSOR, 900, {INT64}, 1, 1},
      {TENSOR, 901, {DATA_TYPE}, 1, 1},        {TENSOR, 902, {INT64}, 4, DIMS},
      {TENSOR, 903, {INT64}, 4, DIMS},         {TENSOR, 906, {INT64}, 1, 1},
      {PACK, 1000, {INT64}, 1, 8},             {PACK, 1001, {POINTER}, 1, 8},
      {PACK, 1003, {POINTER}, 1, 1},
  };
  return table;
}

size_t bytesOfType(int type) {
  switch (type) {
    case DATA_TYPE:
    case FLOAT:
    case MODE:
    case HEURISTIC_MODE: return 4;
    default: return 8;
  }
}

}  // namespace

std::unordered_set<const void*>& liveDescriptors() {
  static auto& live = *new std::unordered_set<const void*>;
  return live;
}

int setAttribute(Descriptor& descriptor, int attribute, int type, int64_t count, const void* from) {
  for (const Attribute& each : attributes()) {
    if (each.kind != descriptor.kind || each.number != attribute) continue;
    bool fits = false;
    for (const int expected : each.types) fits |= expected == type;
    if (!fits) return BAD_PARAM_ATTRIBUTE_TYPE;
    if (count < each.least || count > each.most) return BAD_PARAM;
    if (!from) return BAD_PARAM_NULL_POINTER;
    const char* bytes = static_cast<const char*>(from);
    if (type == DESCRIPTOR) {
      const Descriptor* other;
      memcpy(&other, bytes, sizeof other);
      if (!liveDescriptors().count(other)) return BAD_PARAM_NULL_POINTER;
      if (!other->finalized) return BAD_PARAM_NOT_FINALIZED;
    }
    descriptor.values[attribute].assign(bytes, bytes + size_t(count) * bytesOfType(type));
    return SUCCESS;
  }
  return BAD_PARAM;
}

bool isComplete(const Descriptor& descriptor) {
  for (const Attribute& each : attributes())
    if (each.kind == descriptor.kind && !descriptor.has(each.number)) return false;
  return true;
}
