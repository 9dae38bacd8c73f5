/** A prompt with the library in scope: top-level await, history, completion; a tensor echoes as PyTorch prints it. */
import { homedir } from "node:os"
import { join } from "node:path"
import { type REPLServer, start } from "node:repl"
import { inspect } from "node:util"
import type { Library } from "./library.ts"

/** What everybody reaches for, without `torch.` in front. */
const SHORTCUTS = ["tensor", "zeros", "ones", "rand", "randn", "arange", "nn", "optim", "utils", "autograd", "noGrad", "manualSeed"] as const

export interface ReplOptions {
  readonly input?: NodeJS.ReadableStream
  readonly output?: NodeJS.WritableStream
  /** The file that keeps the history; null for none. */
  readonly history?: string | null
}

export async function repl(torch: Library, options: ReplOptions = {}): Promise<REPLServer> {
  const output = options.output ?? process.stdout
  const scope: Record<string, unknown> = { torch }
  for (const name of SHORTCUTS) scope[name] = torch[name]
  output.write(`taeda: torch, ${SHORTCUTS.join(", ")} are in scope; await works; .exit leaves.\n`)
  const server = start({
    prompt: "> ",
    input: options.input ?? process.stdin,
    output,
    // A failed look-up of a name in the global scope is the common error: its message is enough.
    writer: (value: unknown) => (value instanceof Error ? `${value.name}: ${value.message}` : inspect(value, { colors: server.useColors })),
  })
  Object.assign(server.context, scope)
  const history = options.history === undefined ? join(homedir(), ".taeda_history") : options.history
  if (history !== null)
    await new Promise<void>((resolve) => server.setupHistory(history, (error) => {
      if (error) output.write(`history is not kept: ${error.message}\n`)
      resolve()
    }))
  return server
}
