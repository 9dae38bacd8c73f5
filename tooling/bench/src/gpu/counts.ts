/**
 * Counts what a page asks of WebGPU, from outside and the same way for every library: the interface's own methods are wrapped
 * before any library loads.
 */

/** What was asked for since the page began. */
export interface GpuCounts {
  dispatches: number
  submissions: number
  /** Bytes from the host to the device: written by the queue, or into mapped buffers. */
  writtenBytes: number
  /** Bytes of buffers that were mapped to be read. */
  readBytes: number
  /** Bytes copied from buffer to buffer, those for reading included. */
  copiedBytes: number
  buffers: number
  pipelines: number
}

export const COUNT_NAMES = [
  "dispatches",
  "submissions",
  "writtenBytes",
  "readBytes",
  "copiedBytes",
  "buffers",
  "pipelines",
] as const satisfies readonly (keyof GpuCounts)[]

const none = (): GpuCounts => Object.fromEntries(COUNT_NAMES.map((name) => [name, 0])) as unknown as GpuCounts

/** What came between two states. */
export const difference = (from: GpuCounts, to: GpuCounts): GpuCounts =>
  Object.fromEntries(COUNT_NAMES.map((name) => [name, to[name] - from[name]])) as unknown as GpuCounts

// biome-ignore lint/suspicious/noExplicitAny: methods of any signature are passed through
type Method = (this: any, ...args: any[]) => unknown

/** Calls `note` with what each call of a method was given. */
function watch<T extends object>(target: T, name: keyof T & string, note: (self: T, args: readonly unknown[]) => void) {
  const original = target[name] as Method
  target[name] = function (this: T, ...args: unknown[]) {
    note(this, args)
    return original.apply(this, args)
  } as T[typeof name]
}

/** The bytes of `writeBuffer(buffer, offset, data, dataOffset, size)`, where the last two count elements of typed arrays. */
function writtenBytes([, , data, dataOffset = 0, size]: readonly unknown[]): number {
  const source = data as ArrayBuffer | ArrayBufferView
  const element = (source as { readonly BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
  return size === undefined ? source.byteLength - (dataOffset as number) * element : (size as number) * element
}

/** The bytes of `copyBufferToBuffer(from, fromByte, to, toByte, size)` or of `copyBufferToBuffer(from, to, size)`. */
function copiedBytes(args: readonly unknown[]): number {
  const whole = typeof args[1] === "object"
  return ((whole ? args[2] : args[4]) as number | undefined) ?? (args[0] as GPUBuffer).size
}

/** Begins to count; what it returns gives the state. Once in a page, before anything asks for a device. */
export function countGpu(): () => GpuCounts {
  const counts = none()
  const add = (name: keyof GpuCounts, amount = 1) => void (counts[name] += amount)
  const device = GPUDevice.prototype
  watch(GPUComputePassEncoder.prototype, "dispatchWorkgroups", () => add("dispatches"))
  watch(GPUComputePassEncoder.prototype, "dispatchWorkgroupsIndirect", () => add("dispatches"))
  watch(GPUQueue.prototype, "submit", () => add("submissions"))
  watch(GPUQueue.prototype, "writeBuffer", (_, args) => add("writtenBytes", writtenBytes(args)))
  watch(GPUCommandEncoder.prototype, "copyBufferToBuffer", (_, args) => add("copiedBytes", copiedBytes(args)))
  watch(device, "createBuffer", () => add("buffers"))
  watch(device, "createComputePipeline", () => add("pipelines"))
  watch(device, "createComputePipelineAsync", () => add("pipelines"))
  watch(GPUBuffer.prototype, "getMappedRange", (buffer, [offset = 0, size]) => {
    const forReading = (buffer.usage & GPUBufferUsage.MAP_READ) !== 0
    add(forReading ? "readBytes" : "writtenBytes", (size as number | undefined) ?? buffer.size - (offset as number))
  })
  return () => ({ ...counts })
}
