// Launches: of a command that JavaScript wrote down, or of arguments.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "arguments.h"
#include "resources.h"
#include "tensor-maps.h"

namespace {

// A block of parameters is at most 4 KiB for all devices, and 32764 bytes for the newest.
constexpr size_t MOST_PARAMETERS = 32768;
constexpr uint64_t MOST_BLOCKS[] = {2147483647, 65535, 65535};

// The driver copies what the kernel says that it takes, which may be more than it was given.
alignas(tensor_maps::ALIGNMENT) thread_local uint8_t parameters[MOST_PARAMETERS];
// How far a launch may reach from each of its pointers.
thread_local double reaches[MOST_PARAMETERS / 8];

unsigned blockCount(napi_env env, double number, size_t dim) {
  const uint64_t count = wholeNumber(env, number, "a number of blocks");
  if (count < 1 || count > MOST_BLOCKS[dim])
    rangeError(env, "cuda: a launch has 1 to " + std::to_string(MOST_BLOCKS[dim]) + " blocks in dim " +
                        std::to_string(dim) + ", not " + std::to_string(count));
  return static_cast<unsigned>(count);
}

// Throws unless so many bytes of parameters are there, and hold the pointers.
void checkParameters(napi_env env, uint64_t bytes, size_t most, uint64_t pointers) {
  if (bytes > most || bytes < 8 * pointers)
    rangeError(env, "cuda: " + std::to_string(bytes) + " bytes of parameters for " + std::to_string(pointers) +
                        " pointers");
}

// Puts the address of a launch's pointer into the parameters: where it begins, and which bytes the kernel may touch.
void point(napi_env env, size_t pointer, const DeviceMemory& memory, double begin, double low, double high) {
  const double most = static_cast<double>(memory.bytes());
  // Comparisons with NaN are false.
  if (!(begin >= 0 && begin <= most && low >= 0 && low <= high && high <= most) || begin != std::floor(begin))
    rangeError(env, "cuda: a kernel would touch bytes " + std::to_string(low) + " to " + std::to_string(high) +
                        " (from " + std::to_string(begin) + ") of a DeviceMemory of " +
                        std::to_string(memory.bytes()));
  const CUdeviceptr address = memory.address() + static_cast<CUdeviceptr>(begin);
  std::memcpy(parameters + 8 * pointer, &address, 8);
  reaches[pointer] = high - begin;
}

// Makes a function's tensor maps of the numbers that stand in their place.
void encodeMaps(Context& context, const Function& function, uint64_t bytes, uint64_t pointers) {
  if (function.maps == 0) return;
  if (function.maps > bytes / tensor_maps::BYTES || bytes % tensor_maps::ALIGNMENT != 0 ||
      bytes - function.maps * tensor_maps::BYTES < 8 * pointers)
    rangeError(context.env(), "cuda: " + std::to_string(bytes) + " bytes of parameters do not end in " +
                                  std::to_string(function.maps) + " tensor maps");
  context.enter();
  for (uint64_t i = 0; i < function.maps; i++)
    tensor_maps::encode(context, parameters, reaches, pointers, parameters + bytes - (function.maps - i) * tensor_maps::BYTES);
}

void queue(Context& context, const Function& function, const unsigned (&blocks)[3]) {
  context.enter();
  void* arguments[] = {parameters};
  context.check(context.driver().cuLaunchKernel(function.handle, blocks[0], blocks[1], blocks[2], function.threads, 1, 1,
                                                function.dynamicSharedBytes, context.stream(), arguments, nullptr),
                "cuLaunchKernel");
}

void launchWritten(Context& context) {
  const napi_env env = context.env();
  // Volatile, so that no number is read again after it was checked.
  const volatile Command& command = *context.command();
  const Function& function = context.functions().at(env, command.function);
  if (!function.isAlive()) plainError(env, "cuda: this DriverFunction was given back");
  unsigned blocks[3];
  for (size_t dim = 0; dim < 3; dim++) blocks[dim] = blockCount(env, command.blocks[dim], dim);
  const uint64_t bytes = wholeNumber(env, command.parameterBytes, "a number of bytes");
  const uint64_t count = wholeNumber(env, command.pointerCount, "a number of pointers");
  checkParameters(env, bytes, Command::PARAMETERS, count);
  std::memcpy(parameters, const_cast<const uint8_t*>(command.parameters), bytes);
  for (size_t i = 0; i < count; i++) {
    const volatile Command::Pointer& pointer = command.pointers[i];
    point(env, i, context.memories().at(env, pointer.memory), pointer.begin, pointer.low, pointer.high);
  }
  encodeMaps(context, function, bytes, count);
  queue(context, function, blocks);
}

// Called for every op of a program, so without what the wrapper of other methods looks up: the function knows its context.
napi_value launchCommand(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  try {
    launchWritten(**static_cast<ContextPointer*>(data));
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
  }
  return nullptr;
}

Napi::Value launch(const Napi::CallbackInfo& info, const ContextPointer& context) {
  const Napi::Env env = info.Env();
  const Function& function = resourceOf<Function>(*context, info[0]);
  unsigned blocks[3];
  for (uint32_t dim = 0; dim < 3; dim++) {
    napi_value value;
    double number = -1;
    if (napi_get_element(env, info[1], dim, &value) != napi_ok) typeError(env, "cuda: blocks must be three numbers");
    if (napi_get_value_double(env, value, &number) != napi_ok) number = -1;
    blocks[dim] = blockCount(env, number, dim);
  }
  const auto params = elementsOf<const uint8_t>(env, info[2], napi_uint8_array, "parameters must be a Uint8Array");
  const uint64_t bytes = wholeNumber(env, info[3], "a number of bytes");
  const napi_value memories = info[4];
  uint32_t count = 0;
  if (napi_get_array_length(env, memories, &count) != napi_ok) typeError(env, "cuda: memories must be an array");
  const auto ranges = elementsOf<const double>(env, info[5], napi_float64_array, "ranges must be a Float64Array");
  checkParameters(env, bytes, std::min(params.length, MOST_PARAMETERS), count);
  if (ranges.length < 3 * static_cast<size_t>(count))
    rangeError(env, "cuda: " + std::to_string(count) + " pointers need three numbers each");
  if (bytes > 0) std::memcpy(parameters, params.data, bytes);
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    if (napi_get_element(env, memories, i, &element) != napi_ok) typeError(env, "cuda: memories must be an array");
    const double* range = ranges.data + 3 * i;
    point(env, i, resourceOf<DeviceMemory>(*context, element), range[0], range[1], range[2]);
  }
  encodeMaps(*context, function, bytes, count);
  queue(*context, function, blocks);
  return env.Undefined();
}

}  // namespace

void addLaunchMethods(Napi::Object object, const ContextPointer& context) {
  const Napi::Env env = object.Env();
  addMethod<launch>(object, "launch");
  const auto& command = context->command();
  constant(object, "command", arrayOver(env, command, command.get(), sizeof(Command)));
  auto* held = new ContextPointer(context);
  napi_value function;
  if (napi_create_function(env, "launchCommand", NAPI_AUTO_LENGTH, launchCommand, held, &function) != napi_ok ||
      napi_add_finalizer(
          env, function, held, [](napi_env, void* data, void*) { delete static_cast<ContextPointer*>(data); }, nullptr,
          nullptr) != napi_ok) {
    delete held;
    plainError(env, "cuda: no function for launches");
  }
  constant(object, "launchCommand", Napi::Value(env, function));
}
