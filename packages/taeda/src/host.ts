/** What this platform offers for memory that the engine's collector does not know: the next task, and a way to collect. */
import { type Host, installHost } from "@taeda/core"

/** The parts of Node, and of browsers, that are looked for. */
interface Platform {
  readonly setImmediate?: (task: () => void) => unknown
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port }
  readonly setTimeout?: (task: () => void) => unknown
}
interface Port {
  onmessage: (() => void) | null
  postMessage(message: unknown): void
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

/** What `platform`, by default the one this runs on, offers at once. */
export function hostOf(platform: Platform = globalThis as unknown as Platform): Host {
  const nextTask = tasks(platform)
  return nextTask ? { nextTask } : {}
}

let connected = false

/** Tells core of this platform, once. */
export async function connectHost(): Promise<void> {
  if (connected) return
  connected = true
  const host = hostOf()
  installHost(host)
  if (!("process" in globalThis || "gc" in globalThis)) return
  // A part of its own, which pages do not load.
  const { collectingOf } = await import("./collector.ts")
  const collecting = collectingOf()
  if (collecting) installHost({ ...host, collecting })
}
