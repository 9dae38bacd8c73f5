/** Node's garbage collector, and when it is asked to collect. */
import type { Collecting } from "@taeda/core"
import { type Collect, CollectingByCost } from "@taeda/core/collecting"

/** The parts of Node that are looked for. */
interface Platform {
  readonly gc?: Collector
  readonly process?: {
    getBuiltinModule?(name: string): unknown
    cpuUsage?(): Usage
    threadCpuUsage?(): Usage
  }
}
/** Microseconds. */
interface Usage {
  readonly user: number
  readonly system: number
}
type Collector = (options?: { readonly type: "minor" }) => void
interface V8 {
  setFlagsFromString(flags: string): void
}
interface VM {
  runInNewContext(code: string): unknown
}

const HERE = globalThis as unknown as Platform

/** Node's collector by name, without a flag at its start; undefined where there is none. */
export function collector({ gc, process }: Platform = HERE): Collect | undefined {
  const by =
    (collect: Collector): Collect =>
    (what) =>
      what === "young" ? collect({ type: "minor" }) : collect()
  if (typeof gc === "function") return by(gc)
  try {
    const v8 = process?.getBuiltinModule?.("v8") as V8 | undefined
    const vm = process?.getBuiltinModule?.("vm") as VM | undefined
    if (!v8 || !vm) return undefined
    // Only contexts made while the flag is on have the function: nobody else gets to see it.
    v8.setFlagsFromString("--expose-gc")
    const found = vm.runInNewContext("typeof gc === 'function' ? gc : undefined") as Collector | undefined
    v8.setFlagsFromString("--no-expose-gc")
    return found && by(found)
  } catch {
    // An engine that is not V8, or that forbids it: ballast does.
    return undefined
  }
}

/** The time that the processor worked for this thread, else for this process. */
export function clock({ process }: Platform = HERE): (() => number) | undefined {
  const usage = process?.threadCpuUsage ?? process?.cpuUsage
  if (!usage) return undefined
  return () => {
    const { user, system } = usage.call(process)
    return (user + system) / 1000
  }
}

/** What collects on `platform`, by default the one this runs on; undefined where nothing can. */
export function collectingOf(platform: Platform = HERE): Collecting | undefined {
  const collect = collector(platform)
  return collect && new CollectingByCost(collect, clock(platform))
}
