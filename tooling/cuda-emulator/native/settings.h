// What environment variables ask of the emulator. They are read at each use, so that a test may change them between calls.
#pragma once
#include <cstddef>
#include "cuda.h"

namespace settings {

/** CUDA_EMULATOR_DRIVER_VERSION: 13000 unless it is set. */
int driverVersion();
/** CUDA_EMULATOR_DEVICES: how many devices there are, 1 unless it is set. */
int deviceCount();
/** CUDA_EMULATOR_CAPABILITY, such as "7.5": ten times major, plus minor. 90 unless it is set. */
int capability();
/** CUDA_EMULATOR_MEMORY: bytes of a device, 8 GiB unless it is set. */
size_t memoryBytes();
/** CUDA_EMULATOR_THREADS: how many threads of the CPU run blocks; as many as it has cores unless it is set. */
int threads();
/** CUDA_EMULATOR_PEERS=0: no device reaches another's memory; copies between them work nevertheless. */
bool peers();
/** CUDA_EMULATOR_FAIL_PEER: the result that cuMemcpyPeerAsync gives instead of success. */
CUresult peerFailure();
/** CUDA_EMULATOR_DEFER=1: what is queued on a stream runs only once the host waits for it. */
bool deferred();
/** CUDA_EMULATOR_RACES=1: accesses to shared memory that no barrier orders fail the launch. */
bool races();
/** CUDA_EMULATOR_QUIET=1: a fault of a kernel is not described on stderr. */
bool quiet();
/** CUDA_EMULATOR_SAVE: the folder in which each text that is loaded as a module is written, once; null unless it is set. */
const char* saveFolder();
/** CUDA_EMULATOR_WRONG: whether an instruction that it names, such as "wgmma", gives wrong results. */
bool wrong(const char* instruction);
/** CUDA_EMULATOR_REFUSE: modules that have this text do not load; null unless it is set. */
const char* refused();
/** CUDA_EMULATOR_BRANCHES: backward branches of a warp after which a launch times out; 2^32 unless it is set. */
unsigned long long branchLimit();

/** A launch that must fail: with which result, and whether the call itself gives it or the device does later. */
struct ForcedFailure {
  CUresult result;
  bool atOnce;
};
/**
 * CUDA_EMULATOR_FAIL_LAUNCH: "719" fails the next launch as a fault on the device, which sticks; "701!" fails the call.
 * "719:kernel" fails launches of that kernel only.
 */
bool forcedFailure(const char* kernel, ForcedFailure& failure);
/** CUDA_EMULATOR_FAIL_INIT: the result that cuInit gives instead of success. */
CUresult initFailure();

}  // namespace settings
