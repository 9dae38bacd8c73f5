/** Memory of a GPU, and plans that run on it by hand: with kernels that the backend would not choose. */
import type { CudaContext, DeviceMemory, DriverFunction } from "../../../packages/backend-cuda/src/driver.ts"
import { findDriver } from "../../../packages/backend-cuda/src/find-driver.ts"
import { packerOf } from "../../../packages/backend-cuda/src/pack.ts"
import { type DeviceLimits, limitsOf, type Module, type Plan } from "../../../packages/backend-cuda/src/program.ts"
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
    for (const launch of launches) {
      if (!("module" in launch)) throw new Error("a plan of our own kernels has one of a library's")
      const { module, buffers, numbers, blocks } = launch
      const packer = packerOf(module)
      const params = new Uint8Array(packer.bytes + 8)
      packer.pack(new DataView(params.buffer), numbers)
      const memories = buffers.map((ref) => {
        if ("operand" in ref) return operands[ref.operand]
        if ("temporary" in ref) return temporaries[ref.temporary]
        throw new Error("a plan of products reports faults")
      })
      const ranges = new Float64Array(memories.flatMap(({ bytes }) => [0, 0, bytes]))
      this.context.launch(this.functionOf(module), blocks, params, packer.bytes, memories, ranges)
    }
  }

  private functionOf({ ptx, entry, threads, dynamicSharedBytes }: Module): DriverFunction {
    const { context, functions } = this
    let found = functions.get(ptx)
    if (!found) {
      found = context.function(context.loadModule(ptx), entry, threads, dynamicSharedBytes)
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

/** On the first device. */
export async function openBench(place: Place): Promise<Bench> {
  const { addon, driver: file } = placed(place) as Place
  const { driver } = await findDriver(addon, file)
  return new Bench(driver.open(0), limitsOf(driver.devices()[0], driver.version))
}
