/** The page's side of the worker that runs code. */
import type { Evaluate, Evaluated } from "./repl-messages.ts"

export type Ended = Exclude<Evaluated, { kind: "open" } | { kind: "printed" }>

/** The worker, started when it is first needed, and the one piece of code that it runs. */
export class Interpreter {
  #worker: Worker | undefined
  #pending: { readonly id: number; readonly end: (ended: Ended) => void } | undefined
  #ids = 0
  readonly #print: (text: string) => void

  constructor(print: (text: string) => void) {
    this.#print = print
  }

  #started(): Worker {
    if (this.#worker) return this.#worker
    const worker = new Worker(new URL("./repl-worker.ts", import.meta.url), { type: "module" })
    worker.onmessage = ({ data }: MessageEvent<Evaluated>) => {
      if (data.kind === "open") return
      if (data.kind === "printed") this.#print(data.text)
      else this.#end(data)
    }
    // What fails after its line has ended, in a timer for example.
    worker.onerror = (event) => {
      event.preventDefault()
      this.#fail(event.message || "the worker does not start")
    }
    this.#worker = worker
    return worker
  }

  #end(ended: Ended): void {
    if (this.#pending?.id !== ended.id) return
    const { end } = this.#pending
    this.#pending = undefined
    end(ended)
  }

  #fail(text: string): void {
    if (this.#pending) this.#end({ kind: "error", id: this.#pending.id, text })
    else this.#print(text)
  }

  /** Runs code; one piece at a time. */
  evaluate(code: string): Promise<Ended> {
    return new Promise((end) => {
      this.#pending = { id: ++this.#ids, end }
      this.#started().postMessage({ id: this.#ids, code } satisfies Evaluate)
    })
  }

  /** Ends whatever runs, which then says `text`; the names are gone. */
  stop(text: string): void {
    this.#worker?.terminate()
    this.#worker = undefined
    this.#fail(text)
  }
}
