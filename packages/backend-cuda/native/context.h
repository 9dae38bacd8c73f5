// A device's primary context with one stream, and what lives in it.
#pragma once

#include <napi.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "driver.h"
#include "errors.h"
#include "waiter.h"

class Context;
class DeviceMemory;
struct Function;

// Objects that launches name by numbers. A number is never given twice in a process, so what stood behind it is that or nothing.
template <class T>
class Numbered {
 public:
  // `context` is the context's own number, by which numbers of another are known.
  explicit Numbered(double context) : first_(context * MOST) {}

  double add(T* value) {
    values_.push_back(value);
    return first_ + static_cast<double>(values_.size() - 1);
  }
  void remove(double number) { values_[static_cast<size_t>(number - first_)] = nullptr; }

  // Throws where a number is none of this context's, or what it stood for is gone.
  T& at(napi_env env, double number) const {
    const double index = number - first_;
    // Comparisons with NaN are false.
    if (!(index >= 0 && index < static_cast<double>(values_.size())) || index != std::floor(index)) {
      const bool isOther = number >= 0 && std::floor(number / MOST) != first_ / MOST;
      if (isOther) plainError(env, std::string("cuda: this ") + T::NAME + " belongs to another context");
      typeError(env, std::string("cuda: this is no ") + T::NAME);
    }
    T* value = values_[static_cast<size_t>(index)];
    if (!value) plainError(env, std::string("cuda: this ") + T::NAME + " was given back");
    return *value;
  }

 private:
  static constexpr double MOST = 4294967296.0;
  const double first_;
  std::vector<T*> values_;
};

// A launch as JavaScript writes it down, in memory that it shares with the addon: src/command.ts. It may say anything, and change
// while it is read, so each number is read once, and then checked.
struct Command {
  static constexpr size_t POINTERS = 512;
  static constexpr size_t PARAMETERS = 4096;

  struct Pointer {
    double memory;
    double begin;
    double low;
    double high;
  };

  double function;
  double blocks[3];
  double parameterBytes;
  double pointerCount;
  Pointer pointers[POINTERS];
  uint8_t parameters[PARAMETERS];
};

// Something of the driver's that belongs to a context. It is given back by `free`, at the latest when JavaScript's collector
// has found that nobody can reach it, or with the context.
class Resource {
 public:
  explicit Resource(std::shared_ptr<Context> context);
  virtual ~Resource() = default;
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;

  bool isAlive() const { return alive_; }
  Context& context() const { return *context_; }
  void free();

 protected:
  // Gives it back; the context is current.
  virtual void release(const Driver& driver) = 0;
  // Called once, even where the context is gone, and all that it had.
  virtual void onFreed() {}

 private:
  std::shared_ptr<Context> context_;
  bool alive_ = true;
};

class Context : public std::enable_shared_from_this<Context> {
 public:
  static constexpr uint64_t NUMBER = 2;
  static constexpr const char* NAME = "CudaContext";

  // Throws a CudaError. A context that an earlier error took down is made anew.
  static std::shared_ptr<Context> open(Napi::Env env, std::shared_ptr<const Driver> driver, int ordinal);
  ~Context();

  const Driver& driver() const { return *driver_; }
  CUcontext handle() const { return handle_; }
  CUstream stream() const { return stream_; }
  Napi::Env env() const { return env_; }

  // Makes it current. Throws where it was disposed or lost.
  void enter();
  // Throws a CudaError unless the call succeeded; an error that takes the context down is remembered.
  void check(CUresult result, const char* call, const std::string& detail = "");
  // Throws while the stream is recorded.
  void refuseWhileCapturing(const char* what) const;

  void beginCapture();
  CUgraph endCapture();

  bool isLost() const { return lost_ != cuda::SUCCESS; }
  // A promise of the moment when all that is queued now is done.
  Napi::Value finished();
  void dispose();

  // Marks the point that the stream is at, for others to wait for; `probe` throws where the device was lost before it.
  void mark();
  void probe();
  // The stream goes on when another context's has passed its mark.
  void waitFor(const Context& other);
  // Lets the device copy to another one without a detour, where these two can.
  void reach(const Context& other);

  Numbered<DeviceMemory>& memories() { return memories_; }
  Numbered<Function>& functions() { return functions_; }
  // JavaScript's arrays over it hold it too.
  const std::shared_ptr<Command>& command() const { return command_; }

  // Work of other threads that needs the context, such as the compilation of a module: `dispose` waits for it.
  void beginWork();
  void endWork();

 private:
  friend class Resource;
  Context(Napi::Env env, std::shared_ptr<const Driver> driver, int ordinal, CUdevice device, double number);

  bool isUsable() const { return !disposed_ && lost_ == cuda::SUCCESS; }
  // Lets go of the primary context, once.
  void releasePrimary();

  Napi::Env env_;
  std::shared_ptr<const Driver> driver_;
  const int ordinal_;
  const CUdevice device_;
  CUcontext handle_ = nullptr;
  CUstream stream_ = nullptr;
  bool disposed_ = false;
  bool capturing_ = false;
  // The error that took it down; another thread's contexts of the same device go down with it.
  std::atomic<CUresult> lost_{cuda::SUCCESS};
  std::atomic<bool> retained_{false};
  std::unordered_set<Resource*> resources_;
  CUevent marked_ = nullptr;
  const double number_;
  // The numbers of those that it was to reach.
  std::unordered_set<double> reached_;
  Numbered<DeviceMemory> memories_;
  Numbered<Function> functions_;
  const std::shared_ptr<Command> command_ = std::make_shared<Command>();
  std::unique_ptr<Waiter> waiter_;
  std::mutex workMutex_;
  std::condition_variable workDone_;
  int works_ = 0;
};
