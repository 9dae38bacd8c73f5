/** Runs plans on the emulated device by hand: with any limits, and with kernels that the backend would not choose. */
import { DTYPES, type DType, decodeHalf, encodeHalf, type HalfDType, type Kernel, type Scalar } from "@taeda/core"
import { afterAll } from "vitest"
import type { DeviceMemory, DriverFunction } from "../src/driver.ts"
import { plannerOf } from "../src/executables.ts"
import { extentOf } from "../src/extent.ts"
import { packerOf } from "../src/pack.ts"
import type { DeviceLimits, Module, PlacedOperand, Plan } from "../src/program.ts"
import { loadDriver, rowMajor } from "./harness.ts"

/** Few multiprocessors, so that small sizes are shared out in every way. */
export const LIMITS: DeviceLimits = { target: 80, multiprocessors: 4, sharedBytes: 48 * 1024 }

/** Elements of an operand's buffer, and the view of them. */
export interface TestOperand extends PlacedOperand {
  readonly dtype: DType
  /** All of the buffer. */
  readonly values: readonly (number | bigint)[]
}

export const operand = (
  dtype: DType,
  sizes: readonly number[],
  values: readonly (number | bigint)[],
  strides: readonly number[] = rowMajor(sizes),
  offset = 0,
): TestOperand => ({ dtype, sizes, strides, offset, values })

/** An operand of zeros. */
export const blank = (dtype: DType, sizes: readonly number[], strides?: readonly number[]): TestOperand =>
  operand(dtype, sizes, new Array(Math.max(1, product(sizes))).fill(dtype === "int64" ? 0n : 0), strides)

const product = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1)
const isHalf = (dtype: DType): dtype is HalfDType => dtype === "float16" || dtype === "bfloat16"

function encode(dtype: DType, values: readonly (number | bigint)[]): Uint8Array {
  if (isHalf(dtype)) return new Uint8Array(encodeHalf(values.map(Number), dtype).slice().buffer)
  const array = new DTYPES[dtype].array(values.length) as { [i: number]: number | bigint; buffer: ArrayBufferLike }
  for (const [i, value] of values.entries()) array[i] = dtype === "int64" ? BigInt(value) : Number(value)
  return new Uint8Array(array.buffer as ArrayBuffer)
}

function decode(dtype: DType, bytes: Uint8Array): (number | bigint)[] {
  const array = new DTYPES[dtype].array(bytes.slice().buffer)
  return Array.from((isHalf(dtype) ? decodeHalf(array as Uint16Array, dtype) : array) as ArrayLike<number | bigint>)
}

const context = loadDriver().open(0)
afterAll(() => context.dispose())

/** What memory is filled with: a NaN in every float type. */
const FILL = 0xff
/** Bytes around each buffer that nothing may write. */
const MARGIN = 256

const functions = new Map<string, DriverFunction>()
function functionOf({ ptx, entry, threads, dynamicSharedBytes, maps = [] }: Module): DriverFunction {
  let found = functions.get(ptx)
  if (!found) {
    found = context.function(context.loadModule(ptx), entry, threads, dynamicSharedBytes, maps.length)
    functions.set(ptx, found)
  }
  return found
}

const pinned = context.allocatePinned(1 << 22)

/** Bytes of the device, between margins. */
class Placed {
  readonly memory: DeviceMemory
  private readonly bytes: number

  constructor(bytes: Uint8Array) {
    this.bytes = bytes.length
    this.memory = context.allocate(bytes.length + 2 * MARGIN)
    const all = new Uint8Array(this.memory.bytes).fill(FILL)
    all.set(bytes, MARGIN)
    pinned.bytes.set(all)
    context.upload(this.memory, 0, pinned, 0, all.length)
    context.synchronize()
  }

  /** @throws Error where a margin was written. */
  read(): Uint8Array {
    context.download(pinned, 0, this.memory, 0, this.memory.bytes)
    context.synchronize()
    const all = pinned.bytes.slice(0, this.memory.bytes)
    const outside = [...all.subarray(0, MARGIN), ...all.subarray(MARGIN + this.bytes, 2 * MARGIN + this.bytes)]
    if (outside.some((byte) => byte !== FILL)) throw new Error("bytes outside of a buffer were written")
    return all.slice(MARGIN, MARGIN + this.bytes)
  }
}

const WIDTH = 3

/** Runs a plan; the contents of all operands' buffers afterwards, and the eight words of faults. */
export function runPlan(
  { launches, temporaries }: Plan,
  operands: readonly TestOperand[],
): { readonly out: (number | bigint)[][]; readonly faults: number[] } {
  const placed = operands.map(({ dtype, values }) => new Placed(encode(dtype, values)))
  const temporary = temporaries.map((bytes) => new Placed(new Uint8Array(bytes).fill(FILL)))
  const faults = new Placed(new Uint8Array(32))
  for (const launch of launches) {
    if (!("module" in launch)) throw new Error("a plan without libraries has one of theirs")
    const { module, buffers, numbers, blocks } = launch
    const packer = packerOf(module)
    const params = new Uint8Array(packer.bytes + 8)
    packer.pack(new DataView(params.buffer), numbers, launch.maps)
    const ranges = new Float64Array(WIDTH * buffers.length)
    const memories = buffers.map((ref, i) => {
      const [low, high] = [MARGIN, MARGIN + ("temporary" in ref ? temporaries[ref.temporary] : 32)]
      ranges.set([low, low, high], WIDTH * i)
      if (!("operand" in ref)) return ("temporary" in ref ? temporary[ref.temporary] : faults).memory
      const extent = { begin: 0, low: 0, high: 0 }
      const view = operands[ref.operand]
      extentOf(view, DTYPES[view.dtype].bytes, extent)
      ranges.set([MARGIN + extent.begin, MARGIN + extent.low, MARGIN + extent.high], WIDTH * i)
      return placed[ref.operand].memory
    })
    context.launch(functionOf(module), blocks, params, packer.bytes, memories, ranges)
  }
  for (const each of temporary) each.read()
  const out = operands.map(({ dtype }, k) => decode(dtype, placed[k].read()))
  const result = { out, faults: Array.from(new Int32Array(faults.read().buffer)) }
  for (const { memory } of [...placed, ...temporary, faults]) context.free(memory)
  return result
}

/** Plans a kernel, and runs it. */
export function run(
  kernel: Kernel,
  sizes: readonly number[],
  operands: readonly TestOperand[],
  scalars: readonly Scalar[] = [],
  limits: Partial<DeviceLimits> = {},
): ReturnType<typeof runPlan> & { readonly launches: number } {
  const plan = plannerOf(kernel, { ...LIMITS, ...limits }).plan({ sizes, operands, scalars, kernel: 9 })
  return { ...runPlan(plan, operands), launches: plan.launches.length }
}

/** The same in 64-bit indices: the plan is told of operands that reach further. */
export function runWide(
  kernel: Kernel,
  sizes: readonly number[],
  operands: readonly TestOperand[],
): ReturnType<typeof runPlan> {
  const far = operands.map((each) => ({ ...each, sizes: [...each.sizes, 2], strides: [...each.strides, 2 ** 31] }))
  return runPlan(plannerOf(kernel, LIMITS).plan({ sizes, operands: far, scalars: [], kernel: 9 }), operands)
}
