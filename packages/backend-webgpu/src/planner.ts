/** From a launch to its dispatches. */
import type { Launch } from "./launch.ts"
import type { BufferRef, Dispatch, Plan, Shader } from "./program.ts"
import type { Emitted } from "./writer.ts"

/** What a kernel is compiled to. */
export interface Planner {
  plan(launch: Launch): Plan
  /** The shaders that launches may need, but for rare ones, for compiling ahead of use. */
  shaders(): readonly Shader[]
}

export const NOTHING: Plan = { dispatches: [], temporaries: [] }

/** Invocations in a workgroup of the shaders that share work inside of it. */
export const GROUP = 256

/** One dispatch; `place` says which temporary stands for one that the shader was written with. */
export function dispatchOf(
  emitted: Emitted,
  launch: Launch,
  workgroups: number,
  place?: (temporary: number) => number,
): Dispatch {
  const { shader, buffers, params } = emitted
  const placed = (ref: BufferRef): BufferRef =>
    place && "temporary" in ref ? { temporary: place(ref.temporary) } : ref
  return { shader, buffers: buffers.map(placed), params: params(launch), workgroups }
}

/** `make` is called at the first use only. */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
