/** Dispatches that do not depend on one another become one, where the same ones come together again and again. */
import type { Arrange, Dispatchable } from "./commands.ts"
import type { GpuDevice } from "./gpu.ts"
import type { Block } from "./memory.ts"
import { endVectors, type Member, mergeShaders, sharedBytes } from "./merge.ts"
import type { Pipeline, Pipelines } from "./pipelines.ts"
import type { BindingType } from "./program.ts"
import { schedule, type Task } from "./schedule.ts"

interface DispatchTask extends Dispatchable, Task {
  readonly reads: readonly Block[]
  readonly writes: readonly Block[]
  /** Bytes of workgroup memory. */
  readonly shared: number
}

/**
 * When dispatches that do not depend on one another become one: where the same ones came together before, once a shader for
 * them is compiled, which nobody waits for; or at once, while everybody waits.
 */
export type When = "often" | "always"

/** What arranges the dispatches that such a device is given. */
export type Merging = (device: GpuDevice, pipelines: Pipelines) => Arrange

/** How often dispatches came together before a shader is compiled for them. */
const OFTEN = 3
/** Groups that are counted, and those that have a shader, at most. */
const MOST_COUNTED = 4096
const MOST_COMPILED = 256

/** The buffers of a group, each once for all that only read it, and where each member finds its own. */
interface Bound {
  readonly members: readonly Member[]
  readonly bindings: readonly BindingType[]
  readonly blocks: readonly Block[]
  readonly key: string
}

function bind(group: readonly DispatchTask[]): Bound {
  const bindings: BindingType[] = []
  const blocks: Block[] = []
  const keys: string[] = []
  const members = group.map(({ pipeline: { id, shader }, blocks: own }): Member => {
    // What a member binds twice it knows by two names.
    const others = blocks.length
    const slots = own.map((block, i) => {
      const binding = shader.bindings[i]
      for (let j = 0; binding.access === "read" && j < others; j++)
        if (blocks[j] === block && bindings[j].element === binding.element) return j
      bindings.push(binding)
      return blocks.push(block) - 1
    })
    keys.push(`${id}:${slots.join()}`)
    return { shader, slots }
  })
  return { members, bindings, blocks, key: keys.join(" ") }
}

class Together {
  private readonly pipelines: Pipelines
  private readonly mostBindings: number
  private readonly mostShared: number
  private readonly when: When
  private readonly sharedOf = new WeakMap<Pipeline, number>()
  private readonly seen = new Map<string, number>()
  /** Null while it is compiled, and where it cannot be. */
  private readonly compiled = new Map<string, Pipeline | null>()

  constructor(device: GpuDevice, pipelines: Pipelines, when: When) {
    this.pipelines = pipelines
    this.mostBindings = device.limits.maxStorageBuffersPerShaderStage
    this.mostShared = device.limits.maxComputeWorkgroupStorageSize
    this.when = when
  }

  readonly arrange: Arrange = (dispatches) => {
    const tasks = dispatches.map((dispatch) => this.task(dispatch))
    return schedule(tasks, this.fits).flatMap((group) => (group.length > 1 && this.merge(group)) || group)
  }

  private task(dispatch: Dispatchable): DispatchTask {
    const { pipeline, blocks } = dispatch
    const { bindings, parts } = pipeline.shader
    let shared = this.sharedOf.get(pipeline)
    if (shared === undefined) this.sharedOf.set(pipeline, (shared = sharedBytes(pipeline.shader)))
    return {
      ...dispatch,
      reads: blocks.filter((_, i) => bindings[i].access === "read"),
      writes: blocks.filter((_, i) => bindings[i].access === "write"),
      shared,
      // Workgroups of one size, and either all of them share memory or none.
      kind: 2 * parts.workgroupSize + (shared > 0 ? 1 : 0),
    }
  }

  /** Whether a dispatch may join those of a group. */
  private readonly fits = (group: readonly DispatchTask[], { shared: own, reads, writes }: DispatchTask): boolean => {
    let [bindings, shared] = [writes.length, own]
    for (const task of group) {
      bindings += task.blocks.length
      shared += task.shared
    }
    if (shared > this.mostShared) return false
    for (const block of reads) if (!group.some((task) => task.reads.includes(block))) bindings++
    return bindings <= this.mostBindings
  }

  /** The group as one dispatch; null where there is no shader for it, or not yet. */
  private merge(group: readonly DispatchTask[]): Dispatchable | null {
    const sorted = group.toSorted((a, b) => a.pipeline.id - b.pipeline.id)
    const { members, bindings, blocks, key } = bind(sorted)
    const pipeline = this.pipeline(key, members, bindings)
    if (!pipeline) return null
    const params: number[] = []
    let end = 0
    for (const { workgroups } of sorted.slice(0, -1)) params.push((end += workgroups))
    let from = 4 * endVectors(sorted.length)
    for (const task of sorted) {
      while (params.length < from) params.push(0)
      for (const number of task.params) params.push(number)
      from += 4 * task.pipeline.shader.paramVectors
    }
    return { pipeline, blocks, params, workgroups: end + sorted[sorted.length - 1].workgroups }
  }

  private pipeline(key: string, members: readonly Member[], bindings: readonly BindingType[]): Pipeline | null {
    const known = this.compiled.get(key)
    if (known !== undefined) return known
    if (this.compiled.size >= MOST_COMPILED || bindings.length > this.mostBindings) return null
    const name = `${members.length} kernels`
    if (this.when === "always") {
      const pipeline = this.pipelines.get(mergeShaders(members, bindings), () => name)
      this.compiled.set(key, pipeline)
      return pipeline
    }
    const times = (this.seen.get(key) ?? 0) + 1
    if (times < OFTEN) {
      if (this.seen.size >= MOST_COUNTED) this.seen.clear()
      this.seen.set(key, times)
      return null
    }
    this.seen.delete(key)
    this.compiled.set(key, null)
    this.pipelines
      .ahead(mergeShaders(members, bindings), () => name)
      .then(
        (pipeline) => void this.compiled.set(key, pipeline),
        // They go on one by one.
        () => {},
      )
    return null
  }
}

export const mergingWhen =
  (when: When): Merging =>
  (device, pipelines) =>
    new Together(device, pipelines, when).arrange
