#include "program.h"

std::unique_ptr<Program> compile(std::string_view, Memory&, std::string&) { return std::make_unique<Program>(); }
Fault execute(const Launch&, const Memory&) { return {}; }
