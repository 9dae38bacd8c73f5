#include "shared-library.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace {

#if defined(_WIN32)

std::wstring wide(const std::string& text) {
  const int length = MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0);
  std::wstring result(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), result.data(), length);
  return result;
}

void* load(const std::string& file, std::string& reason) {
  // A bare name is looked for among the system's libraries alone, never in the folder that the program was started in.
  const bool bare = file.find_first_of("/\\") == std::string::npos;
  const DWORD flags = bare ? LOAD_LIBRARY_SEARCH_SYSTEM32 : LOAD_WITH_ALTERED_SEARCH_PATH;
  HMODULE library = LoadLibraryExW(wide(file).c_str(), nullptr, flags);
  if (!library) reason = file + ": error " + std::to_string(GetLastError()) + " of LoadLibrary";
  return reinterpret_cast<void*>(library);
}

#else

void* load(const std::string& file, std::string& reason) {
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* said = dlerror();
    reason = said ? said : file + " does not load";
  }
  return library;
}

#endif

}  // namespace

SharedLibrary SharedLibrary::open(const std::vector<std::string>& files) {
  std::string reasons;
  for (const auto& file : files) {
    std::string reason;
    if (void* handle = load(file, reason)) return SharedLibrary(handle, file);
    reasons += (reasons.empty() ? "" : "; ") + reason;
  }
  throw LoadFailure{"ERR_CUDA_LIBRARY", reasons};
}

void* SharedLibrary::symbol(const char* name) const {
#if defined(_WIN32)
  return reinterpret_cast<void*>(GetProcAddress(reinterpret_cast<HMODULE>(handle_), name));
#else
  return dlsym(handle_, name);
#endif
}
