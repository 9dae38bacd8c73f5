#include "cudnn.h"

std::shared_ptr<const Cudnn> Cudnn::load(const std::vector<std::string>& files) {
  const SharedLibrary library = SharedLibrary::open(files);
  auto cudnn = std::make_shared<Cudnn>();
  cudnn->file = library.file();
#define TAEDA_BIND(name, parameters) bindSymbol(library, #name, cudnn->name, library.file().c_str());
  TAEDA_CUDNN_FUNCTIONS(TAEDA_BIND)
  TAEDA_BIND(cudnnGetErrorString, )
  TAEDA_BIND(cudnnGetLastErrorString, )
#undef TAEDA_BIND
  // Major, minor and patch, by these numbers.
  for (int part = 0; part < 3; part++) cudnn->cudnnGetProperty(part, &cudnn->version[part]);
  return cudnn;
}
