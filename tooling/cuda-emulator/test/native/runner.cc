// Does with a driver library what its standard input says, in words and counted bytes, and prints what comes of it.
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <windows.h>
#else
#include <dlfcn.h>
#endif
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <vector>
#include <ctime>

namespace {

using Result = int;
using Handle = void*;
using Address = unsigned long long;

void* library;

#ifdef _WIN32
void* openLibrary(const char* path) {
  _setmode(_fileno(stdin), _O_BINARY);
  _setmode(_fileno(stdout), _O_BINARY);
  return (void*)LoadLibraryA(path);
}
void* findFunction(const char* name) { return (void*)GetProcAddress((HMODULE)library, name); }
#else
void* openLibrary(const char* path) { return dlopen(path, RTLD_NOW); }
void* findFunction(const char* name) { return dlsym(library, name); }
#endif

template <class F>
F* function(const char* name) {
  void* found = findFunction(name);
  if (!found) {
    fprintf(stderr, "the library has no %s\n", name);
    exit(2);
  }
  return (F*)found;
}

std::string word() {
  std::string result;
  int c = getchar();
  while (c == ' ' || c == '\n') c = getchar();
  for (; c != ' ' && c != '\n' && c != EOF; c = getchar()) result += char(c);
  return result;
}

uint64_t number() { return strtoull(word().c_str(), nullptr, 0); }

std::vector<char> bytes() {
  size_t count = number();
  std::vector<char> result(count + 1);
  if (count && fread(result.data(), 1, count, stdin) != count) exit(2);
  result[count] = 0;
  return result;
}

void answer(const std::string& kind, const void* data, size_t count) {
  printf("%s %zu\n", kind.c_str(), count);
  fwrite(data, 1, count, stdout);
}

void check(Result result, const std::string& text = "") {
  if (result == 0) return;
  std::string message = std::to_string(result) + " " + text;
  answer("error", message.data(), message.size());
  fflush(stdout);
  exit(0);
}

struct Buffer {
  Address address;
  size_t bytes;
};

std::map<std::string, Buffer> buffers;
Handle module;

void loadModule() {
  auto text = bytes();
  char log[4096] = "";
  int options[] = {5, 6};
  void* values[] = {log, (void*)sizeof log};
  auto load = function<Result(Handle*, const void*, unsigned, int*, void**)>("cuModuleLoadDataEx");
  Result result = load(&module, text.data(), 2, options, values);
  check(result, log);
}

void addBuffer() {
  std::string name = word();
  auto data = bytes();
  Buffer buffer{0, data.size() - 1};
  check(function<Result(Address*, size_t)>("cuMemAlloc_v2")(&buffer.address, buffer.bytes));
  check(function<Result(Address, const void*, size_t)>("cuMemcpyHtoD_v2")(buffer.address, data.data(), buffer.bytes));
  buffers[name] = buffer;
}

void readBuffer() {
  std::string name = word();
  Buffer& buffer = buffers[name];
  std::vector<char> data(buffer.bytes);
  Result result = function<Result(void*, Address, size_t)>("cuMemcpyDtoH_v2")(data.data(), buffer.address, buffer.bytes);
  check(result, function<const char*()>("cudaEmulatorLastFault")());
  answer(name, data.data(), data.size());
}

/** A tensor map of rank 3: a buffer, the type, three sizes, two strides, three sizes of a box, the swizzle. */
struct alignas(64) Map {
  unsigned char bytes[128];
};

Map tensorMap() {
  Address address = buffers[word()].address;
  unsigned type = unsigned(number());
  uint64_t sizes[3], strides[2];
  uint32_t box[3];
  const uint32_t steps[3] = {1, 1, 1};
  for (uint64_t& each : sizes) each = number();
  for (uint64_t& each : strides) each = number();
  for (uint32_t& each : box) each = uint32_t(number());
  unsigned swizzle = unsigned(number());
  Map map;
  auto encode = function<Result(Map*, unsigned, unsigned, void*, const uint64_t*, const uint64_t*, const uint32_t*, const uint32_t*,
                                unsigned, unsigned, unsigned, unsigned)>("cuTensorMapEncodeTiled");
  check(encode(&map, type, 3, (void*)address, sizes, strides, box, steps, 0, swizzle, 0, 0), "at the tensor map");
  return map;
}

/**
 * launch entry gx gy gz bx by bz shared repeats, then parameters: "buffer name offset", "map" and what it is of, or "bytes count ...",
 * then "end".
 */
void launch() {
  std::string entry = word();
  unsigned size[7];
  for (unsigned& each : size) each = unsigned(number());
  unsigned repeats = unsigned(number());
  std::vector<char> block;
  auto append = [&](const void* data, size_t count) {
    while (block.size() % count) block.push_back(0);
    block.insert(block.end(), (const char*)data, (const char*)data + count);
  };
  for (std::string kind = word(); kind != "end"; kind = word()) {
    if (kind == "buffer") {
      std::string name = word();
      Address address = buffers[name].address + number();
      append(&address, 8);
    } else if (kind == "map") {
      Map map = tensorMap();
      append(&map, sizeof map);
    } else {
      auto data = bytes();
      append(data.data(), data.size() - 1);
    }
  }
  Handle kernel;
  check(function<Result(Handle*, Handle, const char*)>("cuModuleGetFunction")(&kernel, module, entry.c_str()));
  if (size[6] > 48 << 10) check(function<Result(Handle, int, int)>("cuFuncSetAttribute")(kernel, 8, int(size[6])));
  size_t count = block.size();
  void* extra[] = {(void*)1, block.data(), (void*)2, &count, nullptr};
  auto start = function<Result(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, void**, void**)>(
      "cuLaunchKernel");
  for (unsigned i = 0; i < repeats; i++)
    check(start(kernel, size[0], size[1], size[2], size[3], size[4], size[5], size[6], nullptr, nullptr, extra), "at the launch");
  check(function<Result()>("cuCtxSynchronize")(), function<const char*()>("cudaEmulatorLastFault")());
}

std::map<std::string, uint64_t> variables;
std::map<std::string, std::vector<char>> hosts;
std::deque<std::string> texts;

/** A function of the host for cuLaunchHostFunc: says that it has run. */
void notice(void* data) { *(uint64_t*)data += 1; }

/**
 * call name count arguments: a number, `=variable` for its value, `&variable` for its address, `#name` for 4096 bytes of the
 * host, `$text` for the text, `@` for a function that counts in what it is given. Answers with the result.
 */
void call() {
  std::string name = word();
  uint64_t count = number();
  uint64_t a[8] = {};
  for (uint64_t i = 0; i < count; i++) {
    std::string text = word();
    std::string rest = text.substr(1);
    if (text[0] == '=') a[i] = variables[rest];
    else if (text[0] == '&') a[i] = (uint64_t)&variables[rest];
    else if (text[0] == '#') {
      hosts[rest].resize(4096);
      a[i] = (uint64_t)hosts[rest].data();
    }
    else if (text[0] == '$') a[i] = (uint64_t)texts.emplace_back(rest).c_str();
    else if (text[0] == '@') a[i] = (uint64_t)&notice;
    else a[i] = strtoull(text.c_str(), nullptr, 0);
  }
  using Any = Result(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
  std::string result = std::to_string(function<Any>(name.c_str())(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]));
  answer("call", result.data(), result.size());
}

/** show variable; fill name byte; peek name: the variable's eight bytes, the host memory's first 64. */
void show() {
  std::string name = word();
  answer("show", &variables[name], 8);
}

void fill() {
  std::string name = word();
  hosts[name].assign(4096, char(number()));
}

void peek() {
  std::string name = word();
  hosts[name].resize(4096);
  answer("peek", hosts[name].data(), 64);
}

/** Of the processor, by all threads: other programs on the machine do not count. */
double microseconds() { return double(clock()) * 1e6 / CLOCKS_PER_SEC; }

}  // namespace

int main(int, char** arguments) {
  library = openLibrary(arguments[1]);
  if (!library) {
    fprintf(stderr, "%s does not load\n", arguments[1]);
    return 2;
  }
  // With one more argument the input calls the driver's functions one by one, from the first.
  if (!arguments[2]) {
    Handle context;
    check(function<Result(unsigned)>("cuInit")(0));
    check(function<Result(Handle*, int)>("cuDevicePrimaryCtxRetain")(&context, 0));
    check(function<Result(Handle)>("cuCtxSetCurrent")(context));
  }
  for (std::string command = word(); !command.empty(); command = word()) {
    double begin = microseconds();
    if (command == "module") loadModule();
    else if (command == "buffer") addBuffer();
    else if (command == "read") readBuffer();
    else if (command == "launch") launch();
    else if (command == "call") call();
    else if (command == "show") show();
    else if (command == "fill") fill();
    else if (command == "peek") peek();
    else return 2;
    if (getenv("RUNNER_TIMES")) fprintf(stderr, "%s: %.1f us\n", command.c_str(), microseconds() - begin);
  }
  return 0;
}
