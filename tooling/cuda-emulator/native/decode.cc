#include "decode.h"
#include <bit>

namespace ptx {
namespace {

/** Width of a register as it is kept: 8-bit ones take 16. */
unsigned kept(Type type) {
  unsigned width = bitsOf(type);
  return width == 8 ? 16 : width;
}

uint32_t bytesOf(unsigned width) { return width == 1 ? 4 : LANES * width / 8; }

uint64_t align(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

const Handlers& handlers() {
  static const Handlers all = [] {
    Handlers table;
    for (auto add : {addMoves, addIntegers, addFloats, addComparisons, addConversions, addMemory, addAtomics,
                     addControl, addWarpwide, addMatrices, addWarpgroups, addMbarriers})
      add(table);
    return table;
  }();
  return all;
}

struct SpecialName {
  std::string_view name;
  Special::Kind kind;
  uint8_t which;
};

const SpecialName SPECIALS[] = {
    {"%tid.x", Special::tid, 0},       {"%tid.y", Special::tid, 1},       {"%tid.z", Special::tid, 2},
    {"%ntid.x", Special::ntid, 0},     {"%ntid.y", Special::ntid, 1},     {"%ntid.z", Special::ntid, 2},
    {"%ctaid.x", Special::ctaid, 0},   {"%ctaid.y", Special::ctaid, 1},   {"%ctaid.z", Special::ctaid, 2},
    {"%nctaid.x", Special::nctaid, 0}, {"%nctaid.y", Special::nctaid, 1}, {"%nctaid.z", Special::nctaid, 2},
    {"%laneid", Special::lane, 0},     {"%warpid", Special::warp, 0},     {"%nwarpid", Special::warps, 0},
    {"%lanemask_eq", Special::lanemask, 0}, {"%lanemask_le", Special::lanemask, 1},
    {"%lanemask_lt", Special::lanemask, 2}, {"%lanemask_ge", Special::lanemask, 3},
    {"%lanemask_gt", Special::lanemask, 4},
    {"%dynamic_smem_size", Special::dynamicShared, 1}, {"%total_smem_size", Special::totalShared, 0},
};

}  // namespace

Decoder::Decoder(const Text& text, const Globals& globals, Kernel& kernel, Code& code)
    : text_(text), globals_(globals), kernel_(kernel), code_(code) {
  // The slot NOWHERE.
  code_.registerBytes = 256;
}

void Decoder::mistake(const std::string& what) const {
  throw Mistake(statement_ ? statement_->line : function_->line, what);
}

void Decoder::entry(const Function& function) {
  function_ = &function;
  openScope();
  uint64_t offset = 0;
  for (const Declaration& parameter : function.parameters) {
    uint64_t bytes = parameter.size();
    offset = align(offset, std::max<uint64_t>(parameter.align, bitsOf(parameter.type) / 8 * parameter.vector));
    Symbol symbol{.kind = Symbol::parameter, .space = Space::param};
    symbol.address = offset;
    scopes_.back().symbols[parameter.name] = symbol;
    kernel_.parameters.push_back({uint32_t(offset), uint32_t(bytes)});
    offset += bytes;
  }
  kernel_.parameterBytes = uint32_t(offset);
  kernel_.requiredThreads = function.required;
  if (function.maxThreads) kernel_.maxThreads = function.maxThreads;
  body(function);
  kernel_.sharedBytes = uint32_t(align(kernel_.sharedBytes, 16));
  code_.localBytes = uint32_t(align(code_.localBytes, 16));
  kernel_.localBytes = code_.localBytes;
  kernel_.registers = code_.registerBytes / 128;
}

void Decoder::alone(const Function& function) {
  function_ = &function;
  openScope();
  for (auto* list : {&function.returns, &function.parameters})
    for (const Declaration& each : *list) declare(each);
  body(function);
}

void Decoder::body(const Function& function) {
  returns_.emplace_back();
  for (const Statement& statement : function.body) {
    statement_ = &statement;
    switch (statement.kind) {
      case Statement::open: openScope(); break;
      case Statement::close: closeScope(); break;
      case Statement::declaration: declare(function.declarations[statement.index]); break;
      case Statement::instruction: instruction(statement); break;
      case Statement::label: {
        auto [place, isNew] = scopes_.back().labels.emplace(statement.text, uint32_t(code_.instructions.size()));
        if (!isNew) mistake("the label '" + std::string(statement.text) + "' is there twice");
        break;
      }
    }
  }
  // Whatever runs off the end returns. A function's own end is where its returns meet.
  bool isEntry = returns_.size() == 1;
  if (isEntry) {
    statement_ = nullptr;
    static const Statement END{.kind = Statement::instruction, .line = 0, .text = "exit"};
    instruction(END);
  }
  uint32_t end = uint32_t(code_.instructions.size()) - (isEntry ? 1 : 0);
  for (uint32_t each : returns_.back()) code_.instructions[each].more = end;
  returns_.pop_back();
  closeScope();
}

void Decoder::instruction(const Statement& statement) {
  statement_ = &statement;
  modifiers_.clear();
  std::string_view rest = statement.text;
  size_t dot = rest.find('.');
  std::string_view opcode = rest.substr(0, dot);
  while (dot != std::string_view::npos) {
    rest = rest.substr(dot + 1);
    dot = rest.find('.');
    modifiers_.push_back(rest.substr(0, dot));
  }
  auto found = handlers().find(opcode);
  if (found == handlers().end()) mistake("unknown instruction '" + std::string(statement.text) + "'");
  uint32_t first = uint32_t(code_.instructions.size());
  found->second(*this);
  for (std::string_view each : modifiers_)
    if (!each.empty()) mistake("unknown modifier '." + std::string(each) + "' of '" + std::string(statement.text) + "'");
  if (statement.guard.empty()) return;
  Slot guard = registerSlot(statement.guard, 1);
  if (opcode == "call") return;
  for (uint32_t i = first; i < code_.instructions.size(); i++) {
    code_.instructions[i].guard = guard;
    code_.instructions[i].guardNegated = statement.guardNegated;
  }
}

void Decoder::declare(const Declaration& declaration) {
  Symbol symbol{.kind = Symbol::variable, .space = declaration.space};
  switch (declaration.space) {
    case Space::reg:
      symbol.kind = Symbol::registers;
      symbol.width = uint8_t(kept(declaration.type));
      symbol.range = declaration.range;
      symbol.slot = allocate(symbol.width, declaration.range < 0 ? 1 : declaration.range);
      break;
    case Space::shared:
      symbol.dynamic = declaration.external;
      symbol.address = declaration.external ? 0 : sharedOffset(declaration);
      break;
    case Space::param:
      if (declaration.elements < 0) {
        symbol.kind = Symbol::scalar;
        symbol.width = uint8_t(kept(declaration.type));
        symbol.slot = allocate(symbol.width, 1);
        break;
      }
      symbol.space = Space::local;
      [[fallthrough]];
    case Space::local:
      symbol.address = align(code_.localBytes, std::max(declaration.align, bitsOf(declaration.type) / 8));
      code_.localBytes = uint32_t(symbol.address + declaration.size());
      break;
    default: mistake("a variable of this space inside of a function");
  }
  scopes_.back().symbols[declaration.name] = symbol;
}

uint64_t Decoder::sharedOffset(const Declaration& declaration) {
  code_.usesSharedMemory = true;
  auto [place, isNew] = shared_.emplace(&declaration, 0);
  if (isNew) {
    place->second = align(kernel_.sharedBytes, std::max(declaration.align, bitsOf(declaration.type) / 8));
    kernel_.sharedBytes = uint32_t(place->second + declaration.size());
  }
  return place->second;
}

void Decoder::closeScope() {
  Scope scope = std::move(scopes_.back());
  scopes_.pop_back();
  for (auto& fix : scope.fixes) {
    auto label = scope.labels.find(fix.label);
    if (label != scope.labels.end()) code_.instructions[fix.instruction].more = label->second;
    else if (scopes_.size() > base_) scopes_.back().fixes.push_back(fix);
    else throw Mistake(fix.line, "unknown label '" + std::string(fix.label) + "'");
  }
}

Symbol Decoder::at(const Symbol& range, int64_t index) const {
  Symbol symbol = range;
  symbol.range = -1;
  symbol.slot = range.slot + Slot(index) * bytesOf(range.width);
  return symbol;
}

const Symbol* Decoder::find(std::string_view name) {
  size_t end = name.size();
  while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9') end--;
  std::string_view prefix = name.substr(0, end);
  int64_t index = -1;
  if (end < name.size() && name.size() - end < 10) {
    index = 0;
    for (char c : name.substr(end)) index = index * 10 + (c - '0');
  }
  for (size_t i = scopes_.size(); i-- > base_;) {
    auto& symbols = scopes_[i].symbols;
    if (auto exact = symbols.find(name); exact != symbols.end() && exact->second.range < 0) return &exact->second;
    if (index < 0) continue;
    auto range = symbols.find(prefix);
    if (range != symbols.end() && index < range->second.range) return &(found_ = at(range->second, index));
  }
  auto global = globals_.find(name);
  if (global != globals_.end()) return &global->second;
  // Shared memory of the module is laid out in each kernel, as far as that uses it.
  for (const Declaration& each : text_.variables) {
    if (each.space != Space::shared || each.name != name) continue;
    found_ = {.kind = Symbol::variable, .space = Space::shared};
    found_.dynamic = each.external;
    found_.address = each.external ? 0 : sharedOffset(each);
    return &found_;
  }
  return nullptr;
}

Slot Decoder::allocate(unsigned width, int64_t count) {
  uint32_t bytes = bytesOf(width);
  Slot slot = Slot(align(code_.registerBytes, std::max(bytes, 64u)));
  code_.registerBytes = Slot(slot + bytes * uint64_t(count));
  return slot;
}

Slot Decoder::constant(uint64_t bits, unsigned width) {
  auto [place, isNew] = constants_.emplace(std::pair(bits, width), NOWHERE);
  if (isNew) {
    place->second = allocate(width, 1);
    code_.constants.push_back({place->second, uint8_t(width / 8), width == 1 ? (bits ? ALL : 0) : bits});
  }
  return place->second;
}

Slot Decoder::special(Special::Kind kind, uint8_t which, unsigned width) {
  for (const Special& each : code_.specials)
    if (each.kind == kind && each.which == which) return each.slot;
  Slot slot = allocate(width, 1);
  code_.specials.push_back({kind, which, slot});
  return slot;
}

bool Decoder::specialRegister(std::string_view name, unsigned width, Slot& slot) {
  if (name == "WARP_SZ") return slot = constant(LANES, width), true;
  for (const SpecialName& each : SPECIALS) {
    if (each.name != name) continue;
    slot = special(each.kind, each.which, 32);
    if (width == 32) return true;
    // Some read a special register as 16 or 64 bits.
    Slot converted = allocate(width, 1);
    Instruction& in = emit(integerConversion(width, 32, false));
    in.d = converted;
    in.a = slot;
    slot = converted;
    return true;
  }
  if (name == "%smid" || name == "%gridid") return slot = constant(0, width), true;
  if (name == "%nsmid") return slot = constant(1, width), true;
  return false;
}

Slot Decoder::registerSlot(std::string_view name, unsigned width) {
  const Symbol* symbol = find(name);
  if (!symbol || symbol->kind != Symbol::registers) mistake("'" + std::string(name) + "' is no register");
  if (symbol->width != width)
    mistake("the register '" + std::string(name) + "' has " + std::to_string(symbol->width) + " bits, where '" +
            std::string(statement_->text) + "' needs " + std::to_string(width));
  return symbol->slot;
}

bool Decoder::take(std::string_view modifier) {
  for (auto& each : modifiers_) {
    if (each != modifier) continue;
    each = {};
    return true;
  }
  return false;
}

int Decoder::takeOne(std::initializer_list<std::string_view> modifiers) {
  int i = 0;
  for (std::string_view each : modifiers) {
    if (take(each)) return i;
    i++;
  }
  return -1;
}

int Decoder::needOne(std::initializer_list<std::string_view> modifiers) {
  int found = takeOne(modifiers);
  if (found < 0) {
    std::string names;
    for (std::string_view each : modifiers) names += " ." + std::string(each);
    mistake("'" + std::string(statement_->text) + "' needs one of" + names);
  }
  return found;
}

Type Decoder::takeType() {
  for (auto& each : modifiers_) {
    if (each.empty()) continue;
    Type type = typeOf(each);
    if (type == Type::none) continue;
    each = {};
    return type;
  }
  return Type::none;
}

Type Decoder::needType() {
  Type type = takeType();
  if (type == Type::none) mistake("'" + std::string(statement_->text) + "' has no type");
  return type;
}

Space Decoder::takeSpace() {
  static const std::pair<std::string_view, Space> SPACES[] = {
      {"global", Space::global},        {"shared", Space::shared},  {"shared::cta", Space::shared},
      {"local", Space::local},          {"param", Space::param},    {"const", Space::constant},
      {"param::entry", Space::param},   {"param::func", Space::param},
  };
  for (auto& [name, space] : SPACES)
    if (take(name)) return space;
  return Space::generic;
}

void Decoder::takeHints() {
  for (auto& each : modifiers_) {
    for (std::string_view hint :
         {"weak", "volatile", "relaxed", "acquire", "release", "acq_rel", "cta", "cluster", "gpu", "sys", "nc", "ca", "cg",
          "cs", "lu", "cv", "wb", "wt", "L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last",
          "L1::no_allocate", "L2::64B", "L2::128B", "L2::256B", "L2::evict_first", "L2::evict_last", "noftz"})
      if (each == hint) each = {};
  }
}

std::string_view Decoder::peekModifier() const {
  for (auto& each : modifiers_)
    if (!each.empty()) return each;
  return {};
}

void Decoder::dropModifier() {
  for (auto& each : modifiers_) {
    if (each.empty()) continue;
    each = {};
    return;
  }
}

void Decoder::needSpecific(std::string_view what) const {
  if (!text_.specific) mistake(std::string(what) + " needs a target such as sm_90a");
}

void Decoder::needOperands(int least, int most) const {
  int count = operandCount();
  if (count < least || count > (most < 0 ? least : most))
    mistake("'" + std::string(statement_->text) + "' has " + std::to_string(count) + " operands");
}

Slot Decoder::target(const Operand& operand, unsigned width) {
  if (operand.kind == Operand::sink) return NOWHERE;
  if (operand.kind != Operand::name) mistake("the result of '" + std::string(statement_->text) + "' is no register");
  return registerSlot(operand.text, width);
}

unsigned Decoder::widthOf(const Operand& operand) {
  const Symbol* symbol = operand.kind == Operand::name ? find(operand.text) : nullptr;
  return symbol && symbol->kind == Symbol::registers ? symbol->width : 0;
}

const Symbol* Decoder::variable(const Operand& operand) {
  const Symbol* symbol = operand.kind == Operand::name ? find(operand.text) : nullptr;
  return symbol && symbol->kind != Symbol::registers ? symbol : nullptr;
}

Slot Decoder::source(const Operand& operand, Type type) {
  unsigned width = kept(type);
  switch (operand.kind) {
    case Operand::name: {
      Slot slot;
      if (!find(operand.text) && specialRegister(operand.text, width, slot)) return slot;
      return registerSlot(operand.text, width);
    }
    case Operand::integer:
      if (type == Type::f32) return constant(std::bit_cast<uint32_t>(float(operand.value)), 32);
      if (type == Type::f64) return constant(std::bit_cast<uint64_t>(double(operand.value)), 64);
      if (width == 1) return constant(operand.value != 0, 1);
      return constant(width == 64 ? uint64_t(operand.value) : uint64_t(operand.value) & ((1ull << width) - 1), width);
    case Operand::single:
      if (type == Type::f64) return constant(std::bit_cast<uint64_t>(double(std::bit_cast<float>(uint32_t(operand.value)))), 64);
      return constant(uint32_t(operand.value), width);
    case Operand::real:
      if (type == Type::f32 || width == 32)
        return constant(std::bit_cast<uint32_t>(float(std::bit_cast<double>(operand.value))), 32);
      return constant(uint64_t(operand.value), width);
    default: mistake("an operand of '" + std::string(statement_->text) + "' is neither a register nor a number");
  }
}

Slot Decoder::predicate(int i) { return source(operand(i), Type::pred); }

Slot Decoder::secondPredicate(const Operand& operand) {
  return operand.second.empty() || operand.second == "_" ? NOWHERE : registerSlot(operand.second, 1);
}

int64_t Decoder::integer(int i) const {
  if (operand(i).kind != Operand::integer) mistake("an operand of '" + std::string(statement_->text) + "' is no integer");
  return operand(i).value;
}

Address Decoder::address(int i, Space space) {
  const Operand& operand = this->operand(i);
  if (operand.kind != Operand::address) mistake("an operand of '" + std::string(statement_->text) + "' is no address");
  Address address{space, NOWHERE, 64, operand.value};
  if (operand.text.empty()) {
    address.base = constant(0, 64);
    return address;
  }
  const Symbol* symbol = find(operand.text);
  if (!symbol) mistake("unknown name '" + std::string(operand.text) + "'");
  if (symbol->kind == Symbol::registers) {
    if (symbol->width < 32) mistake("an address in a register of " + std::to_string(symbol->width) + " bits");
    address.base = symbol->slot;
    address.width = symbol->width;
    return address;
  }
  if (symbol->kind == Symbol::scalar) {
    address.space = Space::reg;
    address.base = symbol->slot;
    address.width = symbol->width;
    return address;
  }
  bool agrees = space == Space::generic || space == symbol->space || (space == Space::param && symbol->space == Space::local);
  if (!agrees) mistake("'" + std::string(operand.text) + "' is in another space than '" + std::string(statement_->text) + "'");
  address.space = symbol->space;
  address.offset += int64_t(symbol->address);
  address.base = constant(0, 64);
  if (symbol->dynamic) {
    address.base = special(Special::dynamicShared, 0, 32);
    address.width = 32;
  }
  return address;
}

Instruction& Decoder::emit(Run run) {
  Instruction in;
  in.run = run;
  in.line = statement_ ? uint32_t(statement_->line) : 0;
  code_.instructions.push_back(in);
  return code_.instructions.back();
}

Instruction& Decoder::emit(Run run, Type to, Type from, int sources) {
  needOperands(sources + 1);
  Slot slots[4] = {target(0, kept(to)), NOWHERE, NOWHERE, NOWHERE};
  for (int i = 1; i <= sources; i++) slots[i] = source(i, from);
  Instruction& in = emit(run);
  in.d = slots[0];
  in.a = slots[1];
  in.b = slots[2];
  in.c = slots[3];
  return in;
}

uint32_t Decoder::keep(const std::vector<Slot>& slots) {
  uint32_t first = uint32_t(code_.slots.size());
  code_.slots.insert(code_.slots.end(), slots.begin(), slots.end());
  return first;
}

void Decoder::branchTo(std::string_view label) {
  scopes_.back().fixes.push_back({uint32_t(code_.instructions.size() - 1), label, statement_->line});
}

void Decoder::returnFrom() { returns_.back().push_back(uint32_t(code_.instructions.size() - 1)); }

namespace {

Step skipCall(Warp& w, const Instruction& in, uint32_t mask) {
  w.branch(mask, in.more);
  return Step::jump;
}

}  // namespace

void Decoder::call() {
  take("uni");
  const Statement& statement = *statement_;
  int name = 0;
  const Operand* results = nullptr;
  const Operand* arguments = nullptr;
  if (operand(0).kind == Operand::list) results = &operand(0), name = 1;
  if (name >= statement.count || operand(name).kind != Operand::name) mistake("a call of nothing that has a name");
  if (name + 1 < statement.count && operand(name + 1).kind == Operand::list) arguments = &operand(name + 1);

  const Function* callee = nullptr;
  for (const Function& each : text_.functions)
    if (each.name == operand(name).text && !each.entry) callee = &each;
  if (!callee) mistake("a call of the unknown function '" + std::string(operand(name).text) + "'");
  if (!callee->hasBody) mistake("a call of '" + std::string(callee->name) + "', which has no body");
  for (const Function* each : calls_)
    if (each == callee) mistake("'" + std::string(callee->name) + "' calls itself, and calls are inlined");
  uint32_t given[2] = {results ? results->count : 0, arguments ? arguments->count : 0};
  if (given[0] != callee->returns.size() || given[1] != callee->parameters.size())
    mistake("a call of '" + std::string(callee->name) + "' with another number of parameters");

  // The lanes that do not call go on behind.
  uint32_t skip = 0;
  bool guarded = !statement.guard.empty();
  if (guarded) {
    Slot guard = registerSlot(statement.guard, 1);
    Instruction& in = emit(skipCall);
    in.guard = guard;
    in.guardNegated = !statement.guardNegated;
    skip = uint32_t(code_.instructions.size() - 1);
  }

  // Memory of parameters is the caller's own; registers are copied.
  Scope scope;
  struct Copy {
    Slot to;
    Slot from;
    unsigned width;
  };
  std::vector<Copy> before;
  std::vector<Copy> after;
  auto bind = [&](const Declaration& formal, const Operand& actual, bool isResult) {
    const Symbol* symbol = actual.kind == Operand::name ? find(actual.text) : nullptr;
    if (formal.space == Space::reg) {
      unsigned width = kept(formal.type);
      Slot slot = allocate(width, 1);
      scope.symbols[formal.name] = {.kind = Symbol::registers, .width = uint8_t(width), .slot = slot};
      if (isResult) after.push_back({target(actual, width), slot, width});
      else before.push_back({slot, source(actual, formal.type), width});
      return;
    }
    if (!symbol || symbol->kind == Symbol::registers) {
      // A number or a register for a .param parameter.
      unsigned width = kept(formal.type);
      Slot slot = allocate(width, 1);
      scope.symbols[formal.name] = {.kind = Symbol::scalar, .width = uint8_t(width), .slot = slot};
      if (isResult) after.push_back({target(actual, width), slot, width});
      else before.push_back({slot, source(actual, formal.type), width});
      return;
    }
    bool isArray = formal.elements >= 0;
    if (isArray != (symbol->kind != Symbol::scalar) || (!isArray && symbol->width != kept(formal.type)))
      mistake("the parameter '" + std::string(formal.name) + "' has another type than '" + std::string(actual.text) + "'");
    scope.symbols[formal.name] = *symbol;
  };
  for (uint32_t i = 0; i < given[0]; i++) bind(callee->returns[i], part(*results, i), true);
  for (uint32_t i = 0; i < given[1]; i++) bind(callee->parameters[i], part(*arguments, i), false);
  auto copy = [&](const std::vector<Copy>& copies) {
    for (const Copy& each : copies) {
      Instruction& in = emit(integerConversion(each.width, each.width, false));
      in.d = each.to;
      in.a = each.from;
    }
  };
  copy(before);

  const Function* caller = function_;
  size_t base = base_;
  auto modifiers = std::move(modifiers_);
  function_ = callee;
  base_ = scopes_.size();
  scopes_.push_back(std::move(scope));
  calls_.push_back(callee);
  inlined_.insert(callee);
  body(*callee);
  calls_.pop_back();
  base_ = base;
  function_ = caller;
  statement_ = &statement;
  modifiers_ = std::move(modifiers);
  copy(after);
  if (guarded) code_.instructions[skip].more = uint32_t(code_.instructions.size());
}

}  // namespace ptx
