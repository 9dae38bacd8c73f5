/** Standard output's double: what was written, as a person's terminal or as a pipe. */
import { Writable } from "node:stream"
import { type Output, terminal } from "../src/output.ts"

export interface Captured extends Output {
  text(): string
}

/** `columns` of a terminal, or null for a pipe. */
export function captured(columns: number | null = null): Captured {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  if (columns !== null) Object.assign(stream, { isTTY: true, columns })
  return { ...terminal(stream as NodeJS.WriteStream), text: () => chunks.join("") }
}
