// Modules, functions, launches.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include "settings.h"
#include "state.h"

namespace {

/** The logs that a caller gave room for. */
struct Logs {
  struct Log {
    char* text = nullptr;
    void** size = nullptr;
  };
  Log error;
  Log info;

  Logs(unsigned count, const CUjit_option* options, void** values) {
    for (unsigned i = 0; i < count; i++) {
      if (options[i] == CU_JIT_ERROR_LOG_BUFFER) error.text = (char*)values[i];
      if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) error.size = &values[i];
      if (options[i] == CU_JIT_INFO_LOG_BUFFER) info.text = (char*)values[i];
      if (options[i] == CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES) info.size = &values[i];
    }
  }

  /** The sizes become the number of bytes that are written. */
  static void write(Log& log, const std::string& text) {
    if (!log.size) return;
    size_t room = size_t(*log.size) & 0xffffffff;
    size_t bytes = log.text && room ? std::min(room - 1, text.size()) : 0;
    if (log.text && room) {
      memcpy(log.text, text.data(), bytes);
      log.text[bytes] = 0;
    }
    *log.size = (void*)bytes;
  }
};

/** The newest PTX version that a driver reads: 70 for CUDA 11.0, 85 for 12.5. */
int newestPtx(int driver) {
  int major = driver / 1000;
  int minor = driver % 1000 / 10;
  if (major <= 11) return (major - 4) * 10 + minor;
  // CUDA 12.6 still reads 8.5.
  if (major == 12) return 80 + (minor <= 5 ? minor : minor - 1);
  return 90 + minor;
}

/** Writes a text to the folder, under a name that its bytes give. */
void save(std::string_view text, const char* folder) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3;
  char name[24];
  snprintf(name, sizeof name, "/%016llx.ptx", (unsigned long long)hash);
  if (FILE* file = fopen((folder + std::string(name)).c_str(), "wb")) {
    fwrite(text.data(), 1, text.size(), file);
    fclose(file);
  } else {
    fprintf(stderr, "cuda emulator: CUDA_EMULATOR_SAVE names no folder to write to: %s\n", folder);
  }
}

CUresult load(Context& context, std::string_view text, CUmodule* handle, std::string& log) {
  if (const char* folder = settings::saveFolder()) save(text, folder);
  if (const char* refused = settings::refused(); refused && text.find(refused) != text.npos) {
    log = "ptxas fatal   : '" + std::string(refused) + "' was to be refused";
    return CUDA_ERROR_INVALID_PTX;
  }
  auto module = std::make_unique<Module>();
  module->context = &context;
  module->program = compile(text, context.memory, log);
  if (!module->program) return CUDA_ERROR_INVALID_PTX;
  const Program& program = *module->program;
  if (program.version > newestPtx(settings::driverVersion())) {
    log = "ptxas fatal   : Unsupported .version " + std::to_string(program.version / 10) + "." +
          std::to_string(program.version % 10) + "; current version is '" +
          std::to_string(newestPtx(settings::driverVersion()) / 10) + "." +
          std::to_string(newestPtx(settings::driverVersion()) % 10) + "'";
    return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
  }
  if (program.target > settings::capability()) {
    log = "ptxas fatal   : the target sm_" + std::to_string(program.target) + " is newer than the device, sm_" +
          std::to_string(settings::capability());
    return CUDA_ERROR_INVALID_PTX;
  }
  if (program.specific && program.target != settings::capability()) {
    log = "ptxas fatal   : the target sm_" + std::to_string(program.target) + "a is for that device alone, and this is sm_" +
          std::to_string(settings::capability());
    return CUDA_ERROR_INVALID_PTX;
  }
  for (auto& kernel : program.kernels) {
    auto function = std::make_unique<Function>();
    function->module = module.get();
    function->kernel = kernel;
    module->functions.push_back(std::move(function));
  }
  *handle = module.release();
  context.modules.insert(*handle);
  for (auto& function : (*handle)->functions) context.functions.insert(function.get());
  return CUDA_SUCCESS;
}

/** The function behind a handle; null where the handle is none of this context. */
Function* functionOf(CUfunction handle) { return currentContext->functions.count(handle) ? handle : nullptr; }

int sharedOptin(int device) {
  return deviceAttribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, device);
}

/** The kernel's block of parameters, from pointers to each or from a buffer. */
bool gather(const Kernel& kernel, void** pointers, void** extra, std::vector<uint8_t>& block) {
  block.assign(kernel.parameterBytes, 0);
  if (pointers) {
    for (size_t i = 0; i < kernel.parameters.size(); i++)
      memcpy(&block[kernel.parameters[i].offset], pointers[i], kernel.parameters[i].bytes);
    return true;
  }
  if (!extra) return kernel.parameterBytes == 0;
  const void* from = nullptr;
  size_t bytes = 0;
  for (; extra[0] != CU_LAUNCH_PARAM_END; extra += 2) {
    if (extra[0] == CU_LAUNCH_PARAM_BUFFER_POINTER) from = extra[1];
    else if (extra[0] == CU_LAUNCH_PARAM_BUFFER_SIZE) bytes = *(size_t*)extra[1];
    else return false;
  }
  if (bytes < kernel.parameterBytes || (!from && kernel.parameterBytes)) return false;
  if (kernel.parameterBytes) memcpy(block.data(), from, kernel.parameterBytes);
  return true;
}

CUresult checkLaunch(const Function& function, const Size3& grid, const Size3& block, uint32_t shared) {
  for (int i = 0; i < 3; i++)
    if (grid[i] == 0 || grid[i] > (i ? 65535u : 2147483647u) || block[i] == 0 || block[i] > (i == 2 ? 64u : 1024u))
      return CUDA_ERROR_INVALID_VALUE;
  const Kernel& kernel = *function.kernel;
  uint64_t threads = uint64_t(block[0]) * block[1] * block[2];
  if (threads > 1024) return CUDA_ERROR_INVALID_VALUE;
  if (threads > kernel.maxThreads) return CUDA_ERROR_INVALID_VALUE;
  if (kernel.requiredThreads[0] && kernel.requiredThreads != block) return CUDA_ERROR_INVALID_VALUE;
  if (shared > function.dynamicSharedLimit || shared + kernel.sharedBytes > uint32_t(sharedOptin(0)))
    return CUDA_ERROR_INVALID_VALUE;
  return CUDA_SUCCESS;
}

}  // namespace

EXPORT CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned count, CUjit_option* options,
                                   void** values) {
  BEGIN_IN_CONTEXT
  if (!module || !image) return CUDA_ERROR_INVALID_VALUE;
  Logs logs(count, options, values);
  std::string log;
  CUresult result = load(context, (const char*)image, module, log);
  Logs::write(logs.error, result ? log : "");
  Logs::write(logs.info, "");
  return result;
}

EXPORT CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  return cuModuleLoadDataEx(module, image, 0, nullptr, nullptr);
}

EXPORT CUresult cuModuleUnload(CUmodule module) {
  BEGIN_IN_CONTEXT
  if (!context.modules.count(module)) return CUDA_ERROR_INVALID_HANDLE;
  finish(lock, context);
  context.modules.erase(module);
  for (auto& function : module->functions) context.functions.erase(function.get());
  for (const Variable& variable : module->program->variables) context.memory.free(variable.address);
  delete module;
  return CUDA_SUCCESS;
}

EXPORT CUresult cuModuleGetFunction(CUfunction* handle, CUmodule module, const char* name) {
  BEGIN_IN_CONTEXT
  if (!context.modules.count(module)) return CUDA_ERROR_INVALID_HANDLE;
  for (auto& function : module->functions) {
    if (function->kernel->name != name) continue;
    *handle = function.get();
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_NOT_FOUND;
}

EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr* address, size_t* bytes, CUmodule module, const char* name) {
  BEGIN_IN_CONTEXT
  if (!context.modules.count(module)) return CUDA_ERROR_INVALID_HANDLE;
  for (const Variable& variable : module->program->variables) {
    if (variable.name != name) continue;
    if (address) *address = variable.address;
    if (bytes) *bytes = variable.bytes;
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_NOT_FOUND;
}

EXPORT CUresult cuFuncGetAttribute(int* value, CUfunction_attribute attribute, CUfunction handle) {
  BEGIN_IN_CONTEXT
  Function* function = functionOf(handle);
  if (!function) return CUDA_ERROR_INVALID_HANDLE;
  const Kernel& kernel = *function->kernel;
  const Program& program = *function->module->program;
  switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *value = int(kernel.maxThreads); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: *value = int(kernel.sharedBytes); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES: *value = 0; return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES: *value = int(kernel.localBytes); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_NUM_REGS: *value = int(std::min(kernel.registers, 255u)); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION: *value = program.version; return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION: *value = settings::capability(); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_CACHE_MODE_CA: *value = 0; return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES: *value = int(function->dynamicSharedLimit); return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT: *value = -1; return CUDA_SUCCESS;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute, int value) {
  BEGIN_IN_CONTEXT
  Function* function = functionOf(handle);
  if (!function) return CUDA_ERROR_INVALID_HANDLE;
  if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) return CUDA_SUCCESS;
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) return CUDA_ERROR_INVALID_VALUE;
  if (value < 0 || value + int(function->kernel->sharedBytes) > sharedOptin(context.device))
    return CUDA_ERROR_INVALID_VALUE;
  function->dynamicSharedLimit = uint32_t(value);
  return CUDA_SUCCESS;
}

EXPORT CUresult cuLaunchKernel(CUfunction handle, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                               unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream streamHandle,
                               void** pointers, void** extra) {
  BEGIN_ON_STREAM(streamHandle)
  Function* function = functionOf(handle);
  if (!function) return CUDA_ERROR_INVALID_HANDLE;
  Launch launch{function->kernel, {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, sharedBytes, {}};
  if (CUresult result = checkLaunch(*function, launch.grid, launch.block, sharedBytes)) return result;
  if (!gather(*function->kernel, pointers, extra, launch.parameters)) return CUDA_ERROR_INVALID_VALUE;
  settings::ForcedFailure forced{};
  bool fails = settings::forcedFailure(function->kernel->name.c_str(), forced);
  if (fails && forced.atOnce) return forced.result;
  Context* owner = &context;
  return submit(lock, *stream, [owner, fails, forced, launch = std::move(launch)] {
    Fault fault = fails ? Fault{forced.result, "the launch was to fail"} : execute(launch, owner->memory);
    if (fault.result) fail(*owner, fault.result, "kernel " + launch.kernel->name + ": " + fault.text);
  });
}
