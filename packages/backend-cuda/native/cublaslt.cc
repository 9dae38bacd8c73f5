#include "cublaslt.h"

std::shared_ptr<const CublasLt> CublasLt::load(const std::vector<std::string>& files) {
  const SharedLibrary library = SharedLibrary::open(files);
  auto cublasLt = std::make_shared<CublasLt>();
  cublasLt->file = library.file();
#define TAEDA_BIND(name, parameters) bindSymbol(library, #name, cublasLt->name, library.file().c_str());
  TAEDA_CUBLASLT_FUNCTIONS(TAEDA_BIND)
#undef TAEDA_BIND
  for (const int part : {cublaslt::MAJOR, cublaslt::MINOR, cublaslt::PATCH})
    cublasLt->cublasLtGetProperty(part, &cublasLt->version[part]);
  return cublasLt;
}

std::string cublasLtStatus(cublaslt::Status status) {
  // The library names them itself from 11.4 on only.
  switch (status) {
    case 1: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case 3: return "CUBLAS_STATUS_ALLOC_FAILED";
    case 7: return "CUBLAS_STATUS_INVALID_VALUE";
    case 8: return "CUBLAS_STATUS_ARCH_MISMATCH";
    case 11: return "CUBLAS_STATUS_MAPPING_ERROR";
    case 13: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case 14: return "CUBLAS_STATUS_INTERNAL_ERROR";
    case 15: return "CUBLAS_STATUS_NOT_SUPPORTED";
    case 16: return "CUBLAS_STATUS_LICENSE_ERROR";
    default: return "CUBLAS_STATUS_" + std::to_string(status);
  }
}
