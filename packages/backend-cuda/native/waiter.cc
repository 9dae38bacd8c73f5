#include "waiter.h"

#include "context.h"
#include "errors.h"

struct Waiter::Job {
  CUevent event;
  napi_deferred deferred;
  std::shared_ptr<Context> context;
  CUresult result;
};

Waiter::Waiter(Napi::Env env, Context& context) : env_(env), driver_(context.driver()), handle_(context.handle()) {
  const napi_status status =
      napi_create_threadsafe_function(env, nullptr, nullptr, Napi::String::New(env, "cuda: finished"), 0, 1, nullptr,
                                      nullptr, this, onSettled, &notify_);
  if (status != napi_ok) plainError(env, "cuda: no function that another thread may call");
  // It holds the process only while somebody waits.
  napi_unref_threadsafe_function(env, notify_);
  napi_add_env_cleanup_hook(env, onTeardown, this);
  thread_ = std::thread([this] { run(); });
}

Waiter::~Waiter() {
  if (!thread_.joinable()) return;
  napi_remove_env_cleanup_hook(env_, onTeardown, this);
  stop();
}

void Waiter::onTeardown(void* waiter) { static_cast<Waiter*>(waiter)->stop(); }

void Waiter::stop() {
  std::deque<std::unique_ptr<Job>> forgotten;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    forgotten.swap(jobs_);
  }
  changed_.notify_all();
  thread_.join();
  napi_release_threadsafe_function(notify_, napi_tsfn_release);
  // The last of them may take the context along, and this waiter with it: nothing is done after that.
}

void Waiter::run() {
  driver_.cuCtxSetCurrent(handle_);
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    std::unique_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    busy_ = true;
    lock.unlock();
    job->result = driver_.cuEventSynchronize(job->event);
    if (napi_call_threadsafe_function(notify_, job.get(), napi_tsfn_nonblocking) == napi_ok) job.release();
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

void Waiter::drain() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return jobs_.empty() && !busy_; });
  }
  for (CUevent event : events_) driver_.cuEventDestroy_v2(event);
  events_.clear();
}

Napi::Value Waiter::wait(std::shared_ptr<Context> context) {
  CUevent event = nullptr;
  if (events_.empty()) {
    context->check(driver_.cuEventCreate(&event, cuda::EVENT_BLOCKING | cuda::EVENT_NO_TIMING), "cuEventCreate");
  } else {
    event = events_.back();
    events_.pop_back();
  }
  const CUresult recorded = driver_.cuEventRecord(event, context->stream());
  if (recorded != cuda::SUCCESS) {
    events_.push_back(event);
    context->check(recorded, "cuEventRecord");
  }
  napi_value promise;
  auto job = std::make_unique<Job>(Job{event, nullptr, std::move(context), cuda::SUCCESS});
  if (napi_create_promise(env_, &job->deferred, &promise) != napi_ok) plainError(env_, "cuda: no promise");
  if (pending_++ == 0) napi_ref_threadsafe_function(env_, notify_);
  {
    std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
  return Napi::Value(env_, promise);
}

void Waiter::onSettled(napi_env env, napi_value, void* waiter, void* data) {
  std::unique_ptr<Job> job(static_cast<Job*>(data));
  // Without an environment there is nobody to tell.
  if (env) static_cast<Waiter*>(waiter)->settle(env, std::move(job));
}

void Waiter::settle(Napi::Env env, std::unique_ptr<Job> job) {
  events_.push_back(job->event);
  if (--pending_ == 0) napi_unref_threadsafe_function(env, notify_);
  try {
    job->context->check(job->result, "cuEventSynchronize");
    napi_resolve_deferred(env, job->deferred, env.Undefined());
  } catch (const Napi::Error& error) {
    napi_reject_deferred(env, job->deferred, error.Value());
  }
}
