// The functions behind the primitives that are no single instruction, compiled ahead into math-ptx.ts by
// scripts/math-ptx.ts. CUDA's own functions where it has them; the others are those of the other backends, in doubles.
// Accuracy is that of CUDA's tables: no fast-math anywhere.
#include <math_constants.h>

#define UNARY(name, f32, f64)                                                          \
  extern "C" __device__ __noinline__ float f32_##name(float x) { return f32; }         \
  extern "C" __device__ __noinline__ double f64_##name(double x) { return f64; }
#define BINARY(name, f32, f64)                                                         \
  extern "C" __device__ __noinline__ float f32_##name(float x, float y) { return f32; } \
  extern "C" __device__ __noinline__ double f64_##name(double x, double y) { return f64; }

UNARY(exp, expf(x), exp(x))
UNARY(exp2, exp2f(x), exp2(x))
UNARY(expm1, expm1f(x), expm1(x))
UNARY(log, logf(x), log(x))
UNARY(log2, log2f(x), log2(x))
UNARY(log10, log10f(x), log10(x))
UNARY(log1p, log1pf(x), log1p(x))
UNARY(sin, sinf(x), sin(x))
UNARY(cos, cosf(x), cos(x))
UNARY(tan, tanf(x), tan(x))
UNARY(asin, asinf(x), asin(x))
UNARY(acos, acosf(x), acos(x))
UNARY(atan, atanf(x), atan(x))
UNARY(sinh, sinhf(x), sinh(x))
UNARY(cosh, coshf(x), cosh(x))
UNARY(tanh, tanhf(x), tanh(x))
UNARY(sigmoid, __fdiv_rn(1.0f, __fadd_rn(1.0f, expf(-x))), 1.0 / (1.0 + exp(-x)))
UNARY(erf, erff(x), erf(x))
UNARY(erfc, erfcf(x), erfc(x))
UNARY(erfinv, erfinvf(x), erfinv(x))
BINARY(pow, powf(x, y), pow(x, y))
BINARY(atan2, atan2f(x, y), atan2(x, y))
BINARY(mod, fmodf(x, y), fmod(x, y))

// log|Γ|. CUDA's float32 version loses digits between the zeros at negative numbers, as its tables say.
extern "C" __device__ __noinline__ double f64_lgamma(double x) { return lgamma(x); }
extern "C" __device__ __noinline__ float f32_lgamma(float x) {
  if (x > -0.5f) return lgammaf(x);
  return (float)f64_lgamma((double)x);
}

// B(2k)/(2k): the asymptotic series of digamma.
extern "C" __device__ __noinline__ double f64_digammaPositive(double x) {
  double sum = 0.0;
  // The terms one after the other; the smallest are the last.
  while (x < 10.0) {
    sum -= 1.0 / x;
    x += 1.0;
  }
  if (isinf(x)) return x;
  const double s = 1.0 / (x * x);
  double series = -3617.0 / 8160.0;
  series = series * s + 1.0 / 12.0;
  series = series * s - 691.0 / 32760.0;
  series = series * s + 1.0 / 132.0;
  series = series * s - 1.0 / 240.0;
  series = series * s + 1.0 / 252.0;
  series = series * s - 1.0 / 120.0;
  series = series * s + 1.0 / 12.0;
  return sum + f64_log(x) - 0.5 / x - s * series;
}

// PyTorch's poles: ∓infinity at ±0, NaN at the negative integers and -infinity.
extern "C" __device__ __noinline__ double f64_digamma(double x) {
  if (x == 0.0) return copysign(CUDART_INF, -x);
  if (!(x < 0.0)) return x != x ? x : f64_digammaPositive(x);
  // From the nearest integer, so that no digits are lost beside a pole.
  const double fraction = x - rint(x);
  if (isinf(x) || fraction == 0.0) return CUDART_NAN;
  const double value = f64_digammaPositive(1.0 - x);
  return value - CUDART_PI * cospi(fraction) / sinpi(fraction);
}
extern "C" __device__ __noinline__ float f32_digamma(float x) { return (float)f64_digamma((double)x); }

// x^-s for an integer s ≥ 1.
static __device__ double inversePower(double x, int s) {
  double power = 1.0;
  for (int left = s; left > 0; left >>= 1) {
    if (left & 1) power *= x;
    x *= x;
  }
  return 1.0 / power;
}

// Hurwitz's Σ (q + k)^-s over k ≥ 0, for an integer s ≥ 2 and positive q.
extern "C" __device__ __noinline__ double f64_zetaPositive(int s, double q) {
  if (isinf(q)) return 0.0;
  double sum = 0.0;
  double y = q;
  const double end = 10.0 + s;
  while (y < end) {
    const double term = inversePower(y, s);
    sum += term;
    if (term < sum * 1e-18) return sum;
    y += 1.0;
  }
  const double power = inversePower(y, s);
  sum += power * y / (s - 1) + power / 2.0;
  // B(2k)/(2k)!: Euler and Maclaurin's corrections.
  const double corrections[] = {1.0 / 12.0, -1.0 / 720.0, 1.0 / 30240.0, -1.0 / 1209600.0, 1.0 / 47900160.0,
                                -691.0 / 1307674368000.0, 1.0 / 74724249600.0, -3617.0 / 10670622842880000.0,
                                43867.0 / 5109094217170944000.0};
  double factor = s;
  double scale = power / y;
  const double step = 1.0 / (y * y);
#pragma unroll
  for (int k = 0; k < 9; k++) {
    sum += corrections[k] * factor * scale;
    factor *= (s + 2.0 * k + 1.0) * (s + 2.0 * k + 2.0);
    scale *= step;
  }
  return sum;
}

// Infinite at 0 and the negative integers.
static __device__ double zeta(int s, double q) {
  if (q > 0.0) return f64_zetaPositive(s, q);
  const double fraction = q - floor(q);
  if (!(fraction > 0.0)) return fraction == 0.0 ? CUDART_INF : CUDART_NAN;
  // The terms below zero, seen from the other side; the distance to the integer above is exact where 1 - fraction is 0.
  const double above = ceil(q) - q;
  const double below = f64_zetaPositive(s, above > 0.0 ? above : -q) - f64_zetaPositive(s, 1.0 - q);
  const double rest = f64_zetaPositive(s, fraction);
  return s & 1 ? rest - below : rest + below;
}

// (-1)^(n+1) n! ζ(n + 1, x) for n ≥ 1.
extern "C" __device__ __noinline__ double f64_polygamma(double order, double x) {
  const int n = (int)order;
  if (isinf(x) && x < 0.0) return CUDART_NAN;
  double factorial = n & 1 ? 1.0 : -1.0;
  for (int k = 2; k <= n; k++) factorial *= k;
  return factorial * zeta(n + 1, x);
}
extern "C" __device__ __noinline__ float f32_polygamma(float order, float x) {
  return (float)f64_polygamma((double)order, (double)x);
}

// Powers of integers wrap; a negative exponent leaves only the powers of ±1.
template <typename T>
static __device__ T power(T base, T exponent) {
  if (exponent >> (8 * sizeof(T) - 1) == (T)-1) return base == 1 ? 1 : base == (T)-1 ? (exponent & 1 ? (T)-1 : 1) : 0;
  T result = 1;
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) result *= base;
    base *= base;
  }
  return result;
}
extern "C" __device__ __noinline__ int s32_pow(int x, int y) { return power<int>(x, y); }
extern "C" __device__ __noinline__ unsigned u32_pow(unsigned x, unsigned y) { return power<unsigned>(x, y); }
extern "C" __device__ __noinline__ long long s64_pow(long long x, long long y) { return power<long long>(x, y); }

// Towards zero and modulo 2^64; what has no integer is 0.
extern "C" __device__ __noinline__ long long f64_integer(double x) {
  if (fabs(x) < 9223372036854775808.0) return __double2ll_rz(x);
  const long long bits = __double_as_longlong(x);
  const int exponent = (int)(bits >> 52 & 2047) - 1075;
  if (exponent > 63) return 0;
  const long long magnitude = ((bits & 0xfffffffffffffLL) | 0x10000000000000LL) << exponent;
  return bits < 0 ? -magnitude : magnitude;
}
