#include "guest.h"
#include <cstdio>
#include <cstdlib>
#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace guest {
namespace {

/** A function of the emulator, which the program has loaded before. */
void* symbolOf(const char* name) {
#ifdef _WIN32
  static HMODULE emulator = GetModuleHandleW(L"nvcuda.dll");
  void* function = emulator ? reinterpret_cast<void*>(GetProcAddress(emulator, name)) : nullptr;
#else
  // By its link beside this library: it is the same file, and so the same copy of it.
  static void* emulator = [] {
    Dl_info self{};
    dladdr(reinterpret_cast<void*>(&contextState), &self);
    std::string file = self.dli_fname;
    file.replace(file.find_last_of('/') + 1, std::string::npos, "libcuda.so.1");
    return dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD);
  }();
  void* function = emulator ? dlsym(emulator, name) : nullptr;
#endif
  if (!function) fprintf(stderr, "cuda-emulator: a stand-in library finds no emulator with %s\n", name);
  return function;
}

std::string setting(const char* library, const char* name) {
  const char* text = getenv(("CUDA_EMULATOR_" + std::string(library) + "_" + name).c_str());
  return text ? text : "";
}

}  // namespace

CUresult contextState() {
  static auto state = reinterpret_cast<LibraryContextState*>(symbolOf("cudaEmulatorState"));
  return state ? state() : CUDA_ERROR_NOT_INITIALIZED;
}

CUresult queueWork(CUstream stream, const LibraryWork& work) {
  static auto queue = reinterpret_cast<QueueLibraryWork*>(symbolOf("cudaEmulatorQueue"));
  if (queue) return queue(stream, &work);
  work.release(work.data);
  return CUDA_ERROR_NOT_INITIALIZED;
}

int versionPart(const char* library, const char* standard, int part) {
  std::string text = setting(library, "VERSION");
  int parts[3] = {};
  sscanf(text.empty() ? standard : text.c_str(), "%d.%d.%d", &parts[0], &parts[1], &parts[2]);
  return parts[part];
}

int forcedStatus(const char* library, const char* call) {
  const std::string text = setting(library, "FAIL");
  const size_t colon = text.find(':');
  return colon != std::string::npos && text.substr(0, colon) == call ? atoi(text.c_str() + colon + 1) : 0;
}

int capability() {
  const char* text = getenv("CUDA_EMULATOR_CAPABILITY");
  int major = 9;
  int minor = 0;
  if (text) sscanf(text, "%d.%d", &major, &minor);
  return 10 * major + minor;
}

size_t bytesOf(Type type) { return type == Type::f64 ? 8 : type == Type::f32 ? 4 : 2; }

double load(Type type, const void* from, int64_t index) {
  switch (type) {
    case Type::f64: return static_cast<const double*>(from)[index];
    case Type::f32: return static_cast<const float*>(from)[index];
    case Type::f16: return static_cast<float>(static_cast<const _Float16*>(from)[index]);
    case Type::bf16: {
      const uint32_t bits = uint32_t(static_cast<const uint16_t*>(from)[index]) << 16;
      float value;
      memcpy(&value, &bits, 4);
      return value;
    }
  }
  return 0;
}

void store(Type type, void* to, int64_t index, double value) {
  switch (type) {
    case Type::f64: static_cast<double*>(to)[index] = value; return;
    case Type::f32: static_cast<float*>(to)[index] = static_cast<float>(value); return;
    case Type::f16: static_cast<_Float16*>(to)[index] = static_cast<_Float16>(static_cast<float>(value)); return;
    case Type::bf16: {
      const float narrow = static_cast<float>(value);
      uint32_t bits;
      memcpy(&bits, &narrow, 4);
      const bool isNan = narrow != narrow;
      static_cast<uint16_t*>(to)[index] =
          isNan ? 0x7fc0 : static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
      return;
    }
  }
}

float toTf32(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if ((bits & 0x7f800000) == 0x7f800000) return value;
  bits = (bits + 0x1000) & ~0x1fffu;
  memcpy(&value, &bits, 4);
  return value;
}

}  // namespace guest
