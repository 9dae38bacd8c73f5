// For stand-ins of NVIDIA's libraries, which run on the CPU what theirs would launch.
#include "library_work.h"
#include "state.h"

EXPORT CUresult cudaEmulatorQueue(CUstream handle, const LibraryWork* work) {
  std::shared_ptr<void> data(work->data, work->release);
  BEGIN_ON_STREAM(handle)
  Context* owner = &context;
  std::vector<LibrarySpan> spans(work->spans, work->spans + work->count);
  return submit(lock, *stream, [owner, data, spans = std::move(spans), run = work->run, name = std::string(work->name)] {
    for (const LibrarySpan& span : spans)
      if (!owner->memory.holds(span.address, span.bytes))
        return fail(*owner, CUDA_ERROR_ILLEGAL_ADDRESS,
                    name + " touches " + std::to_string(span.bytes) + " bytes that are not all allocated");
    run(data.get());
  });
}

EXPORT CUresult cudaEmulatorState() {
  BEGIN_IN_CONTEXT
  return CUDA_SUCCESS;
}
