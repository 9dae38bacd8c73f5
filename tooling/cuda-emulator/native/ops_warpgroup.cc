// wgmma: products that four warps make together, of matrices in shared memory that descriptors tell of, while the warps go on.
//
// They are made when they are waited for: who overwrites a matrix before finds other sums. The registers of sums hold NaN
// meanwhile. Each warp makes its own 16 rows of the 64.
#include <cstring>
#include "access.h"
#include "decode.h"

namespace ptx {
namespace {

constexpr int WARP_ROWS = 16;
constexpr int MOST_DEPTH = 16;
/** Of the depth, in one product. */
constexpr int DEPTH_BYTES = 32;
constexpr int WARPS = 4;
constexpr int MOST_COLUMNS = 256;
/** The mode of descriptors in which lines have 128 bytes and pieces of 16 are exchanged by the number of the line. */
constexpr uint64_t SWIZZLE_128 = 1;

/** What a matrix-descriptor says, in bytes. */
struct Matrix {
  uint64_t start;
  uint64_t leading;
  uint64_t stride;
  uint64_t swizzle;
  uint64_t base;

  explicit Matrix(uint64_t bits)
      : start((bits & 0x3fff) << 4), leading((bits >> 16 & 0x3fff) << 4), stride((bits >> 32 & 0x3fff) << 4),
        swizzle(bits >> 62), base(bits >> 49 & 7) {}

  /** Where an element lies in shared memory; only those of two bytes lie along the extent. */
  uint64_t at(bool alongDepth, int extent, int depth, int bytes) const {
    uint64_t place = alongDepth ? uint64_t(extent / 8) * stride + uint64_t(extent % 8) * 128 + uint64_t(depth * bytes)
                                : uint64_t(extent / 64) * leading + uint64_t(depth / 8) * stride +
                                      uint64_t(depth % 8) * 128 + uint64_t(extent % 64) * 2;
    uint64_t address = start + place;
    return address ^ (address >> 7 & 7) << 4;
  }

  /** The byte behind the last line. */
  uint64_t last(bool alongDepth, int extent) const {
    uint64_t line = alongDepth ? uint64_t(extent / 8 - 1) * stride : uint64_t((extent - 1) / 64) * leading + uint64_t(MOST_DEPTH / 8 - 1) * stride;
    return start / 128 * 128 + line + 8 * 128;
  }
};

// An instruction: count: columns / 8; kind: bit 0 for bfloat16, bits 1 and 2 where a and b have lines along their extent, bit 3 for TF32;
// a, b: the descriptors; c: the predicate that keeps the sums; more: the slots of sums.

int bytesOf(const Instruction& in) { return in.kind & 8 ? 4 : 2; }

/** Of TF32 the lowest 13 bits are not looked at. */
double value(const Instruction& in, uint32_t bits) {
  if (in.kind & 8) return double(std::bit_cast<float>(bits & 0xffffe000));
  return in.kind & 1 ? double(std::bit_cast<float>(uint32_t(bits) << 16)) : double(float(std::bit_cast<half>(uint16_t(bits))));
}

/** An element as the tensor cores find it; false after a fault. */
bool element(Warp& w, const Instruction& in, const Matrix& matrix, bool alongDepth, int extent, int depth, double& result) {
  Block& block = *w.block;
  uint32_t bytes = uint32_t(bytesOf(in));
  uint64_t at = matrix.at(alongDepth, extent, depth, int(bytes));
  if (at + bytes > block.sharedBytes) {
    w.fault(CUDA_ERROR_ILLEGAL_ADDRESS, in, "wgmma reads byte " + std::to_string(at) + " of shared memory, which is out of bounds");
    return false;
  }
  if (block.unfenced[at / 16]) {
    w.fault(CUDA_ERROR_LAUNCH_FAILED, in,
            "wgmma reads byte " + std::to_string(at) + " of shared memory, which was written without a fence.proxy.async after it");
    return false;
  }
  if (block.checksRaces && !touchShared(w, in, at, bytes, Access::read)) return false;
  uint32_t bits = 0;
  memcpy(&bits, block.shared + at, bytes);
  result = value(in, bits);
  return true;
}

/** Sums are cut off, as those of mma are. */
float cutOff(double x) {
  float near = float(x);
  if (std::fabs(double(near)) > std::fabs(x) && !std::isinf(near)) near = std::nextafterf(near, 0.f);
  return near == near ? near : std::bit_cast<float>(0x7fffffffu);
}

bool make(Warp& w, const Product& product) {
  const Instruction& in = *product.in;
  Matrix a(product.a);
  Matrix b(product.b);
  bool alongA = !(in.kind & 2);
  bool alongB = !(in.kind & 4);
  int columns = in.count * 8;
  int first = int(w.index % WARPS) * WARP_ROWS;
  int depth = DEPTH_BYTES / bytesOf(in);
  static thread_local double A[WARP_ROWS][MOST_DEPTH];
  static thread_local double B[MOST_DEPTH][MOST_COLUMNS];
  for (int i = 0; i < WARP_ROWS; i++)
    for (int k = 0; k < depth; k++)
      if (!element(w, in, a, alongA, first + i, k, A[i][k])) return false;
  for (int k = 0; k < depth; k++)
    for (int j = 0; j < columns; j++)
      if (!element(w, in, b, alongB, j, k, B[k][j])) return false;
  if (w.block->wrong.wgmma) std::swap(A[0], A[1]);
  std::vector<V<float>>& sums = w.flights[product.flight].sums;
  for (int i = 0; i < WARP_ROWS; i++) {
    double row[MOST_COLUMNS];
    auto place = [&](int j) -> float& {
      // As in mma: four lanes have a row, and a lane two neighbours of every eight columns, then the same eight rows on.
      auto* lanes = (float*)&sums[size_t(j / 8 * 4 + i / 8 * 2 + j % 2)];
      return lanes[i % 8 * 4 + j % 8 / 2];
    };
    for (int j = 0; j < columns; j++) row[j] = product.keeps ? double(place(j)) : 0;
    for (int k = 0; k < depth; k++)
      for (int j = 0; j < columns; j++) row[j] += A[i][k] * B[k][j];
    for (int j = 0; j < columns; j++) place(j) = cutOff(row[j]);
  }
  return true;
}

bool sameInAll(V<uint64_t> x) { return maskOf(x == splat(uint64_t(x[0]))) == ALL; }

Step multiplyRun(Warp& w, const Instruction& in, uint32_t mask) {
  if (mask != ALL) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "wgmma without all lanes of the warp");
  if (w.block->warps.size() % WARPS != 0) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "wgmma in a warpgroup of fewer than four warps");
  if (!w.fenced) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "wgmma.mma_async without a wgmma.fence before it");
  V<uint64_t> a = w.read<uint64_t>(in.a);
  V<uint64_t> b = w.read<uint64_t>(in.b);
  if (!sameInAll(a) || !sameInAll(b)) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "descriptors that differ between lanes");
  for (uint64_t bits : {uint64_t(a[0]), uint64_t(b[0])}) {
    Matrix matrix(bits);
    if (matrix.swizzle != SWIZZLE_128 || matrix.base != 0)
      return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "a descriptor without the swizzle of 128 bytes, which alone is known here");
  }
  uint32_t keeps = w.pred(in.c);
  if (keeps != 0 && keeps != ALL) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "a predicate that differs between lanes");
  const Slot* slots = &w.block->code->slots[in.more];
  size_t registers = size_t(in.count) * 4;
  size_t flight = 0;
  while (flight < w.flights.size() && w.flights[flight].slots != slots[0]) flight++;
  if (flight == w.flights.size()) w.flights.push_back({slots[0], {}, 0, {}});
  Flight& mine = w.flights[flight];
  if (mine.pending == 0) {
    mine.sums.clear();
    mine.registers.assign(slots, slots + registers);
    for (Slot slot : mine.registers) {
      mine.sums.push_back(w.reg<float>(slot));
      w.reg<uint32_t>(slot) = splat(0x7fffffffu);
    }
  }
  mine.pending++;
  w.products.push_back({&in, a[0], b[0], keeps == ALL, flight});
  return Step::next;
}

Step fenceRun(Warp& w, const Instruction&, uint32_t) {
  w.fenced = true;
  return Step::next;
}

Step commitRun(Warp& w, const Instruction&, uint32_t) {
  w.productEnds.push_back(w.products.size());
  return Step::next;
}

Step waitRun(Warp& w, const Instruction& in, uint32_t) {
  w.fenced = false;
  size_t pending = size_t(in.immediate);
  if (w.productEnds.size() <= pending) return Step::next;
  size_t groups = w.productEnds.size() - pending;
  size_t end = w.productEnds[groups - 1];
  for (size_t i = 0; i < end; i++) {
    if (!make(w, w.products[i])) return Step::fault;
    w.flights[w.products[i].flight].pending--;
  }
  w.products.erase(w.products.begin(), w.products.begin() + long(end));
  w.productEnds.erase(w.productEnds.begin(), w.productEnds.begin() + long(groups));
  for (size_t& each : w.productEnds) each -= end;
  for (Flight& flight : w.flights)
    if (flight.pending == 0)
      for (size_t r = 0; r < flight.registers.size(); r++) w.reg<float>(flight.registers[r]) = flight.sums[r];
  if (w.products.empty()) w.flights.clear();
  return Step::next;
}

/** "m64n128k16": the columns; 0 where it is no shape of so much depth. */
int columnsOf(std::string_view shape, const char* depth) {
  size_t end = strlen(depth);
  if (shape.substr(0, 4) != "m64n" || shape.size() < 5 + end || shape.substr(shape.size() - end) != depth) return 0;
  int columns = atoi(std::string(shape.substr(4, shape.size() - 4 - end)).c_str());
  return columns % 8 == 0 && columns >= 8 && columns <= MOST_COLUMNS ? columns : 0;
}

void multiply(Decoder& d) {
  d.needOne({"sync"});
  d.needOne({"aligned"});
  std::string_view shape = d.peekModifier();
  d.dropModifier();
  d.needOne({"f32"});
  Type type = d.needType();
  bool words = type == Type::tf32;
  if ((type != Type::f16 && type != Type::bf16 && !words) || d.needType() != type) d.mistake("wgmma of such types is not there");
  int columns = columnsOf(shape, words ? "k8" : "k16");
  if (!columns) d.mistake("no such shape of wgmma here");
  // Words lie along the depth alone.
  d.needOperands(words ? 6 : 8);
  for (int i : {4, 5})
    if (d.integer(i) != 1) d.mistake("wgmma negates no matrix here");
  const Operand& group = d.operand(0);
  int registers = columns / 2;
  if (group.kind != Operand::vector || int(group.count) != registers)
    d.mistake("sums of " + std::to_string(registers) + " registers are needed");
  std::vector<Slot> slots;
  for (int k = 0; k < registers; k++) slots.push_back(d.target(d.part(group, uint32_t(k)), 32));
  Slot a = d.source(1, Type::b64);
  Slot b = d.source(2, Type::b64);
  Slot keeps = d.predicate(3);
  uint32_t first = d.keep(slots);
  Instruction& in = d.emit(multiplyRun);
  in.a = a;
  in.b = b;
  in.c = keeps;
  in.more = first;
  in.count = uint8_t(columns / 8);
  in.kind = words ? 8 : uint8_t((type == Type::bf16) | int(d.integer(6)) << 1 | int(d.integer(7)) << 2);
}

void wgmma(Decoder& d) {
  d.needSpecific("wgmma");
  d.useWarpgroups();
  if (d.take("mma_async")) return multiply(d);
  int what = d.needOne({"fence", "commit_group", "wait_group"});
  d.needOne({"sync"});
  d.needOne({"aligned"});
  int64_t pending = what == 2 ? d.integer(0) : 0;
  const Run runs[] = {fenceRun, commitRun, waitRun};
  d.emit(runs[what]).immediate = pending;
}

}  // namespace

std::array<Extent, 2> extentsOf(const Product& product) {
  const Instruction& in = *product.in;
  auto extentOf = [](uint64_t bits, bool alongDepth, int extent) {
    Matrix matrix(bits);
    return Extent{matrix.start, matrix.last(alongDepth, extent)};
  };
  return {extentOf(product.a, !(in.kind & 2), WARPS * WARP_ROWS), extentOf(product.b, !(in.kind & 4), in.count * 8)};
}

void addWarpgroups(Handlers& handlers) { handlers.insert({{"wgmma", wgmma}}); }

}  // namespace ptx
