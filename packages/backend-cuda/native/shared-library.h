// Libraries that are loaded while the program runs, and stay loaded for good: they have threads of their own.
#pragma once

#include <string>
#include <vector>

// Why a library cannot be used.
struct LoadFailure {
  // "ERR_CUDA_LIBRARY": none of the files loads; "ERR_CUDA_OLD": the driver is older than CUDA 11.0; "ERR_CUDA_SYMBOL".
  const char* code;
  std::string message;
  int version = 0;
};

class SharedLibrary {
 public:
  // The first of the files that there is. Throws a LoadFailure that says why none loads.
  static SharedLibrary open(const std::vector<std::string>& files);

  // Null where it has none of that name.
  void* symbol(const char* name) const;
  // Which of the files it is.
  const std::string& file() const { return file_; }

 private:
  SharedLibrary(void* handle, std::string file) : handle_(handle), file_(std::move(file)) {}

  void* handle_;
  std::string file_;
};

// Puts the address of a function where it is called from. Throws a LoadFailure; `what` is the library's name in it.
template <class Function>
void bindSymbol(const SharedLibrary& library, const char* name, Function& function, const char* what, int version = 0) {
  function = reinterpret_cast<Function>(library.symbol(name));
  if (!function) throw LoadFailure{"ERR_CUDA_SYMBOL", std::string(what) + " has no " + name, version};
}
