// Kernels with loops, barriers, shuffles, calls and memory of each kind.

struct Window {
  float weights[5];
  int size;
  char shift;
};

__constant__ float scale[4] = {1, 10, 100, 1000};
__device__ int offsets[8] = {7, 6, 5, 4, 3, 2, 1};

__device__ __noinline__ float collatz(float start, int most) {
  float steps = 0;
  for (int n = int(start); n != 1 && steps < most; steps++) n = n % 2 ? 3 * n + 1 : n / 2;
  return steps;
}

extern "C" __global__ void calls(float* out, const float* a, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  out[i] = collatz(a[i], 1000) * scale[i & 3] + offsets[i & 7];
}

extern "C" __global__ void structure(float* out, Window window, short addend) {
  int i = threadIdx.x;
  out[i] = window.weights[i % window.size] + window.shift + addend;
}

/** Local memory, indexed by what is not known before. */
extern "C" __global__ void sorted(int* out, const int* a) {
  int row[8];
  int t = threadIdx.x;
  for (int k = 0; k < 8; k++) row[k] = a[t * 8 + k];
  for (int i = 1; i < 8; i++)
    for (int j = i; j > 0 && row[j - 1] > row[j]; j--) {
      int swap = row[j];
      row[j] = row[j - 1];
      row[j - 1] = swap;
    }
  for (int k = 0; k < 8; k++) out[t * 8 + k] = row[k];
}

extern "C" __global__ void sum(float* out, const float* a, int n) {
  extern __shared__ float parts[];
  float own = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) own += a[blockIdx.x * n + i];
  for (int step = 16; step > 0; step /= 2) own += __shfl_xor_sync(0xffffffff, own, step);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = own;
  __syncthreads();
  if (threadIdx.x < 32) {
    own = threadIdx.x < blockDim.x / 32 ? parts[threadIdx.x] : 0;
    for (int step = 16; step > 0; step /= 2) own += __shfl_xor_sync(0xffffffff, own, step);
    if (threadIdx.x == 0) out[blockIdx.x] = own;
  }
}

extern "C" __global__ void histogram(unsigned* out, const unsigned* a, int n) {
  __shared__ unsigned counts[64];
  if (threadIdx.x < 64) counts[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&counts[a[i] % 64], 1u);
  __syncthreads();
  if (threadIdx.x < 64) atomicAdd(&out[threadIdx.x], counts[threadIdx.x]);
}

/** The last block that arrives adds up what the others have left. */
extern "C" __global__ void lastBlock(float* out, float* parts, unsigned* arrived) {
  __shared__ bool last;
  parts[blockIdx.x] = blockIdx.x;
  __threadfence();
  if (threadIdx.x == 0) last = atomicAdd(arrived, 1u) == gridDim.x - 1;
  __syncthreads();
  if (!last || threadIdx.x != 0) return;
  float total = 0;
  for (unsigned i = 0; i < gridDim.x; i++) total += parts[i];
  out[0] = total;
}

/** C = A·B of n × n in tiles of 64 × 64, each thread 4 × 4. */
extern "C" __global__ void __launch_bounds__(256) matmul(float* c, const float* a, const float* b, int n) {
  __shared__ float ofA[16][65];
  __shared__ float ofB[16][64];
  int t = threadIdx.x;
  int row = t / 16 * 4;
  int column = t % 16;
  float sums[4][4] = {};
  for (int begin = 0; begin < n; begin += 16) {
    for (int e = t; e < 1024; e += 256) {
      ofA[e % 16][e / 16] = a[(blockIdx.y * 64 + e / 16) * n + begin + e % 16];
      ofB[e / 64][e % 64] = b[(begin + e / 64) * n + blockIdx.x * 64 + e % 64];
    }
    __syncthreads();
    for (int k = 0; k < 16; k++)
      for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) sums[i][j] += ofA[k][row + i] * ofB[k][column + 16 * j];
    __syncthreads();
  }
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) c[(blockIdx.y * 64 + row + i) * n + blockIdx.x * 64 + column + 16 * j] = sums[i][j];
}
