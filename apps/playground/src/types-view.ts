/** The section about types. The editor and TypeScript are loaded when somebody opens it. */
import { byId, el } from "./dom.ts"
import { Interpreter } from "./interpreter.ts"
import type { TypesEditor, TypesEvents } from "./types-editor.ts"
import { TYPES_EXAMPLES } from "./types-examples.ts"

/** Stands where the type of the name at the cursor does. */
const HINT = "Point at a name, or put the cursor on it: its type stands here."

export function typesView(): void {
  const open = byId("types-open", HTMLButtonElement)
  const opened = byId("types-opened", HTMLElement)
  const state = byId("types-state", HTMLElement)
  const log = byId("types-log", HTMLElement)
  const list = byId("types-mistakes", HTMLElement)
  const here = byId("types-here", HTMLElement)
  const run = byId("types-run", HTMLButtonElement)
  const stop = byId("types-stop", HTMLButtonElement)

  const append = (kind: "printed" | "error", text: string): void => log.append(el("pre", { className: kind }, text))
  const interpreter = new Interpreter((text) => append("printed", text))
  const say = (text: string): void => {
    state.textContent = text
  }

  let editor: TypesEditor | undefined
  const runProgram = async (): Promise<void> => {
    if (!editor || run.disabled) return
    run.disabled = true
    stop.disabled = false
    log.replaceChildren()
    say("Running …")
    try {
      const ended = await interpreter.evaluate(await editor.plain())
      if (ended.kind === "error") append("error", ended.text)
      else if (ended.kind === "incomplete") append("error", "SyntaxError: the program ends too early")
    } catch (error) {
      append("error", String(error))
    }
    say("")
    run.disabled = false
    stop.disabled = true
  }

  const events: TypesEvents = {
    onMistakes(mistakes) {
      list.replaceChildren(...mistakes.map((text) => el("li", {}, text)))
      list.classList.toggle("none", mistakes.length === 0)
      if (mistakes.length === 0) list.append(el("li", {}, "Everything fits."))
      if (!run.disabled) say("")
    },
    onCursor(known) {
      here.textContent = known ?? HINT
    },
    onRun: () => void runProgram(),
    onFailure: say,
  }

  open.addEventListener("click", async () => {
    open.disabled = true
    say("Loading TypeScript …")
    try {
      const { openEditor } = await import("./types-editor.ts")
      opened.hidden = false
      open.hidden = true
      editor = openEditor(byId("types-editor", HTMLElement), TYPES_EXAMPLES[0].code, events)
      here.textContent = HINT
      say("TypeScript starts …")
    } catch (error) {
      open.disabled = false
      say(String(error))
    }
  })
  run.addEventListener("click", () => void runProgram())
  stop.addEventListener("click", () => interpreter.stop("Stopped."))
  byId("types-examples", HTMLUListElement).append(
    ...TYPES_EXAMPLES.map(({ title, code }) => {
      const button = el("button", { type: "button" }, title)
      button.addEventListener("click", () => {
        log.replaceChildren()
        editor?.put(code)
      })
      return el("li", {}, button)
    }),
  )
}
