/** Runs the modules of kernels by hand: a memory, operands written into it between sentinels, units in one go or in pieces. */
import { DTYPES, type DType } from "@taeda/core"
import { temporarySlot } from "../src/conv-frame.ts"
import type { LaunchPlan, PlacedOperand } from "../src/launch-plan.ts"
import type { Target } from "../src/target.ts"

export const targets: readonly Target[] = [true, false].map((relaxed) => ({
  relaxed,
  memory64: false,
  shared: false,
  maximumPages: 1024,
}))

/** Addresses of 64 bits, for a `Machine` of such. */
export const target64: Target = { ...targets[0], memory64: true }

export const describeTarget = (target: Target): string => (target.relaxed ? "relaxed" : "plain")

/** As much of WebAssembly's interface as is used here: the types come with the DOM's only. */
interface Engine {
  readonly Memory: new (limits: object) => { readonly buffer: ArrayBuffer }
  readonly Module: new (code: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> }
}
const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly

type Run = (frame: number, begin: number, end: number, scratch: number) => number

const SCRATCH_BYTES = 2 << 20
const FRAME_BYTES = 4096
/** What memory is filled with: as a float16, bfloat16, float32 or float64 it is a NaN. */
const FILL = 0xff
const MARGIN = 128

/** A memory with a thread's scratch, a frame, and operands behind them. */
export class Machine {
  readonly memory: { readonly buffer: ArrayBuffer }
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private next = SCRATCH_BYTES + FRAME_BYTES

  constructor(memory64 = false) {
    this.memory = new engine.Memory(
      memory64 ? { initial: 1024n, maximum: 1024n, address: "i64" } : { initial: 1024, maximum: 1024 },
    )
    this.bytes = new Uint8Array(this.memory.buffer)
    this.view = new DataView(this.memory.buffer)
  }

  /** Forgets all operands. */
  reset(): void {
    this.next = SCRATCH_BYTES + FRAME_BYTES
  }

  instantiate(code: Uint8Array<ArrayBuffer>): Run {
    const instance = new engine.Instance(new engine.Module(code), { env: { memory: this.memory } })
    return instance.exports.run as Run
  }

  /** Room for an array whose elements lie at any strides, filled with sentinels. */
  place(dtype: DType, sizes: readonly number[], strides: readonly number[]): PlacedArray {
    const { bytes } = DTYPES[dtype]
    const reach = (pick: (x: number) => number): number =>
      sizes.includes(0) ? 0 : sizes.reduce((sum, size, k) => sum + pick((size - 1) * strides[k]), 0)
    const [low, high] = [reach((x) => Math.min(x, 0)), reach((x) => Math.max(x, 0))]
    const start = Math.ceil(this.next / 16) * 16
    const first = start + MARGIN + bytes // an element beside a multiple of 16
    this.next = first + (high - low + 1) * bytes + MARGIN
    if (this.next > this.bytes.length) throw new RangeError("test: memory is full")
    this.bytes.fill(FILL, start, this.next)
    const array = new DTYPES[dtype].array(this.memory.buffer, first, high - low + 1)
    const whole = new Uint8Array(this.memory.buffer, start, this.next - start)
    return new PlacedArray(array as unknown as AnyArray, whole, -low, sizes, strides)
  }

  /** The same numbers elsewhere. */
  duplicate(dtype: DType, array: PlacedArray): PlacedArray {
    const copy = this.place(dtype, array.sizes, array.strides)
    forEachIndex(array.sizes, (...index) => copy.set(array.get(...index), ...index))
    return copy
  }

  /** Runs all units of a launch whose operands have moved since it was planned: only their addresses are written anew. */
  relaunch(run: Run, plan: LaunchPlan, operands: readonly PlacedOperand[]): void {
    const slots = [...plan.slots]
    plan.addresses.forEach((slot, k) => {
      slots[slot] = operands[k].address
    })
    this.launch(run, { ...plan, slots })
  }

  /** Runs all units, in one go or in pieces of `piece` units from the last to the first. */
  launch(run: Run, plan: LaunchPlan & { temporaryBytes?: number }, piece?: number): void {
    this.bytes.fill(FILL, 0, SCRATCH_BYTES + FRAME_BYTES)
    const temporary = Math.ceil(this.next / 64) * 64
    if (temporary + (plan.temporaryBytes ?? 0) + MARGIN > this.bytes.length)
      throw new RangeError("test: memory is full")
    const after = temporary + (plan.temporaryBytes ?? 0)
    this.bytes.fill(FILL, after, after + MARGIN)
    plan.slots.forEach((value, k) => {
      this.view.setBigInt64(SCRATCH_BYTES + k * 8, BigInt(value), true)
    })
    if (plan.temporaryBytes) this.view.setBigInt64(SCRATCH_BYTES + temporarySlot * 8, BigInt(temporary), true)
    const size = piece ?? Math.max(1, plan.units)
    for (let begin = Math.floor(Math.max(0, plan.units - 1) / size) * size; begin >= 0; begin -= size) {
      const rc = run(SCRATCH_BYTES, begin, Math.min(begin + size, plan.units), 0)
      if (rc !== 0) throw new Error(`run gave ${rc}`)
    }
    if (this.bytes.subarray(after, after + MARGIN).some((b) => b !== FILL))
      throw new Error("written behind the temporary memory")
  }
}

type AnyArray = Record<number, number | bigint> & {
  readonly length: number
  readonly byteOffset: number
  readonly BYTES_PER_ELEMENT: number
}

/** An array in the memory of a machine. */
export class PlacedArray implements PlacedOperand {
  readonly address: number
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
  private readonly array: AnyArray
  private readonly whole: Uint8Array
  private readonly offset: number

  constructor(
    array: AnyArray,
    whole: Uint8Array,
    offset: number,
    sizes: readonly number[],
    strides: readonly number[],
  ) {
    this.array = array
    this.whole = whole
    this.offset = offset
    this.address = array.byteOffset + offset * array.BYTES_PER_ELEMENT
    this.sizes = sizes
    this.strides = strides
  }

  private at(index: readonly number[]): number {
    return index.reduce((sum, i, k) => sum + i * this.strides[k], this.offset)
  }

  get(...index: readonly number[]): number | bigint {
    return this.array[this.at(index)]
  }

  set(value: number | bigint, ...index: readonly number[]): void {
    this.array[this.at(index)] = value
  }

  /** All bytes, those around it too. */
  snapshot(): Uint8Array {
    return this.whole.slice()
  }

  /** Makes all elements, and everything between and around them, sentinels. */
  clear(): void {
    this.whole.fill(FILL)
  }

  /** Whether every byte that belongs to no element is still a sentinel. */
  isIntact(): boolean {
    const copy = this.whole.slice()
    const width = this.array.BYTES_PER_ELEMENT
    forEachIndex(this.sizes, (...index) => {
      const at = this.array.byteOffset - this.whole.byteOffset + this.at(index) * width
      copy.fill(FILL, at, at + width)
    })
    return copy.every((b) => b === FILL)
  }
}

/** Calls `visit` with every index of an array. */
export function forEachIndex(sizes: readonly number[], visit: (...index: number[]) => void): void {
  const index = sizes.map(() => 0)
  const count = sizes.reduce((a, b) => a * b, 1)
  for (let n = 0; n < count; n++) {
    visit(...index)
    for (let k = sizes.length - 1; k >= 0 && ++index[k] === sizes[k]; k--) index[k] = 0
  }
}

/** Row-major strides, or those of another order of the dims, with gaps between the elements. */
export function stridesOf(
  sizes: readonly number[],
  order: readonly number[] = [...sizes.keys()],
  gap = 1,
): readonly number[] {
  const strides: number[] = []
  let step = gap
  for (const dim of [...order].reverse()) {
    strides[dim] = step
    step *= Math.max(1, sizes[dim]) + (gap > 1 ? 1 : 0)
  }
  return strides
}

/** Numbers that look random and are the same in every run. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
