// From statements to instructions: names become slots, mnemonics become functions, calls are inlined.
#pragma once
#include <initializer_list>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>
#include "text.h"
#include "warp.h"

namespace ptx {

/** What a name stands for. */
struct Symbol {
  enum Kind : uint8_t { registers, variable, parameter, scalar } kind;
  /** Of a register or of a scalar parameter of a function. */
  uint8_t width = 0;
  Space space = Space::generic;
  Slot slot = NOWHERE;
  int64_t range = -1;
  /** Of a variable: its address in its space. */
  uint64_t address = 0;
  /** Shared memory whose size the launch gives. */
  bool dynamic = false;
};

struct Address {
  Space space;
  Slot base;
  uint8_t width;
  int64_t offset;
};

/** Module-wide variables, by name. */
using Globals = std::unordered_map<std::string_view, Symbol>;

/** Decodes one kernel. Handlers of opcodes use it to read a statement's modifiers and operands. */
class Decoder {
 public:
  Decoder(const Text& text, const Globals& globals, Kernel& kernel, Code& code);
  void entry(const Function& function);
  /** Decodes a function that nobody calls, so that mistakes in it are found. */
  void alone(const Function& function);

  /** The functions that were called. */
  const std::set<const Function*>& inlined() const { return inlined_; }

  [[noreturn]] void mistake(const std::string& what) const;

  // Modifiers, each of which must be taken once.
  bool take(std::string_view modifier);
  /** The number of the one that is there; -1 where none is. */
  int takeOne(std::initializer_list<std::string_view> modifiers);
  int needOne(std::initializer_list<std::string_view> modifiers);
  Type takeType();
  Type needType();
  Space takeSpace();
  /** Cache hints and orderings of memory, which change nothing here. */
  void takeHints();
  std::string_view peekModifier() const;
  void dropModifier();

  // Operands.
  int operandCount() const { return statement_->count; }
  void needOperands(int least, int most = -1) const;
  /** For what only one architecture has. */
  void needSpecific(std::string_view what) const;
  void useWarpgroups() { code_.usesWarpgroups = true; }
  const Operand& operand(int i) const { return statement_->operands[i]; }
  const Operand& part(const Operand& group, uint32_t i) const { return function_->parts[group.first + i]; }
  /** A register of this many bits (1 for a predicate); NOWHERE for `_`. */
  Slot target(const Operand& operand, unsigned width);
  Slot target(int i, unsigned width) { return target(operand(i), width); }
  /** A register or a number as a type. */
  Slot source(const Operand& operand, Type type);
  Slot source(int i, Type type) { return source(operand(i), type); }
  unsigned widthOf(const Operand& operand);
  Slot predicate(int i);
  Slot secondPredicate(const Operand& operand);
  Address address(int i, Space space);
  int64_t integer(int i) const;
    const Symbol* variable(const Operand& operand);

  Instruction& emit(Run run);
  /** d, a, b, c of one type. */
  Instruction& emit(Run run, Type to, Type from, int sources);
  Slot constant(uint64_t bits, unsigned width);
  Slot temporary(unsigned width) { return allocate(width, 1); }
  uint32_t keep(const std::vector<Slot>& slots);
  void branchTo(std::string_view label);
  void returnFrom();
  void call();
  Slot special(Special::Kind kind, uint8_t which, unsigned width);

 private:
  struct Scope {
    std::unordered_map<std::string_view, Symbol> symbols;
    std::unordered_map<std::string_view, uint32_t> labels;
    struct Fix {
      uint32_t instruction;
      std::string_view label;
      int line;
    };
    std::vector<Fix> fixes;
  };

  void body(const Function& function);
  void instruction(const Statement& statement);
  void declare(const Declaration& declaration);
  void openScope() { scopes_.emplace_back(); }
  void closeScope();
  const Symbol* find(std::string_view name);
  Symbol at(const Symbol& range, int64_t index) const;
  Slot allocate(unsigned width, int64_t count);
  bool specialRegister(std::string_view name, unsigned width, Slot& slot);
  Slot registerSlot(std::string_view name, unsigned width);
  uint64_t sharedOffset(const Declaration& declaration);

  const Text& text_;
  const Globals& globals_;
  Kernel& kernel_;
  Code& code_;
  const Function* function_ = nullptr;
  const Statement* statement_ = nullptr;
  std::vector<std::string_view> modifiers_;
  std::vector<Scope> scopes_;
  /** Where the scopes of the function at hand begin. */
  size_t base_ = 0;
  /** Branches to the end of the function that is being inlined. */
  std::vector<std::vector<uint32_t>> returns_;
  std::vector<const Function*> calls_;
  std::set<const Function*> inlined_;
  std::map<const Declaration*, uint64_t> shared_;
  std::map<std::pair<uint64_t, unsigned>, Slot> constants_;
  Symbol found_;
};

using Handler = void (*)(Decoder&);
using Handlers = std::unordered_map<std::string_view, Handler>;

void addMoves(Handlers& handlers);
void addIntegers(Handlers& handlers);
void addFloats(Handlers& handlers);
void addComparisons(Handlers& handlers);
void addConversions(Handlers& handlers);
void addMemory(Handlers& handlers);
void addAtomics(Handlers& handlers);
void addControl(Handlers& handlers);
void addWarpwide(Handlers& handlers);
void addMatrices(Handlers& handlers);
void addWarpgroups(Handlers& handlers);
void addMbarriers(Handlers& handlers);
/** Bytes of shared memory. */
struct Extent {
  uint64_t begin;
  uint64_t end;
};
/** Where the matrices of a product lie. */
std::array<Extent, 2> extentsOf(const Product& product);
/** cp.async.bulk */
void copyBox(Decoder& decoder);

/** Arithmetic of floats by opcode, for the handlers of integers, which share its mnemonics. */
bool decodeFloat(Decoder& decoder, std::string_view opcode, Type type);
bool decodeHalf(Decoder& decoder, std::string_view opcode, Type type);

/**
 * Whether the lanes that a .sync instruction's mask names run it together. Where not, the step says what to do instead:
 * others run until they come here, or it is a fault.
 */
bool gathered(Warp& w, const Instruction& in, uint32_t mask, Slot members, Step& step);

/** A function that converts between integers, for registers of these bits; sign-extends where the source is signed. */
Run integerConversion(unsigned toBits, unsigned fromBits, bool isSigned);

}  // namespace ptx
