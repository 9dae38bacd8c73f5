/** Starting workers: of worker_threads where there is Node (or Deno, or Bun), otherwise of the web. */
import { nodeModule } from "./node-module.ts"
import { WORKER_SOURCE, type WorkerStart } from "./worker-source.ts"

/** Starts a worker in the background; gives what ends it. `onFailure` is told, now or later, why it does not run. */
export type Spawn = (start: WorkerStart, onFailure: (reason: string) => void) => () => void

interface NodeWorker {
  on(event: "error", listener: (error: unknown) => void): void
  postMessage(message: unknown): void
  unref(): void
  terminate(): unknown
}

interface NodeThreads {
  readonly Worker: new (source: string, options: object) => NodeWorker
}

interface WebWorker {
  onmessage: (() => void) | null
  onerror: ((event: { message?: string; preventDefault?(): void }) => void) | null
  postMessage(message: unknown): void
  terminate(): void
}

interface Web {
  readonly Worker?: new (url: string, options: object) => WebWorker
  readonly Blob: new (parts: string[], options: object) => object
  readonly URL: { createObjectURL(blob: object): string; revokeObjectURL(url: string): void }
}

/** How workers are started here; null where there are none. */
export async function findSpawn(): Promise<Spawn | null> {
  const node = await nodeModule<NodeThreads>("worker_threads")
  if (node?.Worker) return (start, onFailure) => spawnNode(node, start, onFailure)
  const web = globalThis as unknown as Web
  if (typeof web.Worker !== "function") return null
  return (start, onFailure) => spawnWeb(web, start, onFailure)
}

function spawnNode({ Worker }: NodeThreads, start: WorkerStart, onFailure: (reason: string) => void): () => void {
  try {
    // Neither the process's arguments nor its environment: preloaded scripts and loaders are not for these workers.
    const worker = new Worker(WORKER_SOURCE, { eval: true, execArgv: [], env: {}, name: "taeda" })
    worker.unref()
    worker.on("error", (error) => onFailure(String(error)))
    worker.postMessage(start)
    return () => void worker.terminate()
  } catch (error) {
    onFailure(String(error))
    return () => {}
  }
}

/** The addresses that a script given as text can have; a page's content security policy may forbid either. */
const ADDRESSES: readonly ((web: Web) => string)[] = [
  ({ Blob, URL }) => URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" })),
  () => `data:text/javascript,${encodeURIComponent(WORKER_SOURCE)}`,
]

function spawnWeb(web: Web, start: WorkerStart, onFailure: (reason: string) => void): () => void {
  let end = () => {}
  const attempt = (k: number, before: string): void => {
    if (k === ADDRESSES.length) {
      onFailure(before)
      return
    }
    let url = ""
    const settle = () => {
      if (url.startsWith("blob:")) web.URL.revokeObjectURL(url)
      url = ""
    }
    const fail = (reason: string) => {
      settle()
      attempt(k + 1, reason)
    }
    try {
      url = ADDRESSES[k](web)
      const worker = new (web.Worker as NonNullable<Web["Worker"]>)(url, { type: "module", name: "taeda" })
      end = () => {
        settle()
        worker.terminate()
      }
      worker.onmessage = settle
      worker.onerror = (event) => {
        event.preventDefault?.()
        worker.terminate()
        fail(event.message ?? "the page's content security policy may forbid workers from blob: and data:")
      }
      worker.postMessage(start)
    } catch (error) {
      fail(String(error))
    }
  }
  attempt(0, "")
  return () => end()
}
