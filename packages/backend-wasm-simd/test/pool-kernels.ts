/** Small kernels for the pool, and a pool to run them in. */
import { type FunctionBuilder, get, type Local, ModuleBuilder } from "../src/assembler.ts"
import { type Code, call, i32, op } from "../src/code.ts"
import { instantiate } from "../src/instantiate.ts"
import { LAYOUT, LinearMemory, type LinearMemoryOptions } from "../src/memory.ts"
import { findSpawn } from "../src/spawn.ts"
import { type PooledKernel, ThreadPool, type ThreadPoolOptions } from "../src/threads.ts"

export const FRAME = LAYOUT.frame

/** The frame's 8-byte slots. */
export const SLOT = { counts: 0, owners: 1, turns: 2, special: 3 } as const

export async function makePool(
  options: Partial<LinearMemoryOptions> = {},
  poolOptions: ThreadPoolOptions = {},
): Promise<{ memory: LinearMemory; pool: ThreadPool }> {
  const memory = new LinearMemory({ shared: true, memory64: false, threads: 3, ...options })
  return { memory, pool: new ThreadPool(memory, await findSpawn(), poolOptions) }
}

/** Until all workers of the pool are there. */
export async function allReady(pool: ThreadPool): Promise<void> {
  while (pool.ready < pool.threads - 1) await new Promise((resolve) => setTimeout(resolve, 2))
}

type Builder = (f: FunctionBuilder, unit: Local, slot: (k: number) => Code, module: ModuleBuilder) => void

/**
 * A kernel that counts each unit (+1 at `counts`), notes whose scratch area was there (at `owners`), and keeps busy for `turns`
 * turns a unit; `each` may add something.
 */
export function unitKernel(id: number, memory: LinearMemory, each: Builder = () => {}): PooledKernel {
  const { memory64, shared, maximumPages } = memory
  const module = new ModuleBuilder({ relaxed: true, memory64, shared, maximumPages })
  const body = (f: FunctionBuilder, frame: Local, begin: Local, end: Local, scratch: Local): void => {
    const slot = (k: number): Code => f.load("ptr.load", f.toPointer(get(frame)), 8 * k)
    const element = (k: number, unit: Local): Code =>
      f.op("ptr.add", slot(k), f.op("ptr.mul", f.toPointer(get(unit)), f.ptr(4)))
    const unit = f.local("i32")
    const turn = f.local("i32")
    const sum = f.let("i32", i32(id))
    f.for(unit, get(begin), get(end), i32(1), () => {
      f.for(turn, i32(0), f.toI32(slot(SLOT.turns)), i32(1), () =>
        f.set(sum, op("i32.mul", op("i32.add", get(sum), get(turn)), i32(48271))),
      )
      // The sum is used, though never in a way that changes anything.
      f.if(op("i32.eq", get(sum), i32(-1)), () => f.store("i32.store", f.toPointer(get(scratch)), get(sum)))
      const count = element(SLOT.counts, unit)
      f.store("i32.store", count, op("i32.add", f.load("i32.load", count), i32(1)))
      f.store("i32.store", element(SLOT.owners, unit), get(scratch))
      each(f, unit, slot, module)
    })
    f.return(i32(0))
  }
  module.function("run", ["i32", "i32", "i32", "i32"], ["i32"], body, true)
  const bytes = module.encode()
  return { id, bytes, run: instantiate(bytes, memory.memory).run }
}

/** Returns 1000 + the unit's number as a fault at the unit that the frame names. */
export const faulting: Builder = (f, unit, slot) =>
  f.if(op("i32.eq", get(unit), f.toI32(slot(SLOT.special))), () => f.return(op("i32.add", get(unit), i32(1000))))

/** Traps from the unit on that the frame names. */
export const trapping: Builder = (f, unit, slot) =>
  f.if(op("i32.ge_s", get(unit), f.toI32(slot(SLOT.special))), () => f.push(0x00))

/** Adds sin(unit) to the 64-bit float at `special`, plus 7.5 mod 2. */
export const importing: Builder = (f, unit, slot, module) => {
  const sin = module.import("Math.sin", ["f64"], ["f64"])
  const mod = module.import("mod", ["f64", "f64"], ["f64"])
  const at = f.op("ptr.add", slot(SLOT.special), f.op("ptr.mul", f.toPointer(get(unit)), f.ptr(8)))
  const x = op("f64.convert_i32_s", get(unit))
  f.store("f64.store", at, op("f64.add", call(sin, x), call(mod, x, op("f64.convert_i32_s", i32(3)))))
}

/** Writes a slot of the frame. */
export function setSlot(memory: LinearMemory, k: number, value: number): void {
  memory.i64[FRAME / 8 + k] = BigInt(value)
}

/** Room for the marks of `units` units, zeroed and named in the frame. */
export function markers(memory: LinearMemory, units: number): { counts: () => Int32Array; owners: () => Set<number> } {
  const counts = memory.allocator.allocate(4 * units)
  const owners = memory.allocator.allocate(4 * units)
  const see = (address: number) => memory.i32.subarray(address / 4, address / 4 + units)
  see(counts).fill(0)
  see(owners).fill(-1)
  setSlot(memory, SLOT.counts, counts)
  setSlot(memory, SLOT.owners, owners)
  setSlot(memory, SLOT.turns, 0)
  return { counts: () => see(counts), owners: () => new Set(see(owners)) }
}

/** Runs a job again and again until a worker had a part in it: on a busy machine that may take a while. */
export function untilShared(memory: LinearMemory, owners: () => Set<number>, job: () => void): void {
  const deadline = performance.now() + 20000
  do job()
  while (performance.now() < deadline && ![...owners()].some((o) => o !== memory.scratch(0)))
}
