/** A prompt with the library in scope: top-level await, history, completion; a tensor echoes as PyTorch prints it. */
import { homedir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { type REPLServer, start, writer } from "node:repl"
import { PassThrough } from "node:stream"
import { inspect } from "node:util"
import { type Library, putInScope } from "@taeda/examples"

export interface ReplOptions {
  readonly input?: NodeJS.ReadableStream
  readonly output?: NodeJS.WritableStream
  /** Whether a person types, with line editing and completion; by default what the streams say. */
  readonly terminal?: boolean
  /** The file that keeps the history; null for none. */
  readonly history?: string | null
}

const GREETING = `taeda: PyTorch for TypeScript. All of torch is in scope, with or without \`torch.\`:
  x = rand(2, 2)    m = new nn.Linear(2, 3)    await m(x).sum().item()
Tab completes, .help lists the prompt's own commands, .exit leaves.
`

/**
 * Hands over a pipe's lines one at a time, each when the prompt is back: Node would run the next one while what the last
 * one awaits is still pending.
 */
async function feed(server: REPLServer, lines: AsyncIterable<string>, to: PassThrough): Promise<void> {
  let prompted = (): void => undefined
  const display = server.displayPrompt.bind(server)
  server.displayPrompt = (preserveCursor) => {
    display(preserveCursor)
    prompted()
  }
  const left = new Promise<void>((resolve) => server.once("exit", resolve))
  for await (const line of lines) {
    const back = new Promise<void>((resolve) => (prompted = resolve))
    to.write(`${line}\n`)
    await Promise.race([back, left])
  }
  to.end()
}

/** Starts the prompt. The names go into the global scope: tensors from another realm would not be arrays' equals. */
export async function repl(torch: Library, options: ReplOptions = {}): Promise<REPLServer> {
  const { input = process.stdin, output = process.stdout } = options
  const terminal = options.terminal ?? [input, output].every((stream) => (stream as { isTTY?: boolean }).isTTY === true)
  output.write(GREETING)
  // Up to this length "Uncaught" stands on the error's own line.
  writer.options.breakLength = Number.POSITIVE_INFINITY
  const gate = new PassThrough()
  const server = start({
    prompt: "> ",
    input: terminal ? input : gate,
    output,
    terminal,
    useGlobal: true,
    ignoreUndefined: true,
    // The message of an error says what to do; its stack is the library's own affair.
    writer: (value: unknown) =>
      value instanceof Error ? `${value.name}: ${value.message}` : inspect(value, { colors: server.useColors }),
  })
  putInScope(torch, server.context)
  if (!terminal) void feed(server, createInterface({ input }), gate)
  const history = options.history === undefined ? join(homedir(), ".taeda_history") : options.history
  // Node says by itself when the file cannot be used, and goes on without.
  if (terminal && history !== null) await new Promise<void>((resolve) => server.setupHistory(history, () => resolve()))
  return server
}
