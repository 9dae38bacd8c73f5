// What the emulator offers to stand-ins of NVIDIA's libraries: work on a stream of the current context.
#pragma once
#include <cstddef>
#include <cstdint>
#include "cuda.h"

/** Bytes that some work touches. */
struct LibrarySpan {
  uint64_t address;
  uint64_t bytes;
};

/**
 * Work as a library queues it: it runs when its turn comes, or is recorded where the stream is; `release` is called once,
 * when it can't run any more. Spans that leave the live allocations are a fault of the device, and then it doesn't run.
 */
struct LibraryWork {
  const char* name;
  const LibrarySpan* spans;
  size_t count;
  void (*run)(void* data);
  void (*release)(void* data);
  void* data;
};

using QueueLibraryWork = CUresult(CUstream stream, const LibraryWork* work);
/** CUDA_SUCCESS in a current context that has no fault. */
using LibraryContextState = CUresult();
