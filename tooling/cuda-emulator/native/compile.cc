// From PTX text to kernels, and what is wrong with the text.
#include <cstring>
#include <set>
#include "decode.h"

namespace {

using namespace ptx;

/** Allocates and fills the module's variables. */
void place(const Text& text, Memory& memory, Program& program, Globals& globals) {
  std::map<std::string_view, uint64_t> addresses;
  for (const Declaration& each : text.variables) {
    Symbol symbol{.kind = Symbol::variable, .space = each.space};
    if (each.space == Space::shared) continue;
    if (each.space != Space::global && each.space != Space::constant) throw Mistake(each.line, "a variable of this space outside of functions");
    uint64_t bytes = each.size();
    symbol.address = memory.allocate(bytes ? bytes : 1);
    if (!symbol.address) throw Mistake(each.line, "out of memory");
    memset((void*)symbol.address, 0, bytes);
    memcpy((void*)symbol.address, each.bytes.data(), std::min<uint64_t>(each.bytes.size(), bytes));
    program.variables.push_back({std::string(each.name), symbol.address, bytes});
    globals[each.name] = symbol;
    addresses[each.name] = symbol.address;
  }
  for (const Declaration& each : text.variables)
    for (auto& [at, name] : each.references) {
      auto found = addresses.find(name);
      if (found == addresses.end()) throw Mistake(each.line, "unknown name '" + std::string(name) + "' among initialisers");
      uint64_t offset = 0;
      void* where = (void*)(addresses[each.name] + at);
      memcpy(&offset, where, 8);
      offset += found->second;
      memcpy(where, &offset, 8);
    }
}

void decodeAll(const Text& text, const Globals& globals, Program& program) {
  std::set<const ptx::Function*> inlined;
  auto decode = [&](const ptx::Function& function) {
    auto kernel = std::make_shared<Kernel>();
    kernel->name = function.name;
    kernel->code = std::make_shared<Code>();
    Decoder decoder(text, globals, *kernel, *kernel->code);
    if (function.entry) decoder.entry(function);
    else decoder.alone(function);
    inlined.insert(decoder.inlined().begin(), decoder.inlined().end());
    return kernel;
  };
  for (const ptx::Function& each : text.functions)
    if (each.entry && each.hasBody) program.kernels.push_back(decode(each));
  // Functions that no kernel calls are decoded for their mistakes only.
  for (const ptx::Function& each : text.functions)
    if (!each.entry && each.hasBody && !inlined.count(&each)) decode(each);
}

}  // namespace

std::unique_ptr<Program> compile(std::string_view text, Memory& memory, std::string& log) {
  auto program = std::make_unique<Program>();
  Globals globals;
  try {
    Text parsed = parse(text);
    program->version = parsed.version;
    program->target = parsed.target;
    program->specific = parsed.specific;
    place(parsed, memory, *program, globals);
    decodeAll(parsed, globals, *program);
    return program;
  } catch (const Mistake& mistake) {
    log = "ptxas application ptx input, line " + std::to_string(mistake.line) + "; error   : " + mistake.what();
    for (const Variable& variable : program->variables) memory.free(variable.address);
    return nullptr;
  }
}
