// PTX text taken apart: declarations and statements, nothing resolved yet.
#pragma once
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ptx {

/** What is wrong with the text, and in which line. */
struct Mistake : std::runtime_error {
  Mistake(int line, const std::string& what) : std::runtime_error(what), line(line) {}
  int line;
};

enum class Type : uint8_t {
  none, pred, b8, b16, b32, b64, u8, u16, u32, u64, s8, s16, s32, s64, f16, f16x2, bf16, bf16x2, tf32, f32, f64
};

enum class Space : uint8_t { generic, global, constant, shared, local, param, reg };

/** The type of this name, without the dot; none where there is none. */
Type typeOf(std::string_view name);
unsigned bitsOf(Type type);
bool isFloat(Type type);
bool isSigned(Type type);

struct Operand {
  enum Kind : uint8_t { none, name, integer, single, real, address, vector, list, sink } kind = none;
  /** `!p`. */
  bool negated = false;
  /** A name: of a register, a variable, a label. In an address, its base, which may be empty. */
  std::string_view text;
  /** The second name of `p|q`. */
  std::string_view second;
  /** The bits of a number; the offset in an address. */
  int64_t value = 0;
  /** What a vector or a list in parentheses holds, or which coordinates follow an address: its place among the statement's parts. */
  uint32_t first = 0;
  uint32_t count = 0;
};

struct Declaration {
  Space space;
  Type type;
  unsigned align = 0;
  /** `.v2`, `.v4`. */
  unsigned vector = 1;
  std::string_view name = {};
  /** `%r<8>`: 8. */
  int64_t range = -1;
  /** Elements of an array; -1 where it is none, 0 where its size is left open. */
  int64_t elements = -1;
  bool external = false;
  std::vector<uint8_t> bytes = {};
  /** Names of other variables among the initialisers: where, and which. */
  std::vector<std::pair<uint32_t, std::string_view>> references = {};
  int line = 0;
  uint64_t size() const;
};

struct Statement {
  enum Kind : uint8_t { instruction, label, open, close, declaration } kind;
  int line;
  /** The mnemonic with its modifiers, or the label's name. */
  std::string_view text = {};
  std::string_view guard = {};
  bool guardNegated = false;
  uint8_t count = 0;
  std::array<Operand, 8> operands = {};
  /** The declaration's place in the function's list. */
  uint32_t index = 0;
};

struct Function {
  std::string_view name;
  bool entry = false;
  bool hasBody = false;
  int line = 0;
  std::vector<Declaration> returns;
  std::vector<Declaration> parameters;
  std::array<uint32_t, 3> required = {0, 0, 0};
  uint32_t maxThreads = 0;
  std::vector<Statement> body;
  std::vector<Declaration> declarations;
  std::vector<Operand> parts;
};

struct Text {
  int version = 0;
  int target = 0;
  /** sm_90a: for devices of that capability alone. */
  bool specific = false;
  std::vector<Declaration> variables;
  std::vector<Function> functions;
};

/** Throws a Mistake. The result refers to the text. */
Text parse(std::string_view text);

}  // namespace ptx
