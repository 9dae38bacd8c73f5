#include "driver.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace {

// The first driver that has what the addon calls: CUDA 11.0, that is 450 on Linux and 451 on Windows.
constexpr int OLDEST = 11000;

#if defined(_WIN32)

using Library = HMODULE;

std::wstring wide(const std::string& text) {
  const int length = MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0);
  std::wstring result(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), result.data(), length);
  return result;
}

Library openLibrary(const std::string& file, std::string& reason) {
  // A bare name is looked for among the system's libraries alone, never in the folder that the program was started in.
  const bool bare = file.find_first_of("/\\") == std::string::npos;
  const DWORD flags = bare ? LOAD_LIBRARY_SEARCH_SYSTEM32 : LOAD_WITH_ALTERED_SEARCH_PATH;
  Library library = LoadLibraryExW(wide(file).c_str(), nullptr, flags);
  if (!library) reason = file + ": error " + std::to_string(GetLastError()) + " of LoadLibrary";
  return library;
}

void* symbolOf(Library library, const char* name) { return reinterpret_cast<void*>(GetProcAddress(library, name)); }

#else

using Library = void*;

Library openLibrary(const std::string& file, std::string& reason) {
  Library library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* said = dlerror();
    reason = said ? said : file + " does not load";
  }
  return library;
}

void* symbolOf(Library library, const char* name) { return dlsym(library, name); }

#endif

template <class Function>
void bind(Library library, const char* name, Function& function, int version) {
  function = reinterpret_cast<Function>(symbolOf(library, name));
  if (!function) throw LoadFailure{"ERR_CUDA_SYMBOL", std::string("the driver's library has no ") + name, version};
}

}  // namespace

std::shared_ptr<const Driver> Driver::load(const std::vector<std::string>& files) {
  std::string reasons;
  Library library = nullptr;
  for (const auto& file : files) {
    std::string reason;
    library = openLibrary(file, reason);
    if (library) break;
    reasons += (reasons.empty() ? "" : "; ") + reason;
  }
  if (!library) throw LoadFailure{"ERR_CUDA_LIBRARY", reasons};
  auto driver = std::make_shared<Driver>();
  // First what tells the version, so that an old driver is called old, and not one that lacks some function.
  bind(library, "cuDriverGetVersion", driver->cuDriverGetVersion, 0);
  driver->cuDriverGetVersion(&driver->version);
  if (driver->version < OLDEST) throw LoadFailure{"ERR_CUDA_OLD", "the driver is too old", driver->version};
#define TAEDA_BIND(name, parameters) bind(library, #name, driver->name, driver->version);
  TAEDA_CUDA_FUNCTIONS(TAEDA_BIND)
#undef TAEDA_BIND
#define TAEDA_FIND(name, parameters) driver->name = reinterpret_cast<decltype(driver->name)>(symbolOf(library, #name));
  TAEDA_CUDA_OPTIONAL_FUNCTIONS(TAEDA_FIND)
#undef TAEDA_FIND
  if (!driver->cuGraphInstantiateWithFlags && !driver->cuGraphInstantiate_v2)
    throw LoadFailure{"ERR_CUDA_SYMBOL", "the driver's library has no cuGraphInstantiate", driver->version};
  return driver;
}

std::string Driver::nameOf(CUresult result) const {
  const char* name = nullptr;
  if (cuGetErrorName(result, &name) != cuda::SUCCESS || !name) return "CUDA_ERROR_" + std::to_string(result);
  return name;
}

std::string Driver::describe(CUresult result) const {
  const char* text = nullptr;
  if (cuGetErrorString(result, &text) != cuda::SUCCESS || !text) return "an error that this driver does not name";
  return text;
}
