/** A backend that passes every call on to another: what a decorator begins with. */

import type { Backend } from "@taeda/core"

export function delegate(inner: Backend): Backend {
  return {
    name: inner.name,
    core: inner.core,
    capabilities: inner.capabilities,
    allocate: (bytes, dtype) => inner.allocate(bytes, dtype),
    free: (buffer) => inner.free(buffer),
    write: (buffer, bytes, byteOffset) => inner.write(buffer, bytes, byteOffset),
    copy: (from, fromByte, to, toByte, bytes) => inner.copy(from, fromByte, to, toByte, bytes),
    read: (buffer, byteOffset, bytes) => inner.read(buffer, byteOffset, bytes),
    ...(inner.readSync && { readSync: (buffer, byteOffset, bytes) => inner.readSync!(buffer, byteOffset, bytes) }),
    supports: (kernel) => inner.supports(kernel),
    compile: (kernel) => inner.compile(kernel),
    warm: (kernels) => inner.warm(kernels),
    launch: (executable, sizes, operands, scalars) => inner.launch(executable, sizes, operands, scalars),
    synchronize: () => inner.synchronize(),
    memoryStats: () => inner.memoryStats(),
    dispose: () => inner.dispose(),
    ...(inner.capture && { capture: (record) => inner.capture!(record) }),
  }
}
