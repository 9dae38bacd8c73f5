/** A client of TypeScript 7's language server, as an editor is one. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { pathToFileURL } from "node:url"
import { EXECUTABLE } from "./native.ts"

interface Message {
  readonly id?: number | string
  readonly method?: string
  readonly result?: unknown
  readonly error?: { readonly message: string }
}

const SEPARATOR = "\r\n\r\n"

export class LanguageServer {
  private readonly process: ChildProcessWithoutNullStreams
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  private received = Buffer.alloc(0)
  private next = 0

  constructor(folder: string) {
    this.process = spawn(process.execPath, [EXECUTABLE, "--lsp", "--stdio"], { cwd: folder })
    this.process.stdout.on("data", (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes])
      for (let message = this.take(); message; message = this.take()) this.handle(message)
    })
  }

  /** Starts the session. */
  async open(folder: string): Promise<void> {
    const rootUri = pathToFileURL(folder).href
    await this.ask("initialize", {
      processId: process.pid,
      rootUri,
      capabilities: { textDocument: { hover: { contentFormat: ["plaintext"] } } },
    })
    this.tell("initialized", {})
  }

  tell(method: string, params: unknown): void {
    this.send({ method, params })
  }

  ask(method: string, params: unknown): Promise<unknown> {
    const id = this.next++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.send({ id, method, params })
    })
  }

  async close(): Promise<void> {
    await this.ask("shutdown", undefined)
    this.tell("exit", undefined)
  }

  private send(message: object): void {
    const text = JSON.stringify({ jsonrpc: "2.0", ...message })
    this.process.stdin.write(`Content-Length: ${Buffer.byteLength(text)}${SEPARATOR}${text}`)
  }

  /** The next whole message, if it has arrived. */
  private take(): Message | null {
    const end = this.received.indexOf(SEPARATOR)
    if (end < 0) return null
    const [, length] = /Content-Length: (\d+)/i.exec(this.received.toString("ascii", 0, end)) ?? []
    const start = end + SEPARATOR.length
    const stop = start + Number(length)
    if (this.received.length < stop) return null
    const message = JSON.parse(this.received.toString("utf8", start, stop)) as Message
    this.received = this.received.subarray(stop)
    return message
  }

  private handle({ id, method, result, error }: Message): void {
    // What the server asks of an editor, its configuration for one, has the answer "nothing".
    if (method !== undefined) {
      if (id !== undefined) this.send({ id, result: null })
      return
    }
    const asked = this.waiting.get(id as number)
    this.waiting.delete(id as number)
    if (error) asked?.reject(new Error(error.message))
    else asked?.resolve(result)
  }
}
