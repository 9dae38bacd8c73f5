#include "settings.h"
#include <cstdlib>
#include <cstring>
#include <thread>

namespace settings {
namespace {

unsigned long long number(const char* name, unsigned long long otherwise) {
  const char* text = getenv(name);
  return text && *text ? strtoull(text, nullptr, 0) : otherwise;
}

/** Null where it is empty or not set. */
const char* words(const char* name) {
  const char* text = getenv(name);
  return text && *text ? text : nullptr;
}

bool flag(const char* name) { return number(name, 0) != 0; }

}  // namespace

int driverVersion() { return int(number("CUDA_EMULATOR_DRIVER_VERSION", 13000)); }
int deviceCount() { return int(number("CUDA_EMULATOR_DEVICES", 1)); }
size_t memoryBytes() { return number("CUDA_EMULATOR_MEMORY", 8ull << 30); }
bool peers() { return number("CUDA_EMULATOR_PEERS", 1) != 0; }
CUresult peerFailure() { return CUresult(number("CUDA_EMULATOR_FAIL_PEER", 0)); }
bool deferred() { return flag("CUDA_EMULATOR_DEFER"); }
bool races() { return flag("CUDA_EMULATOR_RACES"); }
bool quiet() { return flag("CUDA_EMULATOR_QUIET"); }
const char* saveFolder() { return words("CUDA_EMULATOR_SAVE"); }
const char* refused() { return words("CUDA_EMULATOR_REFUSE"); }
bool wrong(const char* instruction) {
  const char* text = words("CUDA_EMULATOR_WRONG");
  return text && strstr(text, instruction);
}

unsigned long long branchLimit() { return number("CUDA_EMULATOR_BRANCHES", 1ull << 32); }
CUresult initFailure() { return CUresult(number("CUDA_EMULATOR_FAIL_INIT", 0)); }

int capability() {
  const char* text = getenv("CUDA_EMULATOR_CAPABILITY");
  if (!text || !*text) return 90;
  char* end;
  long major = strtol(text, &end, 10);
  return int(major * 10 + (*end == '.' ? strtol(end + 1, nullptr, 10) : 0));
}

int threads() {
  static const int cores = int(std::thread::hardware_concurrency());
  int count = int(number("CUDA_EMULATOR_THREADS", cores));
  return count < 1 ? 1 : count;
}

bool forcedFailure(const char* kernel, ForcedFailure& failure) {
  const char* text = getenv("CUDA_EMULATOR_FAIL_LAUNCH");
  if (!text || !*text) return false;
  char* end;
  failure.result = CUresult(strtol(text, &end, 10));
  failure.atOnce = *end == '!';
  if (failure.atOnce) end++;
  return *end != ':' || strcmp(end + 1, kernel) == 0;
}

}  // namespace settings
