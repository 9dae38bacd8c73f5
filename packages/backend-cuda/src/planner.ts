/** From a launch to its kernels. */
import type { Launch, PlannedLaunch } from "./launch.ts"
import type { BufferRef, KernelLaunch, Module, Plan } from "./program.ts"
import type { Emitted } from "./writer.ts"

/** What a kernel of the core is compiled to. */
export interface Planner {
  plan(launch: Launch): Plan
  /** The modules that most launches need, for compiling ahead of use. */
  modules(): readonly Module[]
}

export const NOTHING: Plan = { launches: [], temporaries: [] }

/** Threads of a block, but where a kernel says otherwise. */
export const BLOCK = 256

/** One launch; `place` says which temporary stands for one that the kernel was written with. */
export function launchOf(
  { module, buffers, numbers }: Emitted,
  launch: PlannedLaunch,
  blocks: KernelLaunch["blocks"],
  place?: (temporary: number) => number,
): KernelLaunch {
  const placed = (ref: BufferRef): BufferRef =>
    place && "temporary" in ref ? { temporary: place(ref.temporary) } : ref
  return { module, buffers: place ? buffers.map(placed) : buffers, numbers: numbers(launch), blocks }
}

/** Emits each variant when it is first asked for. */
export class Variants<Args extends readonly (string | number | boolean)[]> {
  private readonly made = new Map<string, Emitted>()
  private readonly emit: (...args: Args) => Emitted

  constructor(emit: (...args: Args) => Emitted) {
    this.emit = emit
  }

  get(...args: Args): Emitted {
    const key = args.join()
    let emitted = this.made.get(key)
    if (!emitted) this.made.set(key, (emitted = this.emit(...args)))
    return emitted
  }
}
