// One kernel for each function, of 32 threads in a block.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#define KERNEL(T, name, expression)                                                      \
  extern "C" __global__ void name(T* out, const T* a, const T* b) {                      \
    int i = blockIdx.x * 32 + threadIdx.x;                                               \
    T x = a[i];                                                                          \
    T y = b[i];                                                                          \
    (void)y;                                                                             \
    out[i] = expression;                                                                 \
  }

KERNEL(float, expf_, expf(x))
KERNEL(float, logf_, logf(x))
KERNEL(float, sinf_, sinf(x))
KERNEL(float, tanf_, tanf(x))
KERNEL(float, tanhf_, tanhf(x))
KERNEL(float, erff_, erff(x))
KERNEL(float, lgammaf_, lgammaf(x))
KERNEL(float, powf_, powf(x, y))
KERNEL(float, atan2f_, atan2f(x, y))
KERNEL(float, expm1f_, expm1f(x))
KERNEL(float, log1pf_, log1pf(x))
KERNEL(float, fmodf_, fmodf(x, y))
KERNEL(float, roundings, rintf(x) + 10 * floorf(x) + 100 * ceilf(x) + 1000 * truncf(x))
KERNEL(double, exp_, exp(x))
KERNEL(double, log_, log(x))
KERNEL(double, cos_, cos(x))
KERNEL(double, tanh_, tanh(x))
KERNEL(double, erf_, erf(x))
KERNEL(double, pow_, pow(x, y))
KERNEL(double, lgamma_, lgamma(x))
KERNEL(double, remainder_, fmod(x, y))
KERNEL(int, quotient, x / y)
KERNEL(int, remainder32, x % y)
KERNEL(long long, quotient64, x / y)
KERNEL(unsigned long long, remainder64, x % y)
KERNEL(int, counts, __popc(x) + 100 * __clz(x) + 10000 * __ffs(x))
KERNEL(signed char, bytes, (signed char)(x * y + 3))

extern "C" __global__ void halves(__half* out, const __half* a, const __half* b) {
  int i = threadIdx.x;
  out[i] = __hfma(a[i], b[i], __hsub(a[i], __float2half(0.5f)));
  out[i + 32] = hexp(a[i]);
  out[i + 64] = __hlt(a[i], b[i]) ? a[i] : b[i];
}

extern "C" __global__ void brains(__nv_bfloat16* out, const __nv_bfloat16* a, const __nv_bfloat16* b) {
  int i = threadIdx.x;
  out[i] = __hfma(a[i], b[i], a[i]);
  out[i + 32] = __float2bfloat16(sqrtf(__bfloat162float(a[i])));
}
