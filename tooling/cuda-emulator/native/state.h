// The objects behind the driver's handles.
#pragma once
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>
#include "cuda.h"
#include "memory.h"
#include "program.h"

using Work = std::function<void()>;
using Clock = std::chrono::steady_clock;

struct Graph {
  std::vector<Work> work;
};

struct GraphExec {
  std::vector<Work> work;
};

struct Capture {
  CUstreamCaptureMode mode;
  std::thread::id thread;
  bool valid = true;
  std::unique_ptr<Graph> graph;
};

struct Stream {
  Context* context = nullptr;
  std::unique_ptr<Capture> capture;
};

struct Records {
  uint64_t queued = 0;
  uint64_t passed = 0;
};

struct Event {
  Context* context = nullptr;
  bool timed = true;
  bool recorded = false;
  bool captured = false;
  /** Records that are queued and have not been passed. */
  int pending = 0;
  /** How many records were queued so far, and passed: who waits for the event may outlive it. */
  std::shared_ptr<Records> records = std::make_shared<Records>();
  Clock::time_point time;
};

struct Module {
  Context* context = nullptr;
  std::unique_ptr<Program> program;
  std::vector<std::unique_ptr<Function>> functions;
};

struct Function {
  Module* module = nullptr;
  std::shared_ptr<Kernel> kernel;
  uint32_t dynamicSharedLimit = 48 << 10;
};

/** So many records of an event of another context. */
struct Awaited {
  Context* owner = nullptr;
  std::shared_ptr<Records> records;
  uint64_t count = 0;
};

struct Context {
  int device = 0;
  int references = 0;
  /** The fault that every later call gives. */
  CUresult fault = CUDA_SUCCESS;
  Memory memory;
  /** Pinned memory of the host. */
  Memory pinned;
  /** Memory of the host that was there and is pinned now. */
  std::unordered_set<void*> registered;
  Stream defaultStream;
  /** What CUDA_EMULATOR_DEFER holds back, in the order in which it was queued. */
  std::deque<Work> queue;
  /** Runs a function of the host that a stream called. */
  std::thread callback;
  /** What a stream waits for, where that is another context's. */
  Awaited awaited;
  std::unordered_set<Stream*> streams;
  std::unordered_set<Event*> events;
  std::unordered_set<Module*> modules;
  std::unordered_set<Function*> functions;
  std::unordered_set<GraphExec*> executables;
  std::unordered_set<Graph*> graphs;
  /** The devices whose memory it may reach. */
  std::unordered_set<int> peers;
};

using Lock = std::unique_lock<std::mutex>;

/** One call at a time. */
std::mutex& world();
bool& initialised();
extern thread_local Context* currentContext;
/** A device's primary context, whether it is retained or not. */
Context& primaryContext(int device);
/** The context that has an event, whichever is current; null where none has it. */
Context* ownerOf(CUevent event);
/** The context behind a handle; null where there is none, or nobody retains it. */
Context* contextOf(CUcontext handle);

/** Why a call cannot be made now: no context, or a fault that sticks. */
CUresult contextState();
/** The stream behind a handle, which may be 0 for the default; null where the handle is none of this context. */
Stream* streamOf(CUstream handle);
/** False, and captures invalid, where a capture in progress forbids a call that could wait. */
bool allowedInCapture(Context& context);
/** Runs work, or queues or records it as its stream does. */
CUresult submit(Lock& lock, Stream& stream, Work work);
/** Runs all that is queued in the context. */
void finish(Lock& lock, Context& context);
/** Makes a fault stick to the context and describes it. */
void fail(Context& context, CUresult result, const std::string& text);
/** An attribute of the device; -1 where there is none of this number. */
int deviceAttribute(CUdevice_attribute attribute, int device);
/** What the last fault was: the kernel, the line, the address. */
extern std::string lastFault;

#define BEGIN                                            \
  Lock lock(world());                                    \
  if (!initialised()) return CUDA_ERROR_NOT_INITIALIZED;
#define BEGIN_IN_CONTEXT                                        \
  BEGIN                                                         \
  if (CUresult state = contextState()) return state;            \
  Context& context = *currentContext;                           \
  (void)context;
#define BEGIN_ON_STREAM(handle)                          \
  BEGIN_IN_CONTEXT                                       \
  Stream* stream = streamOf(handle);                     \
  if (!stream) return CUDA_ERROR_INVALID_HANDLE;
#define NOT_WHILE_CAPTURING \
  if (!allowedInCapture(context)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
