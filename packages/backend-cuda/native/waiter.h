// Waits for events on a thread of its own, and settles promises on JavaScript's.
#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "driver.h"

class Context;

class Waiter {
 public:
  Waiter(Napi::Env env, Context& context);
  ~Waiter();

  // Records an event on the context's stream; a promise that it settles.
  Napi::Value wait(std::shared_ptr<Context> context);
  // Returns when everything that it was asked to wait for has passed; promises are settled by JavaScript's thread later.
  // The context is current, and goes away after that.
  void drain();

 private:
  struct Job;

  void run();
  void settle(Napi::Env env, std::unique_ptr<Job> job);
  // Ends the thread. What still waited is never settled: its environment is going away.
  void stop();

  static void onSettled(napi_env env, napi_value, void* waiter, void* job);
  static void onTeardown(void* waiter);

  Napi::Env env_;
  const Driver& driver_;
  const CUcontext handle_;
  napi_threadsafe_function notify_ = nullptr;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Job>> jobs_;
  bool stopping_ = false;
  bool busy_ = false;
  // Of JavaScript's thread alone: promises that are not settled, and events to use again.
  int pending_ = 0;
  std::vector<CUevent> events_;
};
