#include "text.h"
#include <bit>
#include <cstdlib>
#include <cstring>

namespace ptx {
namespace {

struct TypeName {
  std::string_view name;
  Type type;
  uint8_t bits;
};

const TypeName TYPES[] = {
    {"pred", Type::pred, 1},   {"b8", Type::b8, 8},       {"b16", Type::b16, 16},      {"b32", Type::b32, 32},
    {"b64", Type::b64, 64},    {"u8", Type::u8, 8},       {"u16", Type::u16, 16},      {"u32", Type::u32, 32},
    {"u64", Type::u64, 64},    {"s8", Type::s8, 8},       {"s16", Type::s16, 16},      {"s32", Type::s32, 32},
    {"s64", Type::s64, 64},    {"f16", Type::f16, 16},    {"f16x2", Type::f16x2, 32},  {"bf16", Type::bf16, 16},
    {"bf16x2", Type::bf16x2, 32}, {"tf32", Type::tf32, 32}, {"f32", Type::f32, 32},    {"f64", Type::f64, 64},
};

bool isNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c == '%'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNamePart(char c) { return isNameStart(c) || isDigit(c); }

/** The text as characters, with the line that they are in. */
class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) { skip(); }

  int line() const { return line_; }
  bool done() const { return at_ >= end_ || *at_ == 0; }
  char peek() const { return at_ < end_ ? *at_ : 0; }

  [[noreturn]] void mistake(const std::string& what) const { throw Mistake(line_, what); }

  bool accept(char c) {
    if (peek() != c) return false;
    at_++;
    skip();
    return true;
  }

  void expect(char c) {
    if (!accept(c)) mistake(std::string("'") + c + "' is missing before '" + std::string(rest()) + "'");
  }

  /** A name; with dots and double colons in it where it is a mnemonic or a directive. */
  std::string_view name(bool dotted = false) {
    const char* begin = at_;
    if (dotted && at_ < end_ && *at_ == '.') at_++;
    if (at_ >= end_ || !isNamePart(*at_)) mistake("a name is missing before '" + std::string(rest()) + "'");
    while (at_ < end_ && (isNamePart(*at_) || (dotted && (*at_ == '.' || (*at_ == ':' && isColons()))))) {
      at_ += *at_ == ':' ? 2 : 1;
    }
    std::string_view found(begin, size_t(at_ - begin));
    skip();
    return found;
  }

  /** One word with its dot: `.reg`, even where `.b32` follows at once. */
  std::string_view directive() {
    const char* begin = at_++;
    name();
    const char* end = begin + 1;
    while (end < end_ && isNamePart(*end)) end++;
    return {begin, size_t(end - begin)};
  }

  /** A name that may have one component, as %tid.x has. */
  std::string_view component() {
    const char* begin = at_;
    std::string_view found = name();
    if (peek() != '.') return found;
    at_++;
    std::string_view tail = name();
    return std::string_view(begin, size_t(tail.data() + tail.size() - begin));
  }

  bool atDirective() const { return peek() == '.' && at_ + 1 < end_ && isNameStart(at_[1]); }

  std::string_view string() {
    expectQuote();
    const char* begin = at_;
    while (at_ < end_ && *at_ != '"') at_++;
    std::string_view found(begin, size_t(at_ - begin));
    if (at_ < end_) at_++;
    skip();
    return found;
  }

  /** Skips up to the character, in one line or several. */
  void skipTo(char c) {
    while (at_ < end_ && *at_ != c) {
      if (*at_ == '\n') line_++;
      at_++;
    }
    skip();
  }

  void skipLine() {
    while (at_ < end_ && *at_ != '\n') at_++;
    skip();
  }

  /** A number: an integer, or the bits of a float (0f..., 0d...), or decimal with a point. */
  Operand number() {
    Operand operand;
    bool negative = accept('-');
    if (!negative) accept('+');
    if (peek() == '0' && at_ + 1 < end_ && strchr("fFdD", at_[1])) {
      bool wide = at_[1] == 'd' || at_[1] == 'D';
      at_ += 2;
      uint64_t bits = digits(16);
      skip();
      if (negative) bits ^= wide ? 1ull << 63 : 1ull << 31;
      operand.kind = wide ? Operand::real : Operand::single;
      operand.value = int64_t(bits);
      return operand;
    }
    const char* begin = at_;
    uint64_t value;
    if (peek() == '0' && at_ + 1 < end_ && (at_[1] == 'x' || at_[1] == 'X')) {
      at_ += 2;
      value = digits(16);
    } else if (peek() == '0' && at_ + 1 < end_ && (at_[1] == 'b' || at_[1] == 'B')) {
      at_ += 2;
      value = digits(2);
    } else {
      const char* first = at_;
      bool octal = *first == '0' && at_ + 1 < end_ && isDigit(at_[1]);
      value = digits(octal ? 8 : 10);
      if (peek() == '.' || peek() == 'e' || peek() == 'E') {
        char* end;
        double real = strtod(first, &end);
        at_ = end;
        skip();
        operand.kind = Operand::real;
        operand.value = std::bit_cast<int64_t>(negative ? -real : real);
        return operand;
      }
    }
    if (at_ == begin) mistake("a number is missing before '" + std::string(rest()) + "'");
    if (peek() == 'U') accept('U');
    skip();
    operand.kind = Operand::integer;
    operand.value = negative ? -int64_t(value) : int64_t(value);
    return operand;
  }

  /** "7.5": 75. */
  int version() {
    const char* begin = at_;
    while (at_ < end_ && (isDigit(*at_) || *at_ == '.')) at_++;
    std::string_view text(begin, size_t(at_ - begin));
    size_t dot = text.find('.');
    if (dot == std::string_view::npos) mistake("the version is no 'major.minor'");
    int major = atoi(std::string(text.substr(0, dot)).c_str());
    int minor = atoi(std::string(text.substr(dot + 1)).c_str());
    skip();
    return major * 10 + minor;
  }

  int64_t integer() {
    Operand operand = number();
    if (operand.kind != Operand::integer) mistake("an integer is missing");
    return operand.value;
  }

 private:
  bool isColons() const { return at_ + 2 < end_ && at_[1] == ':' && isNameStart(at_[2]); }

  void expectQuote() {
    if (peek() != '"') mistake("a string is missing");
    at_++;
  }

  std::string_view rest() const {
    const char* end = at_;
    while (end < end_ && *end != '\n' && end - at_ < 24) end++;
    return {at_, size_t(end - at_)};
  }

  uint64_t digits(unsigned base) {
    uint64_t value = 0;
    for (; at_ < end_; at_++) {
      char c = *at_;
      unsigned digit = isDigit(c) ? unsigned(c - '0') : c >= 'a' && c <= 'f' ? unsigned(c - 'a' + 10)
                                                    : c >= 'A' && c <= 'F'   ? unsigned(c - 'A' + 10)
                                                                             : 99u;
      if (digit >= base) break;
      value = value * base + digit;
    }
    return value;
  }

  /** Past spaces and comments. */
  void skip() {
    while (at_ < end_) {
      char c = *at_;
      if (c == '\n') line_++, at_++;
      else if (c == ' ' || c == '\t' || c == '\r') at_++;
      else if (c == '/' && at_ + 1 < end_ && at_[1] == '/') while (at_ < end_ && *at_ != '\n') at_++;
      else if (c == '/' && at_ + 1 < end_ && at_[1] == '*') skipComment();
      else break;
    }
  }

  void skipComment() {
    at_ += 2;
    while (at_ + 1 < end_ && !(at_[0] == '*' && at_[1] == '/')) {
      if (*at_ == '\n') line_++;
      at_++;
    }
    at_ += 2;
  }

  const char* at_;
  const char* end_;
  int line_ = 1;
};

bool spaceOf(std::string_view directive, Space& space) {
  static const std::pair<std::string_view, Space> SPACES[] = {
      {".reg", Space::reg},       {".param", Space::param},     {".shared", Space::shared},
      {".local", Space::local},   {".global", Space::global},   {".const", Space::constant},
  };
  for (auto& [name, value] : SPACES)
    if (name == directive) return space = value, true;
  return false;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : in_(text) {}

  Text run() {
    while (!in_.done()) topLevel();
    if (text_.version == 0) throw Mistake(1, "the text has no .version");
    if (text_.target == 0) throw Mistake(1, "the text has no .target");
    return std::move(text_);
  }

 private:
  void topLevel() {
    if (in_.accept(';')) return;
    if (in_.peek() == '@') in_.mistake("a statement outside of functions");
    std::string_view directive = in_.directive();
    if (directive == ".version") return version();
    if (directive == ".target") return target();
    if (directive == ".address_size") {
      if (in_.integer() != 64) in_.mistake("addresses have 64 bits here");
      return;
    }
    if (directive == ".file" || directive == ".loc") return in_.skipLine();
    if (directive == ".section") return section();
    if (directive == ".pragma") return in_.skipTo(';');
    if (directive == ".visible" || directive == ".weak" || directive == ".common") return;
    if (directive == ".extern") {
      external_ = true;
      return;
    }
    if (directive == ".entry" || directive == ".func") return function(directive == ".entry");
    Space space;
    if (!spaceOf(directive, space)) in_.mistake("unknown directive '" + std::string(directive) + "'");
    size_t before = text_.variables.size();
    declarations(space, text_.variables);
    for (size_t i = before; i < text_.variables.size(); i++) text_.variables[i].external = external_;
    external_ = false;
  }

  void version() {
    text_.version = in_.version();
  }

  void target() {
    std::string_view name = in_.name();
    if (name.substr(0, 3) != "sm_") in_.mistake("the target is no sm_...");
    text_.target = atoi(std::string(name.substr(3)).c_str());
    text_.specific = name.back() == 'a';
    while (in_.accept(',')) in_.name();
  }

  void section() {
    in_.skipTo('{');
    in_.skipTo('}');
    in_.accept('}');
  }

  /** `.align 8 .b8 name[40], other;` after its space. */
  void declarations(Space space, std::vector<Declaration>& into) {
    Declaration pattern = typed(space);
    do {
      Declaration each = pattern;
      named(each);
      into.push_back(std::move(each));
    } while (in_.accept(','));
    in_.expect(';');
  }

  Declaration typed(Space space) {
    Declaration declaration{.space = space, .type = Type::none, .line = in_.line()};
    while (in_.atDirective()) {
      std::string_view word = in_.directive();
      if (word == ".align") declaration.align = unsigned(in_.integer());
      else if (word == ".v2" || word == ".v4") declaration.vector = unsigned(word[2] - '0');
      else if (word == ".ptr") pointer();
      else if (word == ".const" || word == ".volatile" || word == ".attribute") continue;
      else {
        declaration.type = typeOf(word.substr(1));
        if (declaration.type == Type::none) in_.mistake("unknown type '" + std::string(word) + "'");
      }
    }
    if (declaration.type == Type::none) in_.mistake("a declaration without a type");
    return declaration;
  }

  /** `.ptr .global .align 16`: a hint. */
  void pointer() {
    Space space;
    while (in_.atDirective()) {
      std::string_view word = in_.directive();
      if (word == ".align") in_.integer();
      else if (!spaceOf(word, space)) in_.mistake("unknown '" + std::string(word) + "' of a pointer");
    }
  }

  void named(Declaration& declaration) {
    declaration.line = in_.line();
    declaration.name = in_.name();
    if (in_.accept('<')) {
      declaration.range = in_.integer();
      in_.expect('>');
    }
    while (in_.accept('[')) {
      int64_t size = in_.peek() == ']' ? 0 : in_.integer();
      in_.expect(']');
      declaration.elements = declaration.elements < 0 ? size : declaration.elements * size;
    }
    if (in_.accept('=')) initialise(declaration);
  }

  void initialise(Declaration& declaration) {
    unsigned width = bitsOf(declaration.type) / 8;
    if (in_.peek() == '{') values(declaration, width);
    else value(declaration, width);
    if (declaration.elements == 0) declaration.elements = int64_t(declaration.bytes.size() / width);
  }

  void values(Declaration& declaration, unsigned width) {
    in_.expect('{');
    while (!in_.accept('}')) {
      if (in_.peek() == '{') values(declaration, width);
      else value(declaration, width);
      in_.accept(',');
    }
  }

  void value(Declaration& declaration, unsigned width) {
    size_t at = declaration.bytes.size();
    declaration.bytes.resize(at + width);
    if (isNameStart(in_.peek())) {
      std::string_view name = in_.name();
      if (name == "generic") {
        in_.expect('(');
        name = in_.name();
        in_.expect(')');
      }
      declaration.references.emplace_back(uint32_t(at), name);
      if (in_.accept('+')) {
        int64_t offset = in_.integer();
        memcpy(&declaration.bytes[at], &offset, width);
      }
      return;
    }
    Operand number = in_.number();
    int64_t bits = number.value;
    if (declaration.type == Type::f32 && number.kind == Operand::real)
      bits = std::bit_cast<int32_t>(float(std::bit_cast<double>(bits)));
    memcpy(&declaration.bytes[at], &bits, width);
  }

  void function(bool entry) {
    Function function;
    function.entry = entry;
    external_ = false;
    if (in_.peek() == '(') parameters(function.returns);
    function.line = in_.line();
    function.name = in_.name();
    if (in_.peek() == '(') parameters(function.parameters);
    while (in_.atDirective()) functionDirective(function);
    if (in_.accept(';')) return keep(std::move(function));
    in_.expect('{');
    function.hasBody = true;
    body(function);
    keep(std::move(function));
  }

  /** A definition takes the place of an earlier declaration. */
  void keep(Function function) {
    for (Function& each : text_.functions) {
      if (each.name != function.name) continue;
      if (!function.hasBody) return;
      if (each.hasBody) throw Mistake(function.line, "the function '" + std::string(function.name) + "' is there twice");
      each = std::move(function);
      return;
    }
    text_.functions.push_back(std::move(function));
  }

  void parameters(std::vector<Declaration>& into) {
    in_.expect('(');
    while (!in_.accept(')')) {
      std::string_view directive = in_.directive();
      Space space;
      if (!spaceOf(directive, space)) in_.mistake("a parameter begins with '" + std::string(directive) + "'");
      Declaration declaration = typed(space);
      named(declaration);
      into.push_back(std::move(declaration));
      in_.accept(',');
    }
  }

  void functionDirective(Function& function) {
    std::string_view word = in_.directive();
    if (word == ".reqntid" || word == ".maxntid") {
      std::array<uint32_t, 3> size = {uint32_t(in_.integer()), 1, 1};
      for (int i = 1; i < 3 && in_.accept(','); i++) size[i] = uint32_t(in_.integer());
      function.maxThreads = size[0] * size[1] * size[2];
      if (word == ".reqntid") function.required = size;
    } else if (word == ".minnctapersm" || word == ".maxnctapersm" || word == ".maxnreg") {
      in_.integer();
    } else if (word == ".pragma") {
      in_.string();
      in_.expect(';');
    } else if (word != ".noreturn") {
      in_.mistake("unknown directive '" + std::string(word) + "'");
    }
  }

  void body(Function& function) {
    int depth = 1;
    while (depth > 0) {
      if (in_.done()) in_.mistake("'}' is missing at the end of '" + std::string(function.name) + "'");
      if (in_.peek() == '{') {
        function.body.push_back({.kind = Statement::open, .line = in_.line()});
        in_.accept('{');
        depth++;
      } else if (in_.peek() == '}') {
        function.body.push_back({.kind = Statement::close, .line = in_.line()});
        in_.accept('}');
        depth--;
      } else if (in_.accept(';')) {
      } else if (in_.atDirective()) {
        directive(function);
      } else {
        statement(function);
      }
    }
    function.body.pop_back();
  }

  void directive(Function& function) {
    int line = in_.line();
    std::string_view word = in_.directive();
    if (word == ".loc" || word == ".file") return in_.skipLine();
    if (word == ".pragma") {
      in_.string();
      in_.expect(';');
      return;
    }
    bool external = word == ".extern";
    if (external) word = in_.directive();
    Space space;
    if (!spaceOf(word, space)) throw Mistake(line, "unknown directive '" + std::string(word) + "'");
    size_t before = function.declarations.size();
    declarations(space, function.declarations);
    for (size_t i = before; i < function.declarations.size(); i++) {
      function.declarations[i].external = external;
      function.body.push_back({.kind = Statement::declaration, .line = line, .index = uint32_t(i)});
    }
  }

  void statement(Function& function) {
    Statement statement{.kind = Statement::instruction, .line = in_.line()};
    if (in_.accept('@')) {
      statement.guardNegated = in_.accept('!');
      statement.guard = in_.name();
    }
    statement.text = in_.name(true);
    if (in_.peek() == ':') {
      in_.accept(':');
      statement.kind = Statement::label;
      function.body.push_back(statement);
      return;
    }
    while (in_.peek() != ';') {
      if (statement.count == statement.operands.size()) in_.mistake("too many operands");
      statement.operands[statement.count++] = operand(function);
      if (!in_.accept(',')) break;
    }
    if (!in_.accept(';')) throw Mistake(statement.line, "';' is missing after '" + std::string(statement.text) + "'");
    function.body.push_back(statement);
  }

  Operand operand(Function& function) {
    char c = in_.peek();
    if (c == '{') return group(function, '{', '}', Operand::vector);
    if (c == '(') return group(function, '(', ')', Operand::list);
    if (c == '[') return address(function);
    if (c == '!') {
      in_.accept('!');
      Operand operand = named();
      operand.negated = true;
      return operand;
    }
    if (isNameStart(c)) return named();
    return in_.number();
  }

  Operand named() {
    Operand operand;
    operand.text = in_.component();
    operand.kind = operand.text == "_" ? Operand::sink : Operand::name;
    if (in_.accept('|')) operand.second = in_.name();
    if (in_.peek() == '+' && operand.kind == Operand::name) {
      in_.accept('+');
      operand.value = in_.integer();
    }
    return operand;
  }

  Operand address(Function& function) {
    Operand operand;
    operand.kind = Operand::address;
    in_.expect('[');
    if (isNameStart(in_.peek())) operand.text = in_.name();
    else operand.value = in_.integer();
    if (in_.accept('+')) operand.value += in_.integer();
    else if (in_.peek() == '-') operand.value += in_.integer();
    if (in_.accept(',')) {
      const Operand coordinates = group(function, '{', '}', Operand::vector);
      operand.first = coordinates.first;
      operand.count = coordinates.count;
    }
    in_.expect(']');
    return operand;
  }

  Operand group(Function& function, char open, char close, Operand::Kind kind) {
    in_.expect(open);
    std::vector<Operand> parts;
    while (!in_.accept(close)) {
      parts.push_back(operand(function));
      in_.accept(',');
    }
    Operand operand;
    operand.kind = kind;
    operand.first = uint32_t(function.parts.size());
    operand.count = uint32_t(parts.size());
    function.parts.insert(function.parts.end(), parts.begin(), parts.end());
    return operand;
  }

  Scanner in_;
  Text text_;
  bool external_ = false;
};

}  // namespace

Type typeOf(std::string_view name) {
  for (auto& each : TYPES)
    if (each.name == name) return each.type;
  return Type::none;
}

unsigned bitsOf(Type type) {
  for (auto& each : TYPES)
    if (each.type == type) return each.bits;
  return 0;
}

bool isFloat(Type type) { return type >= Type::f16; }
bool isSigned(Type type) { return type >= Type::s8 && type <= Type::s64; }

uint64_t Declaration::size() const {
  return uint64_t(bitsOf(type) / 8) * vector * uint64_t(elements < 0 ? 1 : elements);
}

Text parse(std::string_view text) { return Parser(text).run(); }

}  // namespace ptx
