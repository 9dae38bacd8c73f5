// Convolutions as the stand-in computes them.
#pragma once
#include "descriptors.h"

struct Tensor {
  int64_t id = 0;
  int64_t alignment = 1;
  guest::Type type = guest::Type::f32;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;

  uint64_t elements() const;
  /** Whether elements lie densely with the channels outermost, or innermost. */
  bool isPacked() const;
};

/** One operation of a graph. */
struct Convolution {
  Kind kind = FORWARD;
  Tensor x, w, y;
  std::vector<int64_t> stride, padding, dilation;
  bool isDouble = false;
  double alpha = 1;
  double beta = 0;

  const Tensor& written() const { return kind == FORWARD ? y : kind == BACKWARD_DATA ? x : w; }
};

/** Reads what an operation's descriptors say; a status where they do not go together. */
int convolutionOf(const Descriptor& operation, Convolution& convolution);

/** Whether some engine may do it: SUCCESS, or why not. */
int isSupported(const Convolution& convolution);

struct Numerics {
  /** Factors of float32 are rounded to TF32. */
  bool tf32 = false;
  /** Results are off, by so much of themselves: what engines do that should not have been taken. */
  double error = 0;
};

void run(const Convolution& convolution, const Numerics& numerics, const void* x, const void* w, const void* y);
