/** The prompt's inside: the only place of this page where text that somebody typed is run. */
import { putInScope } from "@taeda/examples"
import * as torch from "./library.ts"
import { LIBRARY, prepare } from "./prepare.ts"
import type { Evaluate, Evaluated } from "./repl-messages.ts"
import { shown } from "./shown.ts"
import { errorText, workerScope } from "./worker-scope.ts"

const scope = workerScope<Evaluate, Evaluated>()
// What is typed may use these names for something else.
const tell = scope.postMessage.bind(scope)

/** Sloppy code, where an assignment makes a global: names outlive the line that gives them. */
const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (library: typeof torch) => Promise<{ readonly value?: unknown }>

async function evaluate({ id, code }: Evaluate): Promise<Evaluated> {
  try {
    const prepared = prepare(code)
    if (prepared.kind === "incomplete") return { kind: "incomplete", id }
    const { value } = await new AsyncFunction(LIBRARY, prepared.body)(torch)
    return { kind: "value", id, text: await shown(torch, value) }
  } catch (error) {
    return { kind: "error", id, text: errorText(error) }
  }
}

/** In the order in which it was called, though a tensor's text may take a moment. */
let printing = Promise.resolve()

function print(...values: readonly unknown[]): void {
  const texts = Promise.all(values.map((value) => (typeof value === "string" ? value : shown(torch, value))))
  printing = printing.then(async () =>
    tell({ kind: "printed", text: (await texts).map((text) => text ?? "undefined").join(" ") }),
  )
}

putInScope(torch, globalThis)
Object.assign(console, { log: print, info: print, warn: print, error: print })
scope.onmessage = async ({ data }) => {
  const evaluated = await evaluate(data)
  await printing
  tell(evaluated)
}
tell({ kind: "open" })
