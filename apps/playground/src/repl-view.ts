/** The section with the prompt. */
import { byId, el } from "./dom.ts"
import { lineHistory } from "./history.ts"
import { type Ended, Interpreter } from "./interpreter.ts"
import { SNIPPETS } from "./snippets.ts"

/** localStorage, where the browser lets a page have it. */
function storage(): Storage | undefined {
  try {
    return localStorage
  } catch {
    return undefined
  }
}

const isOnFirstLine = ({ value, selectionStart }: HTMLTextAreaElement): boolean =>
  !value.slice(0, selectionStart).includes("\n")

const isOnLastLine = ({ value, selectionEnd }: HTMLTextAreaElement): boolean =>
  !value.slice(selectionEnd).includes("\n")

export function replView(): void {
  const log = byId("repl-log", HTMLDivElement)
  const input = byId("repl-input", HTMLTextAreaElement)
  const form = byId("repl-form", HTMLFormElement)
  const stop = byId("repl-stop", HTMLButtonElement)
  const state = byId("repl-state", HTMLElement)
  const history = lineHistory("taeda-playground-history", storage())

  const append = (kind: "typed" | "printed" | "value" | "error", text: string): void => {
    log.append(el("pre", { className: kind }, text))
    log.scrollTop = log.scrollHeight
  }
  const interpreter = new Interpreter((text) => append("printed", text))

  const grow = (): void => {
    input.rows = Math.min(12, input.value.split("\n").length)
  }
  const put = (text: string): void => {
    input.value = text
    input.setSelectionRange(text.length, text.length)
    grow()
  }

  let waiting = 0
  const setWaiting = (n: number): void => {
    waiting = n
    stop.disabled = n === 0
    state.textContent = n === 0 ? "" : "Running …"
  }

  /** Runs code and shows what comes of it; resolves to whether it was run and did not fail. */
  const run = async (code: string): Promise<Ended["kind"]> => {
    append("typed", code)
    const typed = log.lastElementChild
    const ended = await interpreter.evaluate(code)
    if (ended.kind === "incomplete") typed?.remove()
    else if (ended.kind === "error") append("error", ended.text)
    else if (ended.text !== null) append("value", ended.text)
    return ended.kind
  }

  /** One after another, in the order in which they were asked for. */
  let queue: Promise<unknown> = Promise.resolve()
  let generation = 0
  const enqueue = <T>(work: () => Promise<T>): Promise<T | undefined> => {
    const mine = generation
    setWaiting(waiting + 1)
    const result = queue.then(() => (mine === generation ? work() : undefined))
    queue = result.finally(() => setWaiting(waiting - 1))
    return result
  }

  const submit = async (): Promise<void> => {
    const code = input.value
    if (code.trim() === "") return
    put("")
    const kind = await enqueue(() => run(code))
    if (kind === "incomplete") put(`${code}\n${input.value}`)
    else history.add(code)
  }

  /** Every line of it is there for the arrow keys, too. */
  const runSnippet = (code: readonly string[]): Promise<unknown> =>
    enqueue(async () => {
      const mine = generation
      for (const line of code) {
        history.add(line)
        if ((await run(line)) !== "value" || mine !== generation) return
      }
    })

  form.addEventListener("submit", (event) => {
    event.preventDefault()
    void submit()
    input.focus()
  })
  input.addEventListener("input", grow)
  input.addEventListener("keydown", (event) => {
    const plain = !(event.shiftKey || event.ctrlKey || event.altKey || event.metaKey || event.isComposing)
    if (!plain) return
    const keys: Readonly<Record<string, () => boolean>> = {
      Enter: () => {
        void submit()
        return true
      },
      ArrowUp: () => isOnFirstLine(input) && recall(history.back(input.value)),
      ArrowDown: () => isOnLastLine(input) && recall(history.forward()),
    }
    if (keys[event.key]?.()) event.preventDefault()
  })
  const recall = (line: string | undefined): boolean => {
    if (line !== undefined) put(line)
    return line !== undefined
  }
  stop.addEventListener("click", () => {
    generation++
    interpreter.stop("Stopped. The prompt starts anew: its names are gone.")
    input.focus()
  })
  byId("repl-clear", HTMLButtonElement).addEventListener("click", () => {
    log.replaceChildren()
    input.focus()
  })
  byId("repl-examples", HTMLUListElement).append(
    ...SNIPPETS.map(({ title, text, code }) => {
      const button = el("button", { type: "button", title: text.replaceAll("\n", " ") }, title)
      button.addEventListener("click", () => void runSnippet(code))
      return el("li", {}, button)
    }),
  )
}
