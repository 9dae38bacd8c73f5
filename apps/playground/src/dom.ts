/** The few helpers that make plain DOM code short. */

/** The element of the page with an id. Throws where the page has none, or one of another kind. */
export function byId<E extends HTMLElement>(id: string, kind: new () => E): E {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} with the id ${id}`)
  return found
}

/** Makes an element with properties and children; texts become text, never markup. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<Omit<HTMLElementTagNameMap[K], "style">> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  Object.assign(made, properties)
  made.append(...children)
  return made
}

export interface RadioOption {
  readonly value: string
  readonly label: string
  /** A few words more, in small. */
  readonly note?: string
}

/** Fills a fieldset with radio buttons in place of those it had; its legend stays. `onChoose` is told what a person takes. */
export function radios(
  fieldset: HTMLFieldSetElement,
  options: readonly RadioOption[],
  chosen: string,
  onChoose: (value: string) => void,
): void {
  const focused = fieldset.contains(document.activeElement)
  for (const old of fieldset.querySelectorAll(".choices")) old.remove()
  const labels = options.map(({ value, label, note }) => {
    const input = el("input", { type: "radio", name: fieldset.id, value, checked: value === chosen })
    input.addEventListener("change", () => onChoose(value))
    const text = el("span", { className: "choice" }, el("span", {}, label))
    if (note) text.append(el("small", {}, note))
    return el("label", {}, input, text)
  })
  fieldset.append(el("div", { className: "choices" }, ...labels))
  if (focused) fieldset.querySelector<HTMLInputElement>("input:checked")?.focus()
}

/**
 * Fills a select in place of what it had, and keeps what was chosen where that is still there. The first option stands there
 * by itself: where another comes first, that stands there then.
 */
export function fillSelect(select: HTMLSelectElement, options: readonly { value: string; label: string }[]): void {
  const chosen = select.selectedIndex > 0 ? select.value : undefined
  select.replaceChildren(...options.map(({ value, label }) => el("option", { value }, label)))
  if (options.some(({ value }) => value === chosen)) select.value = chosen!
}
