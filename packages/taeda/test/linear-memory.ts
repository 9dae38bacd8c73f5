/**
 * A device whose memory the engine knows nothing of, as that of WebAssembly or of a GPU: buffers are handles into a store
 * that keeps for reuse whatever it was given back. Computes with cpu-js. Use after free, and freeing twice, throw.
 */
import { createCpuJs } from "@taeda/backend-cpu-js"
import { type Backend, type Buffer, type Device, type DType, deviceOf, OutOfMemoryError } from "@taeda/core"

class Handle {
  readonly inner: Buffer
  readonly key: string
  readonly bytes: number
  live = true

  constructor(inner: Buffer, key: string, bytes: number) {
    this.inner = inner
    this.key = key
    this.bytes = bytes
  }
}

export interface LinearMemory {
  readonly device: Device
  /** Bytes in buffers that are allocated and not freed. */
  live(): number
  /** Buffers that are allocated and not freed. */
  buffers(): number
  /** Bytes ever taken from the system: what a linear memory has grown to. */
  grown(): number
}

export function linearMemory(limit = Number.POSITIVE_INFINITY): LinearMemory {
  const cpu = createCpuJs()
  const store = new Map<string, Buffer[]>()
  let live = 0
  let buffers = 0
  let peak = 0
  let grown = 0
  const innerOf = (buffer: Buffer): Buffer => {
    const handle = buffer as Handle
    if (!handle.live) throw new Error("linear memory: a buffer is used after it was freed")
    return handle.inner
  }
  const backend: Backend = {
    ...cpu,
    name: "linear",
    capabilities: { ...cpu.capabilities, collectedMemory: false },
    allocate(bytes: number, dtype: DType) {
      if (live + bytes > limit)
        throw new OutOfMemoryError(`linear: no room for ${bytes} bytes beside ${live} in ${buffers} buffers.`)
      const key = `${bytes} ${dtype}`
      let inner = store.get(key)?.pop()
      if (!inner) {
        inner = cpu.allocate(bytes, dtype)
        grown += bytes
      }
      live += bytes
      buffers++
      peak = Math.max(peak, live)
      return new Handle(inner, key, bytes)
    },
    free(buffer) {
      const handle = buffer as Handle
      const inner = innerOf(handle)
      handle.live = false
      live -= handle.bytes
      buffers--
      const list = store.get(handle.key)
      if (list) list.push(inner)
      else store.set(handle.key, [inner])
    },
    write: (buffer, bytes, at) => cpu.write(innerOf(buffer), bytes, at),
    copy: (from, fromByte, to, toByte, bytes) => cpu.copy(innerOf(from), fromByte, innerOf(to), toByte, bytes),
    read: (buffer, at, bytes) => cpu.read(innerOf(buffer), at, bytes),
    readSync: (buffer, at, bytes) => cpu.readSync!(innerOf(buffer), at, bytes),
    launch(executable, sizes, operands, scalars) {
      const given = operands.map((o) => ({ ...o, buffer: innerOf(o.buffer) }))
      cpu.launch(executable, sizes, given, scalars)
    },
    memoryStats: () => ({ liveBytes: live, liveBuffers: buffers, pooledBytes: grown - live, peakBytes: peak }),
  }
  return { device: deviceOf(backend), live: () => live, buffers: () => buffers, grown: () => grown }
}
