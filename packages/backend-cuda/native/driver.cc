#include "driver.h"

namespace {

// The first driver that has what the addon calls: CUDA 11.0, that is 450 on Linux and 451 on Windows.
constexpr int OLDEST = 11000;

constexpr const char* LIBRARY = "the driver's library";

}  // namespace

std::shared_ptr<const Driver> Driver::load(const std::vector<std::string>& files) {
  const SharedLibrary library = SharedLibrary::open(files);
  auto driver = std::make_shared<Driver>();
  // First what tells the version, so that an old driver is called old, and not one that lacks some function.
  bindSymbol(library, "cuDriverGetVersion", driver->cuDriverGetVersion, LIBRARY);
  driver->cuDriverGetVersion(&driver->version);
  if (driver->version < OLDEST) throw LoadFailure{"ERR_CUDA_OLD", "the driver is too old", driver->version};
#define TAEDA_BIND(name, parameters) bindSymbol(library, #name, driver->name, LIBRARY, driver->version);
  TAEDA_CUDA_FUNCTIONS(TAEDA_BIND)
#undef TAEDA_BIND
#define TAEDA_FIND(name, parameters) driver->name = reinterpret_cast<decltype(driver->name)>(library.symbol(#name));
  TAEDA_CUDA_OPTIONAL_FUNCTIONS(TAEDA_FIND)
#undef TAEDA_FIND
  if (!driver->cuGraphInstantiateWithFlags && !driver->cuGraphInstantiate_v2)
    throw LoadFailure{"ERR_CUDA_SYMBOL", "the driver's library has no cuGraphInstantiate", driver->version};
  return driver;
}

std::string Driver::nameOf(CUresult result) const {
  const char* name = nullptr;
  if (cuGetErrorName(result, &name) != cuda::SUCCESS || !name) return "CUDA_ERROR_" + std::to_string(result);
  return name;
}

std::string Driver::describe(CUresult result) const {
  const char* text = nullptr;
  if (cuGetErrorString(result, &text) != cuda::SUCCESS || !text) return "an error that this driver does not name";
  return text;
}
