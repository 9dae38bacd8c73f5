/** The editor of the section about types: CodeMirror, with what TypeScript says in its worker. */
import {
  autocompletion,
  type CompletionSource,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
} from "@codemirror/autocomplete"
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands"
import { javascript } from "@codemirror/lang-javascript"
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language"
import { type Diagnostic, linter, lintKeymap } from "@codemirror/lint"
import type { Extension } from "@codemirror/state"
import { drawSelection, EditorView, hoverTooltip, keymap, lineNumbers } from "@codemirror/view"
import { tags } from "@lezer/highlight"
import { el } from "./dom.ts"
import { type Ask, startTypes } from "./types-client.ts"
import type { Known } from "./types-messages.ts"

export interface TypesEditor {
  /** The program becomes this one. */
  put(program: string): void
  /** The program as JavaScript. */
  plain(): Promise<string>
}

export interface TypesEvents {
  /** The mistakes of the program as it is now: "line 5: ...". */
  onMistakes(mistakes: readonly string[]): void
  /** What is known of the name at the cursor; null where there is none. */
  onCursor(known: string | null): void
  onRun(): void
  onFailure(text: string): void
}

const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: "var(--accent)" },
  { tag: [tags.string, tags.number, tags.bool, tags.null], color: "var(--warn)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
])

const THEME = EditorView.theme({
  "&": { backgroundColor: "var(--page)", color: "var(--text)", fontSize: "0.9rem", borderRadius: "8px" },
  "&.cm-focused": { outline: "3px solid var(--accent)", outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", borderRadius: "8px" },
  ".cm-content": { caretColor: "var(--text)", padding: "0.75rem 0" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--muted)", border: "0" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--soft)",
  },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--soft)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--error)",
    textUnderlineOffset: "3px",
  },
  ".cm-tooltip": {
    maxWidth: "min(40rem, 90vw)",
    border: "1px solid var(--line)",
    borderRadius: "8px",
    backgroundColor: "var(--card)",
    color: "var(--text)",
    boxShadow: "0 4px 16px rgb(0 0 0 / 0.2)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--on-accent)",
  },
  ".cm-diagnostic": { padding: "0.4rem 0.75rem", borderLeft: "4px solid var(--error)", overflowWrap: "anywhere" },
  ".known": { padding: "0.4rem 0.75rem" },
  ".known code": { fontFamily: "var(--mono)", whiteSpace: "pre-wrap", overflowWrap: "anywhere" },
  ".known p": { margin: "0.3rem 0 0", color: "var(--muted)" },
})

const tooltipOf = ({ text, doc }: Known): HTMLElement => {
  const shown = el("div", { className: "known" }, el("code", {}, text))
  if (doc) shown.append(el("p", {}, doc))
  return shown
}

const hover = (ask: Ask): Extension =>
  hoverTooltip(async ({ state }, at) => {
    const known = await ask("known", state.doc.toString(), at)
    return known && { pos: known.from, end: known.to, above: true, create: () => ({ dom: tooltipOf(known) }) }
  })

const mistakes = (ask: Ask, onMistakes: TypesEvents["onMistakes"]): Extension =>
  linter(
    async ({ state }): Promise<Diagnostic[]> => {
      const found = await ask("mistakes", state.doc.toString(), null)
      onMistakes(found.map(({ from, text }) => `Line ${state.doc.lineAt(from).number}: ${text}`))
      return found.map(({ from, to, text }) => ({ from, to, severity: "error", message: text }))
    },
    { delay: 300 },
  )

const completion =
  (ask: Ask): CompletionSource =>
  async (context) => {
    const { state, pos, explicit } = context
    if (!(explicit || context.matchBefore(/[\w$.]$/))) return null
    const found = await ask("completions", state.doc.toString(), pos)
    return found && { from: found.from, options: found.options, validFor: /^[\w$]*$/ }
  }

/** Milliseconds after which the cursor rests. */
const REST = 150

const cursor = (ask: Ask, onCursor: TypesEvents["onCursor"]): Extension => {
  let timer: ReturnType<typeof setTimeout> | undefined
  return EditorView.updateListener.of(({ docChanged, selectionSet, view }) => {
    if (!(docChanged || selectionSet)) return
    clearTimeout(timer)
    timer = setTimeout(async () => {
      const { doc, selection } = view.state
      const known = await ask("known", doc.toString(), selection.main.head)
      onCursor(known?.text ?? null)
    }, REST)
  })
}

/** Opens an editor in an element. It has a root of its own: the page's policy forbids style sheets that scripts write into it. */
export function openEditor(parent: HTMLElement, program: string, events: TypesEvents): TypesEditor {
  const ask = startTypes(events.onFailure)
  const root = parent.attachShadow({ mode: "open" })
  const run = (): boolean => {
    events.onRun()
    return true
  }
  const view = new EditorView({
    root,
    parent: root as unknown as Element,
    doc: program,
    extensions: [
      lineNumbers(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      autocompletion({ override: [completion(ask)] }),
      keymap.of([
        { key: "Mod-Enter", run },
        ...closeBracketsKeymap,
        ...defaultKeymap,
        ...historyKeymap,
        ...completionKeymap,
        ...lintKeymap,
      ]),
      javascript({ typescript: true }),
      syntaxHighlighting(COLOURS),
      THEME,
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": "Program" }),
      mistakes(ask, events.onMistakes),
      hover(ask),
      cursor(ask, events.onCursor),
    ],
  })
  return {
    put(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: 0 } })
      view.focus()
    },
    plain: () => ask("plain", view.state.doc.toString(), null),
  }
}
