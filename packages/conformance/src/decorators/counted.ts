/**
 * A decorator that counts buffers: who allocates must free, once, and not use it afterwards. It takes the garbage
 * collector's part away (`collectedMemory: false`), so that the core frees everything itself.
 */

import type { Backend, Buffer } from "@taeda/core"
import { delegate } from "./delegate.ts"

export interface CountedBackend extends Backend {
  /** Buffers that were allocated and not freed, as the core sees it and as the backend itself does. */
  live(): { readonly asked: number; readonly held: number }
}

export function counted(inner: Backend): CountedBackend {
  const live = new Set<Buffer>()
  const known = (buffer: Buffer): Buffer => {
    if (!live.has(buffer)) throw new Error(`${inner.name}: a buffer is used after it was freed, or was never allocated`)
    return buffer
  }
  const passed = delegate(inner)
  return {
    ...passed,
    capabilities: { ...inner.capabilities, collectedMemory: false },
    allocate(bytes, dtype) {
      const buffer = inner.allocate(bytes, dtype)
      live.add(buffer)
      return buffer
    },
    free(buffer) {
      inner.free(known(buffer))
      live.delete(buffer)
    },
    launch(executable, sizes, operands, scalars) {
      for (const { buffer } of operands) known(buffer)
      inner.launch(executable, sizes, operands, scalars)
    },
    live: () => ({ asked: live.size, held: inner.memoryStats().liveBuffers }),
  }
}
