/** The editor's side of the worker with TypeScript. */
import type { Answer, Question, Questions } from "./types-messages.ts"

/** Asks one question after the other. */
export type Ask = <K extends keyof Questions>(
  kind: K,
  program: string,
  ask: Questions[K]["ask"],
) => Promise<Questions[K]["answer"]>

/** Starts the worker. `onFailure` is told why it does not start. */
export function startTypes(onFailure: (text: string) => void): Ask {
  const worker = new Worker(new URL("./types-worker.ts", import.meta.url), { type: "module" })
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>()
  let ids = 0
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    const one = waiting.get(data.id)
    waiting.delete(data.id)
    if ("error" in data) one?.reject(new Error(data.error))
    else one?.resolve(data.answer)
  }
  worker.onerror = (event) => {
    event.preventDefault()
    onFailure(event.message || "TypeScript does not start")
  }
  return (kind, program, ask) =>
    new Promise((resolve, reject) => {
      const id = ++ids
      waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject })
      worker.postMessage({ id, kind, program, ask } satisfies Question)
    })
}
