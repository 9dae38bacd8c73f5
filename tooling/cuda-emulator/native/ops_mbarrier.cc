// mbarrier, and the copies of boxes of tensors that complete their phases; setmaxnreg.
//
// A box is copied when its barrier is asked: who does not ask finds the old bytes.
#include <algorithm>
#include <cstring>
#include "access.h"
#include "decode.h"

namespace ptx {
namespace {

/** After so many questions in vain without any change of a barrier, nobody is left who could complete the phase. */
constexpr uint64_t PATIENCE = 10000;
constexpr uint64_t LINE = 128;
constexpr uint64_t PIECE = 16;
constexpr uint64_t MAP_ALIGNMENT = 64;

/** The byte of shared memory of the only lane that is on; false after a fault. */
bool place(Warp& w, const Instruction& in, uint32_t mask, uint64_t& at) {
  if (std::popcount(mask) != 1 && in.kind) {
    w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "several lanes do this at once, which is not known here");
    return false;
  }
  int lane = std::countr_zero(mask);
  at = (in.width == 64 ? w.read<uint64_t>(in.a)[lane] : w.read<uint32_t>(in.a)[lane]) + uint64_t(in.immediate);
  return true;
}

Mbarrier* find(Warp& w, const Instruction& in, uint64_t at) {
  auto found = w.block->mbarriers.find(at);
  if (found != w.block->mbarriers.end()) return &found->second;
  w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "there is no mbarrier at byte " + std::to_string(at) + " of shared memory");
  return nullptr;
}

void settle(Block& block, Mbarrier& barrier) {
  block.changes++;
  if (barrier.pending || barrier.bytes) return;
  barrier.phase++;
  barrier.pending = barrier.expected;
}

// In an instruction: a, width, immediate: the address; b: a number; d: the predicate; kind: whether a lane does it alone.

Step initRun(Warp& w, const Instruction& in, uint32_t mask) {
  uint64_t at;
  if (!place(w, in, mask, at)) return Step::fault;
  if (at % 8 || at + 8 > w.block->sharedBytes) return w.fault(CUDA_ERROR_MISALIGNED_ADDRESS, in, "no place for an mbarrier");
  uint32_t count = w.read<uint32_t>(in.b)[std::countr_zero(mask)];
  w.block->mbarriers[at] = {count, count, 0, 0, w.index, false};
  return Step::next;
}

Step invalRun(Warp& w, const Instruction& in, uint32_t mask) {
  uint64_t at;
  if (!place(w, in, mask, at) || !find(w, in, at)) return Step::fault;
  for (const Box& box : w.block->boxes)
    if (box.barrier == at) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "an mbarrier ends while a box is on its way to it");
  w.block->mbarriers.erase(at);
  return Step::next;
}

Step arriveRun(Warp& w, const Instruction& in, uint32_t mask) {
  uint64_t at;
  if (!place(w, in, mask, at)) return Step::fault;
  Mbarrier* barrier = find(w, in, at);
  if (!barrier) return Step::fault;
  if (barrier->pending == 0) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "more arrivals at an mbarrier than its phase has");
  if (in.b != NOWHERE) barrier->bytes += w.read<uint32_t>(in.b)[std::countr_zero(mask)];
  barrier->pending--;
  settle(*w.block, *barrier);
  return Step::next;
}

/** Whether bytes are among those that a product under way reads. */
bool isRead(const Block& block, uint64_t begin, uint64_t end) {
  for (const Warp& warp : block.warps)
    for (const Product& product : warp.products)
      for (const Extent& extent : extentsOf(product))
        if (begin < extent.end && extent.begin < end) return true;
  return false;
}

uint64_t bytesOf(const TensorMap& map) {
  uint64_t bytes = map.elementBytes;
  for (uint32_t d = 0; d < map.rank; d++) bytes *= map.box[d];
  return bytes;
}

/** Calls with the coordinates of each line of the box, and its number. */
template <class F>
bool eachLine(const Box& box, F body) {
  const TensorMap& map = box.map;
  uint64_t lines = 1;
  for (uint32_t d = 1; d < map.rank; d++) lines *= map.box[d];
  for (uint64_t line = 0; line < lines; line++) {
    uint64_t rest = line;
    uint64_t offset = 0;
    bool inside = true;
    for (uint32_t d = 1; d < map.rank; d++) {
      int64_t c = int64_t(box.at[d]) + int64_t(rest % map.box[d]);
      rest /= map.box[d];
      inside &= c >= 0 && uint64_t(c) < map.sizes[d];
      offset += uint64_t(c) * map.strides[d - 1];
    }
    if (!body(line, inside, map.address + offset)) return false;
  }
  return true;
}

/** The elements of a line that are in the tensor: from which on, and how many. */
std::pair<int64_t, int64_t> innerOf(const Box& box) {
  int64_t first = std::max<int64_t>(0, -int64_t(box.at[0]));
  int64_t end = std::min<int64_t>(box.map.box[0], int64_t(box.map.sizes[0]) - box.at[0]);
  return {first, std::max<int64_t>(0, end - first)};
}

void land(Block& block, const Box& box) {
  const TensorMap& map = box.map;
  uint64_t inner = uint64_t(map.box[0]) * map.elementBytes;
  auto [first, count] = innerOf(box);
  eachLine(box, [&](uint64_t line, bool inside, uint64_t from) {
    std::vector<uint8_t> row(inner, 0);
    if (inside && count)
      memcpy(row.data() + uint64_t(first) * map.elementBytes, (const void*)(from + uint64_t(box.at[0] + first) * map.elementBytes),
             uint64_t(count) * map.elementBytes);
    if (block.wrong.boxes) std::reverse(row.begin(), row.end());
    for (uint64_t piece = 0; piece < inner; piece += PIECE) {
      uint64_t at = box.to + line * inner + piece;
      if (map.swizzled) at ^= (at >> 7 & 7) << 4;
      memcpy(block.shared + at, row.data() + piece, PIECE);
      if (!block.unfenced.empty()) block.unfenced[at / PIECE] = false;
    }
    return true;
  });
}

/** What is on its way to a barrier's phase comes. */
void landAll(Block& block, uint64_t at, Mbarrier& barrier) {
  for (size_t i = 0; i < block.boxes.size();) {
    if (block.boxes[i].barrier != at) {
      i++;
      continue;
    }
    land(block, block.boxes[i]);
    barrier.bytes -= int64_t(bytesOf(block.boxes[i].map));
    block.boxes.erase(block.boxes.begin() + long(i));
    settle(block, barrier);
  }
}

Step waitRun(Warp& w, const Instruction& in, uint32_t mask) {
  Block& block = *w.block;
  uint64_t at;
  if (!place(w, in, mask, at)) return Step::fault;
  Mbarrier* barrier = find(w, in, at);
  if (!barrier) return Step::fault;
  landAll(block, at, *barrier);
  uint32_t parity = w.read<uint32_t>(in.b)[std::countr_zero(mask)];
  bool done = (barrier->phase & 1) != (parity & 1);
  w.writePred(in.d, mask, done ? ALL : 0);
  if (done) {
    w.polls = 0;
    return Step::next;
  }
  if (w.polledAt != block.changes) w.polls = 0;
  w.polledAt = block.changes;
  if (++w.polls > PATIENCE)
    return w.fault(CUDA_ERROR_LAUNCH_TIMEOUT, in, "a phase of the mbarrier at byte " + std::to_string(at) + " of shared memory never completes");
  w.pc++;
  return Step::wait;
}

void mbarrier(Decoder& d) {
  int what = d.needOne({"init", "arrive", "try_wait", "inval"});
  bool expects = what == 1 && d.take("expect_tx");
  if (what == 2) d.needOne({"parity"});
  if (d.takeSpace() != Space::shared) d.mistake("mbarrier needs .shared here");
  d.needOne({"b64"});
  d.needOperands(what == 3 ? 1 : (what == 1 && !expects) || what == 0 ? 2 : 3);
  Address address = d.address(what == 0 || what == 3 ? 0 : 1, Space::shared);
  Slot number = what == 0 ? d.source(1, Type::u32) : expects || what == 2 ? d.source(2, Type::u32) : NOWHERE;
  Slot result = what == 2 ? d.target(0, 1) : NOWHERE;
  if (what == 1 && d.operand(0).kind != Operand::sink) d.mistake("the state of an mbarrier is not known here");
  const Run runs[] = {initRun, arriveRun, waitRun, invalRun};
  Instruction& in = d.emit(runs[what]);
  in.a = address.base;
  in.width = address.width;
  in.immediate = address.offset;
  in.b = number;
  in.d = result;
  // A wait is the same for all lanes.
  in.kind = what != 2;
}

/** The map at a generic address; false after a fault. */
bool readMap(Warp& w, const Instruction& in, uint64_t at, TensorMap& map) {
  const std::vector<uint8_t>& parameters = w.block->launch->parameters;
  uint64_t begin = uint64_t(parameters.data());
  bool isThere = at >= begin && at + sizeof map <= begin + parameters.size() && (at - begin) % MAP_ALIGNMENT == 0;
  if (isThere) memcpy(&map, (const void*)at, sizeof map);
  if (isThere && map.mark == TensorMap::MARK) return true;
  w.fault(CUDA_ERROR_ILLEGAL_ADDRESS, in, "there is no tensor map at a multiple of 64 bytes of the parameters");
  return false;
}

/** d: the map's address; c: the barrier's; more: the coordinates' slots; count: how many. */
Step boxRun(Warp& w, const Instruction& in, uint32_t mask) {
  Block& block = *w.block;
  Box box{};
  if (!place(w, in, mask, box.to)) return Step::fault;
  int lane = std::countr_zero(mask);
  if (!readMap(w, in, w.read<uint64_t>(in.d)[lane], box.map)) return Step::fault;
  const Slot* slots = &block.code->slots[in.more];
  if (box.map.rank != in.count) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "a tensor map of another rank");
  for (uint32_t d = 0; d < box.map.rank; d++) box.at[d] = w.read<int32_t>(slots[d])[lane];
  box.in = &in;
  box.barrier = w.read<uint32_t>(in.c)[lane] + slots[in.count];
  Mbarrier* barrier = find(w, in, box.barrier);
  if (!barrier) return Step::fault;
  if (!barrier->fenced) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "a copy to an mbarrier that no fence.proxy.async followed");
  uint64_t bytes = bytesOf(box.map);
  if (box.to % LINE) return w.fault(CUDA_ERROR_MISALIGNED_ADDRESS, in, "a box begins at no multiple of 128 bytes of shared memory");
  if (box.to + bytes > block.sharedBytes) return w.fault(CUDA_ERROR_ILLEGAL_ADDRESS, in, "a box ends outside of shared memory");
  if (isRead(block, box.to, box.to + bytes))
    return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "a box is brought to where a product under way reads");
  auto [first, count] = innerOf(box);
  bool held = eachLine(box, [&](uint64_t, bool inside, uint64_t from) {
    uint64_t at = from + uint64_t(box.at[0] + first) * box.map.elementBytes;
    return !inside || !count || block.holds(at, uint64_t(count) * box.map.elementBytes);
  });
  if (!held) return w.fault(CUDA_ERROR_ILLEGAL_ADDRESS, in, "a box has bytes that are not allocated");
  block.boxes.push_back(box);
  return Step::next;
}

Step nothing(Warp&, const Instruction&, uint32_t) { return Step::next; }

void setmaxnreg(Decoder& d) {
  d.needSpecific("setmaxnreg");
  d.needOne({"inc", "dec"});
  d.needOne({"sync"});
  d.needOne({"aligned"});
  d.needOne({"u32"});
  int64_t count = d.integer(0);
  if (count < 24 || count > 256 || count % 8) d.mistake("setmaxnreg takes a multiple of 8 from 24 to 256");
  d.emit(nothing);
}

}  // namespace

void copyBox(Decoder& d) {
  d.needOne({"tensor"});
  uint8_t rank = uint8_t(d.needOne({"1d", "2d", "3d", "4d", "5d"}) + 1);
  // Without a cluster both are the block's own.
  bool isShared = d.take("shared::cluster") || d.take("shared::cta");
  if (!isShared || !d.take("global")) d.mistake("cp.async.bulk.tensor goes from .global to .shared here");
  d.take("tile");
  d.needOne({"mbarrier::complete_tx::bytes"});
  d.needOperands(3);
  Address to = d.address(0, Space::shared);
  Address map = d.address(1, Space::generic);
  Address barrier = d.address(2, Space::shared);
  const Operand& box = d.operand(1);
  if (box.count != rank) d.mistake("a box needs a coordinate for each dim");
  if (map.width != 64 || map.offset || barrier.width != 32) d.mistake("such addresses of a map and a barrier are not known here");
  std::vector<Slot> slots;
  for (uint32_t i = 0; i < rank; i++) slots.push_back(d.source(d.part(box, i), Type::s32));
  slots.push_back(Slot(barrier.offset));
  uint32_t first = d.keep(slots);
  Instruction& in = d.emit(boxRun);
  in.a = to.base;
  in.width = to.width;
  in.immediate = to.offset;
  in.d = map.base;
  in.c = barrier.base;
  in.more = first;
  in.count = rank;
  in.kind = 1;
}

void addMbarriers(Handlers& handlers) { handlers.insert({{"mbarrier", mbarrier}, {"setmaxnreg", setmaxnreg}}); }

}  // namespace ptx
