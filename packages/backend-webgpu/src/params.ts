/**
 * The numbers of launches on the device, each set once: loops launch the same again and again. What is written stays until there
 * is no more room, so that only new sets are sent.
 */
import { type GpuBuffer, type GpuDevice, USAGE } from "./gpu.ts"

const BYTES = 2 ** 20

interface Place {
  /** In words. */
  readonly at: number
  readonly count: number
  readonly vectors: number
}

export class Params {
  readonly gpu: GpuBuffer
  private readonly device: GpuDevice
  /** What the device has, or is going to have. */
  private readonly words = new Uint32Array(BYTES / 4)
  private readonly known = new Map<number, Place[]>()
  private readonly alignment: number
  /** Bytes that are taken, and those of them that were sent. */
  private taken = 0
  private sent = 0

  constructor(device: GpuDevice) {
    this.device = device
    this.alignment = device.limits.minUniformBufferOffsetAlignment
    this.gpu = device.createBuffer({ size: BYTES, usage: USAGE.uniform | USAGE.copyTarget, label: "params" })
  }

  /** Bytes that are left. */
  get room(): number {
    return BYTES - this.taken
  }

  /** What a set of which shaders see `vectors` vectors of four takes at most. */
  bytesFor(vectors: number): number {
    return Math.ceil((vectors * 16) / this.alignment) * this.alignment
  }

  /** The byte where a set of u32 begins. @throws RangeError where there is no more room. */
  place(set: readonly number[], vectors: number): number {
    let hash = 2166136261
    for (const word of set) hash = Math.imul(hash ^ word, 16777619)
    const alike = this.known.get(hash)
    const same = alike?.find((place) => this.holds(place, set, vectors))
    if (same) return same.at * 4
    const bytes = this.bytesFor(vectors)
    if (bytes > this.room) throw new RangeError(`webgpu: ${bytes} bytes of numbers, and room for ${this.room}`)
    const place = { at: this.taken >> 2, count: set.length, vectors }
    for (let k = 0; k < set.length; k++) this.words[place.at + k] = set[k]
    this.taken += bytes
    if (alike) alike.push(place)
    else this.known.set(hash, [place])
    return place.at * 4
  }

  private holds(place: Place, set: readonly number[], vectors: number): boolean {
    const { at, count } = place
    if (count !== set.length || place.vectors !== vectors) return false
    for (let k = 0; k < count; k++) if (this.words[at + k] !== set[k] >>> 0) return false
    return true
  }

  /** Sends what is new, for the commands that are submitted next. */
  send(): void {
    if (this.sent === this.taken) return
    this.device.queue.writeBuffer(this.gpu, this.sent, this.words, this.sent >> 2, (this.taken - this.sent) >> 2)
    this.sent = this.taken
  }

  /** Forgets all. To be called when all commands that use it are submitted. */
  clear(): void {
    this.known.clear()
    this.taken = this.sent = 0
  }
}
