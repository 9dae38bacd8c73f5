/** The component `Selector`: what somebody has, and what they type then. */
import { BACKENDS, misfit, PACKAGE_MANAGERS, RUNTIMES, SYSTEMS, titleOf } from "@taeda/choices"
import { defineComponent, h, ref, type VNode } from "vue"
import { type Choice, FIRST, outcomeOf, withRuntime } from "./choice.ts"

interface Option {
  readonly name: string
  readonly title: string
  /** Why it does not fit what else is chosen. */
  readonly note?: string
}

const groupsOf = (choice: Choice): readonly (readonly [keyof Choice, string, readonly Option[]])[] => [
  ["system", "System", SYSTEMS],
  ["runtime", "Runtime", RUNTIMES.map(({ name, title }) => ({ name, title }))],
  ["manager", "Package manager", PACKAGE_MANAGERS.map(({ name }) => ({ name, title: name }))],
  [
    "backend",
    "Compute",
    BACKENDS.map((each) => ({ name: each.name, title: titleOf(each), note: misfit(each, choice) })),
  ],
]

export const Selector = defineComponent(() => {
  const choice = ref(FIRST)
  const copied = ref("")

  const choose = (key: keyof Choice, name: string): void => {
    choice.value =
      key === "runtime" ? withRuntime(choice.value, name as Choice["runtime"]) : { ...choice.value, [key]: name }
  }
  const copy = async (text: string): Promise<void> => {
    await navigator.clipboard.writeText(text)
    copied.value = text
  }

  const option = (key: keyof Choice, { name, title, note }: Option): VNode =>
    h("label", { key: name, class: { unfit: note !== undefined } }, [
      h("input", {
        type: "radio",
        name: key,
        value: name,
        checked: choice.value[key] === name,
        onChange: () => choose(key, name),
      }),
      h("span", note === undefined ? title : [title, h("small", note)]),
    ])
  const snippet = (text: string): VNode =>
    h("div", { key: text, class: "snippet" }, [
      h("pre", h("code", text)),
      h("button", { type: "button", onClick: () => copy(text) }, copied.value === text ? "Copied" : "Copy"),
    ])

  return () => {
    const { command, code, notes } = outcomeOf(choice.value)
    const snippets = [command, code].filter((text) => text !== undefined)
    return h("section", { class: "selector", "aria-label": "What to install" }, [
      ...groupsOf(choice.value).map(([key, title, options]) =>
        h("fieldset", { key }, [h("legend", title), ...options.map((each) => option(key, each))]),
      ),
      h("div", { class: "outcome", "aria-live": "polite" }, [
        ...snippets.map(snippet),
        ...notes.map((note) => h("p", { key: note }, note)),
      ]),
    ])
  }
})
