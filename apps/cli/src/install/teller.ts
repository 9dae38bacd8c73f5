/** How an installation speaks: in the prompts' style to a person at a terminal, in plain lines to a pipe, or not at all. */
import type { Output } from "../output.ts"
import { activity } from "./activity.ts"

export interface Teller {
  begin(): void
  /** A title with lines under it. */
  block(title: string, lines: readonly string[]): void
  /** What is said while something goes on. */
  during<T>(title: string, work: (told: (line: string) => void) => Promise<T>): Promise<T>
  end(text: string): void
}

async function during<T>(out: Output, title: string, work: (told: (line: string) => void) => Promise<T>): Promise<T> {
  const { told, stop } = activity(title, out)
  try {
    return await work(told)
  } finally {
    stop()
  }
}

export const silent: Teller = {
  begin: () => undefined,
  block: () => undefined,
  during: (_, work) => work(() => undefined),
  end: () => undefined,
}

export const plain = (out: Output): Teller => ({
  begin: () => undefined,
  block(title, lines) {
    out.line(out.bold(title))
    for (const line of lines) out.line(line.replace(/^/gm, "  "))
    out.line()
  },
  during: (title, work) => during(out, title, work),
  end: (text) => out.line(text),
})

/** The part of the prompts that is used. */
export type Prompts = Pick<
  typeof import("@clack/prompts"),
  "intro" | "outro" | "log" | "select" | "confirm" | "isCancel" | "cancel"
>

export const conversation = (out: Output, { intro, outro, log }: Prompts): Teller => ({
  begin: () => intro(out.bold("taeda install")),
  block: (title, lines) => log.step([out.bold(title), ...lines].join("\n")),
  during: (title, work) => during(out, title, work),
  end: (text) => outro(text),
})
