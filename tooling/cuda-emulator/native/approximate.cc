#include "approximate.h"

namespace approximate {
namespace {

uint32_t hash(float x) {
  uint32_t u = std::bit_cast<uint32_t>(x);
  u ^= u >> 16;
  u *= 0x7feb352d;
  u ^= u >> 15;
  u *= 0x846ca68b;
  return u ^ u >> 16;
}

/** From -1 to 1. */
double noise(float x) { return double(int32_t(hash(x))) / 2147483648.0; }

/** One of the two float32 numbers around the exact result, or the one after: less than `most` units off, 1 or 2. */
float units(double exact, float x, uint32_t most) {
  float nearest = float(exact);
  if (double(nearest) == exact || exact != exact || std::isinf(nearest)) return nearest;
  float outwards = exact > double(nearest) ? INFINITY : -INFINITY;
  switch (hash(x) % (most + 1)) {
    case 0: return nearest;
    case 1: return std::nextafterf(nearest, outwards);
    default: return std::nextafterf(nearest, -outwards);
  }
}

bool representable(double exact) { return double(float(exact)) == exact || exact != exact; }

float relative(double exact, float x, double bound) {
  return representable(exact) ? float(exact) : float(exact * (1 + noise(x) * bound));
}

float absolute(double exact, float x, double bound) {
  return representable(exact) ? float(exact) : float(exact + noise(x) * bound);
}

double upperHalf(double x) {
  if (x != x) return x;
  return std::bit_cast<double>(std::bit_cast<uint64_t>(x) & 0xffffffff00000000);
}

double flushed(double x) { return std::fabs(x) < 0x1p-1022 ? std::copysign(0.0, x) : x; }

}  // namespace

float reciprocal(float x) { return units(1.0 / x, x, 1); }
float rsqrt(float x) { return relative(1.0 / std::sqrt(double(x)), x, 0x1p-23); }
float sqrt(float x) { return relative(std::sqrt(double(x)), x, 0x1p-24); }
float sin(float x) { return absolute(std::sin(double(x)), x, 0x1p-21); }
float cos(float x) { return absolute(std::cos(double(x)), x, 0x1p-21); }

float tanh(float x) {
  float result = relative(std::tanh(double(x)), x, 0x1p-11 * 0.9);
  return result > 1 ? 1 : result < -1 ? -1 : result;
}

// Its manual allows 2 units; CUDA's expf, which is made of it, has only 1.
float exp2(float x) { return units(std::exp2(double(x)), x, 1); }

float log2(float x) {
  double exact = std::log2(double(x));
  return x > 0.5f && x < 2.0f ? absolute(exact, x, 0x1p-22 * 0.7) : relative(exact, x, 0x1p-22 * 0.7);
}

float divide(float x, float y) {
  float size = std::fabs(y);
  if (size > 0x1p126f && !std::isinf(size)) return std::isinf(x) || x != x ? NAN : std::copysign(0.f, x) * std::copysign(1.f, y);
  return units(double(x) / double(y), x + y, 2);
}

float divideFull(float x, float y) { return units(double(x) / double(y), x + y, 2); }

double reciprocal(double x) { return upperHalf(flushed(1.0 / flushed(x))); }
double rsqrtGross(double x) { return upperHalf(flushed(1.0 / std::sqrt(flushed(x)))); }
double rsqrt(double x) { return 1.0 / std::sqrt(x); }

}  // namespace approximate
