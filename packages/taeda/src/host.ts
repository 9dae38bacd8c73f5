/** What this platform offers for memory that the engine's collector does not know: a way to collect, and the next task. */
import { type Host, installHost } from "@taeda/core"

/** The parts of Node, and of browsers, that are looked for. */
interface Platform {
  readonly gc?: Collector
  readonly setImmediate?: (task: () => void) => unknown
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port }
  readonly setTimeout?: (task: () => void) => unknown
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
interface Port {
  onmessage: (() => void) | null
  postMessage(message: unknown): void
}
type Collector = (options?: { readonly type: "minor" }) => void
interface V8 {
  setFlagsFromString(flags: string): void
}
interface VM {
  runInNewContext(code: string): unknown
}

/** Node's collector by name, without a flag at its start; undefined where there is none. */
function collector({ gc, process }: Platform): Host["collect"] {
  const by =
    (collect: Collector): Host["collect"] =>
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

/** Messages come sooner than timers, which browsers hold back by 4 ms. */
function byMessages(Channel: new () => { readonly port1: Port; readonly port2: Port }): () => Promise<void> {
  const { port1, port2 } = new Channel()
  let waiting: (() => void)[] = []
  port1.onmessage = () => {
    const due = waiting
    waiting = []
    for (const resolve of due) resolve()
  }
  return () =>
    new Promise((resolve) => {
      if (waiting.push(resolve) === 1) port2.postMessage(null)
    })
}

function tasks({ setImmediate, MessageChannel, setTimeout }: Platform): (() => Promise<void>) | undefined {
  if (setImmediate) return () => new Promise((resolve) => void setImmediate(() => resolve()))
  if (MessageChannel) return byMessages(MessageChannel)
  if (setTimeout) return () => new Promise((resolve) => void setTimeout(() => resolve()))
  return undefined
}

/** The time that the processor worked for this thread, else for this process. */
function clock({ process }: Platform): Host["now"] {
  const usage = process?.threadCpuUsage ?? process?.cpuUsage
  if (!usage) return undefined
  return () => {
    const { user, system } = usage.call(process)
    return (user + system) / 1000
  }
}

/** What `platform`, by default the one this runs on, offers. */
export function hostOf(platform: Platform = globalThis as unknown as Platform): Host {
  const [collect, nextTask] = [collector(platform), tasks(platform)]
  const now = clock(platform)
  return { ...(collect && { collect }), ...(nextTask && { nextTask }), ...(now && { now }) }
}

let connected = false

/** Tells core of this platform, once. */
export function connectHost(): void {
  if (connected) return
  connected = true
  installHost(hostOf())
}
