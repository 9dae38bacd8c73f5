#include "context.h"

#include <map>
#include <vector>

namespace {

// All contexts of the process by their device, whichever of JavaScript's threads they belong to: they share the device's
// primary context, and go down together.
std::mutex everyMutex;
std::map<int, std::vector<Context*>> every;
// How many there were so far.
std::atomic<uint64_t> contexts{0};

// Errors after which nothing in the context works any more, whatever is called.
bool isFatal(CUresult result) {
  switch (result) {
    case 214:  // CUDA_ERROR_ECC_UNCORRECTABLE
    case 220:  // CUDA_ERROR_NVLINK_UNCORRECTABLE
    case 226:  // CUDA_ERROR_CONTAINED
    case 700:  // CUDA_ERROR_ILLEGAL_ADDRESS
    case 702:  // CUDA_ERROR_LAUNCH_TIMEOUT
    case 709:  // CUDA_ERROR_CONTEXT_IS_DESTROYED
    case 710:  // CUDA_ERROR_ASSERT
    case 714:  // CUDA_ERROR_HARDWARE_STACK_ERROR
    case 715:  // CUDA_ERROR_ILLEGAL_INSTRUCTION
    case 716:  // CUDA_ERROR_MISALIGNED_ADDRESS
    case 717:  // CUDA_ERROR_INVALID_ADDRESS_SPACE
    case 718:  // CUDA_ERROR_INVALID_PC
    case 719:  // CUDA_ERROR_LAUNCH_FAILED
      return true;
    default:
      return false;
  }
}

}  // namespace

Resource::Resource(std::shared_ptr<Context> context) : context_(std::move(context)) {
  context_->resources_.insert(this);
}

void Resource::free() {
  if (!alive_) return;
  alive_ = false;
  context_->resources_.erase(this);
  onFreed();
  // What a lost or disposed context had is gone with it.
  if (!context_->isUsable()) return;
  context_->driver().cuCtxSetCurrent(context_->handle());
  release(context_->driver());
}

Context::Context(Napi::Env env, std::shared_ptr<const Driver> driver, int ordinal, CUdevice device, double number)
    : env_(env), driver_(std::move(driver)), ordinal_(ordinal), device_(device), number_(number), memories_(number),
      functions_(number) {}

std::shared_ptr<Context> Context::open(Napi::Env env, std::shared_ptr<const Driver> driver, int ordinal) {
  const Driver& calls = *driver;
  CUdevice device;
  CUresult result = calls.cuDeviceGet(&device, ordinal);
  if (result != cuda::SUCCESS) throw cudaError(env, calls, result, "cuDeviceGet");
  std::shared_ptr<Context> context(new Context(env, driver, ordinal, device, static_cast<double>(contexts++)));
  std::lock_guard lock(everyMutex);
  auto& others = every[ordinal];
  CUresult lost = cuda::SUCCESS;
  // Those that let go of it already say nothing about the one that there is now.
  for (Context* other : others)
    if (other->retained_ && other->lost_ != cuda::SUCCESS) lost = other->lost_;
  if (lost != cuda::SUCCESS) {
    // The others have the same primary context, which is of no use any more.
    for (Context* other : others) {
      other->lost_ = lost;
      other->releasePrimary();
    }
    calls.cuDevicePrimaryCtxReset_v2(device);
  }
  result = calls.cuDevicePrimaryCtxRetain(&context->handle_, device);
  if (result != cuda::SUCCESS) throw cudaError(env, calls, result, "cuDevicePrimaryCtxRetain");
  context->retained_ = true;
  calls.cuCtxSetCurrent(context->handle_);
  result = calls.cuStreamCreate(&context->stream_, cuda::STREAM_NON_BLOCKING);
  if (result != cuda::SUCCESS) {
    context->stream_ = nullptr;
    throw cudaError(env, calls, result, "cuStreamCreate");
  }
  others.push_back(context.get());
  return context;
}

Context::~Context() {
  dispose();
  std::lock_guard lock(everyMutex);
  std::erase(every[ordinal_], this);
}

void Context::releasePrimary() {
  if (retained_.exchange(false)) driver_->cuDevicePrimaryCtxRelease_v2(device_);
}

void Context::enter() {
  if (disposed_) plainError(env_, "cuda: this context was disposed");
  const CUresult lost = lost_;
  if (lost != cuda::SUCCESS) throw cudaError(env_, *driver_, lost, "cuda: this context is lost");
  check(driver_->cuCtxSetCurrent(handle_), "cuCtxSetCurrent");
}

void Context::check(CUresult result, const char* call, const std::string& detail) {
  if (result == cuda::SUCCESS) return;
  if (isFatal(result)) lost_ = result;
  throw cudaError(env_, *driver_, result, call, detail);
}

void Context::refuseWhileCapturing(const char* what) const {
  if (capturing_) plainError(env_, std::string("cuda: ") + what + " is not possible while launches are recorded");
}

void Context::beginCapture() {
  refuseWhileCapturing("to record");
  enter();
  check(driver_->cuStreamBeginCapture_v2(stream_, cuda::CAPTURE_RELAXED), "cuStreamBeginCapture");
  capturing_ = true;
}

CUgraph Context::endCapture() {
  if (!capturing_) plainError(env_, "cuda: nothing is recorded");
  capturing_ = false;
  enter();
  CUgraph graph = nullptr;
  check(driver_->cuStreamEndCapture(stream_, &graph), "cuStreamEndCapture");
  return graph;
}

Napi::Value Context::finished() {
  refuseWhileCapturing("to wait");
  enter();
  if (!waiter_) waiter_ = std::make_unique<Waiter>(env_, *this);
  return waiter_->wait(shared_from_this());
}

void Context::mark() {
  enter();
  if (!marked_)
    check(driver_->cuEventCreate(&marked_, cuda::EVENT_BLOCKING | cuda::EVENT_NO_TIMING), "cuEventCreate");
  check(driver_->cuEventRecord(marked_, stream_), "cuEventRecord");
}

void Context::probe() {
  // What was disposed was waited for.
  if (disposed_ || !marked_) return;
  enter();
  const CUresult result = driver_->cuEventQuery(marked_);
  if (result != cuda::NOT_READY) check(result, "cuEventQuery");
}

void Context::waitFor(const Context& other) {
  enter();
  check(driver_->cuStreamWaitEvent(stream_, other.marked_, 0), "cuStreamWaitEvent");
}

void Context::reach(const Context& other) {
  if (device_ == other.device_ || !reached_.insert(other.number_).second) return;
  enter();
  int can = 0;
  // Where they cannot, or others asked for it before, nothing is wrong: the driver then copies through the host.
  if (driver_->cuDeviceCanAccessPeer(&can, device_, other.device_) == cuda::SUCCESS && can)
    driver_->cuCtxEnablePeerAccess(other.handle_, 0);
}

void Context::beginWork() {
  std::lock_guard lock(workMutex_);
  works_++;
}

void Context::endWork() {
  {
    std::lock_guard lock(workMutex_);
    works_--;
  }
  workDone_.notify_all();
}

void Context::dispose() {
  if (disposed_) return;
  {
    std::unique_lock lock(workMutex_);
    workDone_.wait(lock, [this] { return works_ == 0; });
  }
  if (stream_ && lost_ == cuda::SUCCESS) {
    driver_->cuCtxSetCurrent(handle_);
    if (capturing_) {
      CUgraph graph = nullptr;
      if (driver_->cuStreamEndCapture(stream_, &graph) == cuda::SUCCESS && graph) driver_->cuGraphDestroy(graph);
      capturing_ = false;
    }
    driver_->cuStreamSynchronize(stream_);
    // Each takes itself out of the set.
    while (!resources_.empty()) (*resources_.begin())->free();
  }
  if (waiter_) waiter_->drain();
  if (marked_ && lost_ == cuda::SUCCESS) driver_->cuEventDestroy_v2(marked_);
  if (stream_ && lost_ == cuda::SUCCESS) driver_->cuStreamDestroy_v2(stream_);
  disposed_ = true;
  std::lock_guard lock(everyMutex);
  releasePrimary();
}
