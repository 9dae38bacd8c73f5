/** Memory of a GPU, and plans that run on it by hand: with kernels that the backend would not choose. */
import type { CudaContext, DeviceMemory, DriverFunction } from "../../../packages/backend-cuda/src/driver.ts"
import { findDriver } from "../../../packages/backend-cuda/src/find-driver.ts"
import { Libraries } from "../../../packages/backend-cuda/src/libraries.ts"
import type { NativeLibraries } from "../../../packages/backend-cuda/src/native-libraries.ts"
import { packerOf } from "../../../packages/backend-cuda/src/pack.ts"
import {
  type BufferRef,
  type DeviceLimits,
  limitsOf,
  type Module,
  type Plan,
} from "../../../packages/backend-cuda/src/program.ts"
import { type Place, placed } from "./open.ts"
import type { Scale } from "./works.ts"

const SAMPLES: Readonly<Record<Scale, number>> = { card: 7, tiny: 1 }
const REPEATS: Readonly<Record<Scale, number>> = { card: 10, tiny: 1 }

/** The bits of -1, 0 and 1, of which every sum is exact in every order. */
const BITS: Readonly<Record<string, readonly number[]>> = {
  bfloat16: [0xbf80, 0, 0x3f80],
  float16: [0xbc00, 0, 0x3c00],
  float32: [0xbf800000, 0, 0x3f800000],
}

export class Bench {
  readonly context: CudaContext
  readonly limits: DeviceLimits
  private readonly functions = new Map<string, DriverFunction>()

  constructor(context: CudaContext, limits: DeviceLimits) {
    this.context = context
    this.limits = limits
  }

  /** Memory with bytes in it. */
  filled(bytes: Uint8Array): DeviceMemory {
    const { context } = this
    const [memory, pinned] = [context.allocate(bytes.length), context.allocatePinned(bytes.length)]
    pinned.bytes.set(bytes)
    context.upload(memory, 0, pinned, 0, bytes.length)
    context.synchronize()
    context.freePinned(pinned)
    return memory
  }

  read(memory: DeviceMemory): Uint8Array {
    const { context } = this
    const pinned = context.allocatePinned(memory.bytes)
    context.download(pinned, 0, memory, 0, memory.bytes)
    context.synchronize()
    const bytes = pinned.bytes.slice()
    context.freePinned(pinned)
    return bytes
  }

  /** Queues a plan. `temporaries`: memory for its own. */
  run({ launches }: Plan, operands: readonly DeviceMemory[], temporaries: readonly DeviceMemory[]): void {
    const memoryOf = (ref: BufferRef): DeviceMemory =>
      "operand" in ref ? operands[ref.operand] : temporaries["temporary" in ref ? ref.temporary : 0]
    for (const launch of launches) {
      if (!("module" in launch)) {
        const memories = launch.buffers.map((ref) => ref && memoryOf(ref))
        const begins = new Float64Array(memories.length)
        if ("convolution" in launch) this.context.convolve(launch.convolution, memories, begins)
        else this.context.multiply(launch.product, launch.alpha, launch.beta, memories, begins)
        continue
      }
      const { module, buffers, numbers, blocks } = launch
      const packer = packerOf(module)
      const params = new Uint8Array(packer.bytes + 8)
      packer.pack(new DataView(params.buffer), numbers, launch.maps)
      const memories = buffers.map(memoryOf)
      const ranges = new Float64Array(memories.flatMap(({ bytes }) => [0, 0, bytes]))
      this.context.launch(this.functionOf(module), blocks, params, packer.bytes, memories, ranges)
    }
  }

  private functionOf({ ptx, entry, threads, dynamicSharedBytes, maps = [] }: Module): DriverFunction {
    const { context, functions } = this
    let found = functions.get(ptx)
    if (!found) {
      found = context.function(context.loadModule(ptx), entry, threads, dynamicSharedBytes, maps.length)
      functions.set(ptx, found)
    }
    return found
  }
}

/** Bytes of such numbers, in no order. */
export function numbers(count: number, dtype: string, seed: number): Uint8Array {
  const bits = BITS[dtype]
  const words = dtype === "float32" ? new Uint32Array(count) : new Uint16Array(count)
  let state = seed
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    words[i] = bits[(state >>> 16) % 3]
  }
  return new Uint8Array(words.buffer)
}

/** Memory for what a plan keeps meanwhile, which is given back. */
export function withTemporary<T>(
  { context }: Bench,
  { temporaries }: Plan,
  body: (of: readonly DeviceMemory[]) => T,
): T {
  const taken = temporaries.map((bytes) => context.allocate(bytes))
  try {
    return body(taken)
  } finally {
    context.synchronize()
    for (const memory of taken) context.free(memory)
  }
}

/** The median time of a plan, milliseconds. */
export function timeOf(bench: Bench, plan: Plan, operands: readonly DeviceMemory[], scale: Scale): number {
  const { context } = bench
  return withTemporary(bench, plan, (temporaries) => {
    const [start, end] = [context.createEvent(), context.createEvent()]
    bench.run(plan, operands, temporaries)
    const times = Array.from({ length: SAMPLES[scale] }, () => {
      context.record(start)
      for (let i = 0; i < REPEATS[scale]; i++) bench.run(plan, operands, temporaries)
      context.record(end)
      context.waitFor(end)
      return context.elapsed(start, end) / REPEATS[scale]
    })
    context.destroyEvent(start)
    context.destroyEvent(end)
    return times.toSorted((a, b) => a - b)[times.length >> 1]
  })
}

/** The first device, and NVIDIA's libraries for it. */
export async function openBench(place: Place): Promise<{ readonly bench: Bench; readonly libraries: NativeLibraries }> {
  const { addon, driver: file, libraryFolder: folder } = placed(place) as Place
  const { driver, circumstances } = await findDriver(addon, file)
  const [device] = driver.devices()
  const bench = new Bench(driver.open(0), limitsOf(device, driver))
  const surroundings = { ...circumstances, env: process.env, folder }
  return { bench, libraries: new Libraries(driver, bench.context, "cuda:0", surroundings, "auto").forPlanners }
}
