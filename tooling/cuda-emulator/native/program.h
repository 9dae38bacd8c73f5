// A compiled module, as the driver's interface sees it.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
#include "cuda.h"
#include "memory.h"

struct Code;

struct Parameter {
  uint32_t offset;
  uint32_t bytes;
};

struct Kernel {
  std::string name;
  std::vector<Parameter> parameters;
  uint32_t parameterBytes = 0;
  /** Shared memory that the text declares. */
  uint32_t sharedBytes = 0;
  uint32_t localBytes = 0;
  uint32_t registers = 0;
  uint32_t maxThreads = 1024;
  /** All zero where the text asks for no size of block. */
  std::array<uint32_t, 3> requiredThreads = {0, 0, 0};
  std::shared_ptr<Code> code;
};

struct Variable {
  std::string name;
  uint64_t address;
  uint64_t bytes;
};

struct Program {
  /** PTX version and target, ten times major plus minor: 70, 75. */
  int version = 0;
  int target = 0;
  bool specific = false;
  std::vector<std::shared_ptr<Kernel>> kernels;
  std::vector<Variable> variables;
};

/** Compiles PTX text. Its variables are allocated in the memory. Null where the text is wrong: then the log names the line. */
std::unique_ptr<Program> compile(std::string_view text, Memory& memory, std::string& log);

using Size3 = std::array<uint32_t, 3>;

struct Launch {
  std::shared_ptr<Kernel> kernel;
  Size3 grid;
  Size3 block;
  uint32_t dynamicSharedBytes;
  std::vector<uint8_t> parameters;
};

/** What went wrong in a launch; CUDA_SUCCESS where nothing did. */
struct Fault {
  CUresult result = CUDA_SUCCESS;
  std::string text;
};

/** Runs a kernel to its end. */
Fault execute(const Launch& launch, const Memory& memory);
