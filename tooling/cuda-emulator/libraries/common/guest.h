// What stand-ins of NVIDIA's libraries share: the emulator that they run on, their settings, and the types of elements.
#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>
#include "library_work.h"

namespace guest {

/** CUDA_SUCCESS in a current context of the emulator that has no fault. */
CUresult contextState();

/** Queues work that touches these bytes on a stream of the current context. */
template <class Body>
CUresult queue(CUstream stream, const char* name, const std::vector<LibrarySpan>& spans, Body body);

/** Such as "13.1.0": CUDA_EMULATOR_(LIBRARY)_VERSION. */
int versionPart(const char* library, const char* standard, int part);

/** The status that a call is to give, by CUDA_EMULATOR_(LIBRARY)_FAIL, such as "cublasLtCreate:1"; 0 where it is none. */
int forcedStatus(const char* library, const char* call);

/** The compute capability of the emulator's devices: 90. */
int capability();

enum class Type { f32, f64, f16, bf16 };
size_t bytesOf(Type type);
double load(Type type, const void* from, int64_t index);
/** Rounds to the nearest, ties to even. */
void store(Type type, void* to, int64_t index, double value);
/** The nearest number with the 11 significant bits of TF32. */
float toTf32(float value);

/** Whether two ranges of bytes have one in common. */
inline bool overlap(const LibrarySpan& a, const LibrarySpan& b) {
  return a.bytes && b.bytes && a.address < b.address + b.bytes && b.address < a.address + a.bytes;
}

CUresult queueWork(CUstream stream, const LibraryWork& work);

template <class Body>
CUresult queue(CUstream stream, const char* name, const std::vector<LibrarySpan>& spans, Body body) {
  return queueWork(stream, {name, spans.data(), spans.size(), [](void* data) { (*static_cast<Body*>(data))(); },
                            [](void* data) { delete static_cast<Body*>(data); }, new Body(std::move(body))});
}

}  // namespace guest
