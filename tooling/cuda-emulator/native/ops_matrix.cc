// mma.sync and ldmatrix: the tensor cores, on fragments of matrices that the lanes of a warp hold.
#include "access.h"
#include "decode.h"

namespace ptx {
namespace {

constexpr int ROWS = 16;
constexpr int COLUMNS = 8;

/** What the elements of A and B are. */
struct Half {
  static constexpr int perRegister = 2;
  static double of(uint32_t bits, int part) { return double(float(std::bit_cast<half>(uint16_t(bits >> (16 * part))))); }
};
struct Brain {
  static constexpr int perRegister = 2;
  static double of(uint32_t bits, int part) { return double(std::bit_cast<float>(bits >> (16 * part) << 16)); }
};
/** The lower 13 bits of a float32 are not looked at. */
struct Tensor {
  static constexpr int perRegister = 1;
  static double of(uint32_t bits, int) { return double(std::bit_cast<float>(bits & 0xffffe000)); }
};

/** Tensor cores cut sums off instead of rounding them. */
float truncated(double x) {
  float near = float(x);
  if (std::fabs(double(near)) > std::fabs(x)) {
    if (std::isinf(near)) return std::isinf(x) ? near : std::copysign(0x1.fffffep127f, near);
    near = std::nextafterf(near, 0.f);
  }
  return near == near ? near : std::bit_cast<float>(NAN_BITS);
}

/** D = A·B + C of 16 × K and K × 8. The slots: D, A, B, C. */
template <class E, int K, bool halfSums>
Step mmaRun(Warp& w, const Instruction& in, uint32_t mask) {
  if (mask != ALL) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "mma.sync without all lanes of the warp");
  constexpr int per = E::perRegister;
  constexpr int registersOfA = ROWS * K / LANES / per;
  constexpr int registersOfB = COLUMNS * K / LANES / per;
  constexpr int registersOfC = halfSums ? 2 : 4;
  const Slot* d = &w.block->code->slots[in.more];
  const Slot* a = d + registersOfC;
  const Slot* b = a + registersOfA;
  const Slot* c = b + registersOfB;
  double A[ROWS][K];
  double B[K][COLUMNS];
  float C[ROWS][COLUMNS];
  for (int lane = 0; lane < LANES; lane++) {
    int group = lane / 4;
    int member = lane % 4;
    for (int r = 0; r < registersOfA; r++) {
      uint32_t bits = w.reg<uint32_t>(a[r])[lane];
      // Registers go down eight rows, then on along K.
      for (int p = 0; p < per; p++) A[group + r % 2 * 8][r / 2 * 4 * per + member * per + p] = E::of(bits, p);
    }
    for (int r = 0; r < registersOfB; r++) {
      uint32_t bits = w.reg<uint32_t>(b[r])[lane];
      for (int p = 0; p < per; p++) B[r * 4 * per + member * per + p][group] = E::of(bits, p);
    }
    for (int r = 0; r < registersOfC; r++) {
      uint32_t bits = w.reg<uint32_t>(c[r])[lane];
      if constexpr (halfSums) {
        for (int p = 0; p < 2; p++) C[group + r * 8][member * 2 + p] = float(Half::of(bits, p));
      } else {
        C[group + r / 2 * 8][member * 2 + r % 2] = std::bit_cast<float>(bits);
      }
    }
  }
  for (int i = 0; i < ROWS; i++) {
    double sums[COLUMNS];
    for (int j = 0; j < COLUMNS; j++) sums[j] = double(C[i][j]);
    for (int k = 0; k < K; k++)
      for (int j = 0; j < COLUMNS; j++) sums[j] += A[i][k] * B[k][j];
    for (int j = 0; j < COLUMNS; j++) C[i][j] = halfSums ? float(half(sums[j])) : truncated(sums[j]);
  }
  for (int lane = 0; lane < LANES; lane++) {
    int group = lane / 4;
    int member = lane % 4;
    for (int r = 0; r < registersOfC; r++) {
      uint32_t bits;
      if constexpr (halfSums) {
        const float* pair = &C[group + r * 8][member * 2];
        bits = std::bit_cast<uint16_t>(half(pair[0])) | uint32_t(std::bit_cast<uint16_t>(half(pair[1]))) << 16;
      } else {
        bits = std::bit_cast<uint32_t>(C[group + r / 2 * 8][member * 2 + r % 2]);
      }
      w.reg<uint32_t>(d[r])[lane] = bits;
    }
  }
  return Step::next;
}

struct Shape {
  std::string_view shape;
  Type elements;
  Type sums;
  uint8_t d, a, b;
  Run run;
};

const Shape SHAPES[] = {
    {"m16n8k4", Type::tf32, Type::f32, 4, 2, 1, mmaRun<Tensor, 4, false>},
    {"m16n8k8", Type::tf32, Type::f32, 4, 4, 2, mmaRun<Tensor, 8, false>},
    {"m16n8k8", Type::bf16, Type::f32, 4, 2, 1, mmaRun<Brain, 8, false>},
    {"m16n8k16", Type::bf16, Type::f32, 4, 4, 2, mmaRun<Brain, 16, false>},
    {"m16n8k8", Type::f16, Type::f32, 4, 2, 1, mmaRun<Half, 8, false>},
    {"m16n8k16", Type::f16, Type::f32, 4, 4, 2, mmaRun<Half, 16, false>},
    {"m16n8k8", Type::f16, Type::f16, 2, 2, 1, mmaRun<Half, 8, true>},
    {"m16n8k16", Type::f16, Type::f16, 2, 4, 2, mmaRun<Half, 16, true>},
};

void fragment(Decoder& d, int i, uint8_t count, Type type, bool isTarget, std::vector<Slot>& slots) {
  const Operand& group = d.operand(i);
  if (group.kind != Operand::vector || group.count != count)
    d.mistake("a fragment of " + std::to_string(count) + " registers is needed");
  for (uint32_t k = 0; k < count; k++) {
    const Operand& each = d.part(group, k);
    slots.push_back(isTarget ? d.target(each, 32) : d.source(each, type));
  }
}

void mma(Decoder& d) {
  d.needOne({"sync"});
  d.needOne({"aligned"});
  std::string_view shape = d.peekModifier();
  d.dropModifier();
  if (!d.take("row") || !d.take("col")) d.mistake("mma needs .row.col");
  Type sums = d.needType();
  Type elements = d.needType();
  Type other = d.needType();
  Type start = d.needType();
  d.needOperands(4);
  for (const Shape& each : SHAPES) {
    if (each.shape != shape || each.elements != elements || other != elements || each.sums != sums || start != sums) continue;
    std::vector<Slot> slots;
    fragment(d, 0, each.d, Type::b32, true, slots);
    fragment(d, 1, each.a, Type::b32, false, slots);
    fragment(d, 2, each.b, Type::b32, false, slots);
    fragment(d, 3, each.d, sums == Type::f32 ? Type::f32 : Type::b32, false, slots);
    uint32_t first = d.keep(slots);
    d.emit(each.run).more = first;
    return;
  }
  d.mistake("no such shape and types of mma");
}

/** Eight rows of 16 bytes for each matrix, from the addresses of eight lanes. */
Step ldmatrixRun(Warp& w, const Instruction& in, uint32_t mask) {
  if (mask != ALL) return w.fault(CUDA_ERROR_LAUNCH_FAILED, in, "ldmatrix without all lanes of the warp");
  uint32_t lanes = in.count == 4 ? ALL : (uint32_t(1) << (8 * in.count)) - 1;
  if (!resolve(w, in, lanes, 16, Access::read)) return Step::fault;
  const Slot* slots = in.count == 1 ? &in.d : &w.block->code->slots[in.more];
  bool transposed = in.c;
  for (int matrix = 0; matrix < in.count; matrix++) {
    uint16_t rows[8][8];
    for (int row = 0; row < 8; row++) memcpy(rows[row], (const void*)w.addresses[matrix * 8 + row], 16);
    V<uint32_t> result;
    for (int lane = 0; lane < LANES; lane++) {
      int row = lane / 4;
      int column = lane % 4 * 2;
      uint32_t low = transposed ? rows[column][row] : rows[row][column];
      uint32_t high = transposed ? rows[column + 1][row] : rows[row][column + 1];
      result[lane] = low | high << 16;
    }
    w.write<uint32_t>(slots[matrix], mask, result);
  }
  return Step::next;
}

void ldmatrix(Decoder& d) {
  d.needOne({"sync"});
  d.needOne({"aligned"});
  d.needOne({"m8n8"});
  int form = d.needOne({"x1", "x2", "x4"});
  bool transposed = d.take("trans");
  Space space = d.takeSpace();
  d.needOne({"b16"});
  d.needOperands(2);
  uint8_t count = uint8_t(1 << form);
  std::vector<Slot> slots;
  if (count == 1 && d.operand(0).kind == Operand::name) slots.push_back(d.target(0, 32));
  else fragment(d, 0, count, Type::b32, true, slots);
  Address address = d.address(1, space);
  uint32_t first = d.keep(slots);
  Instruction& in = d.emit(ldmatrixRun);
  in.a = address.base;
  in.width = address.width;
  in.immediate = address.offset;
  in.kind = uint8_t(address.space);
  in.d = slots[0];
  in.more = first;
  in.count = count;
  in.c = transposed;
}

}  // namespace

void addMatrices(Handlers& handlers) { handlers.insert({{"mma", mma}, {"ldmatrix", ldmatrix}}); }

}  // namespace ptx
