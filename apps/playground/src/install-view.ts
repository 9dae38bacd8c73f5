/** The section that says what to install. */
import { PACKAGE_MANAGERS, RUNTIMES, SYSTEMS, titleOf } from "@taeda/choices"
import { adviceFor, computesFor, type Wish } from "./advice.ts"
import { copyButton } from "./copy.ts"
import { byId, el, type RadioOption, radios } from "./dom.ts"
import type { Machine } from "./machine.ts"
import { systemOf } from "./system.ts"

const named = (table: readonly { readonly name: string; readonly title?: string }[]): RadioOption[] =>
  table.map(({ name, title }) => ({ value: name, label: title ?? name }))

/** Fills the section, and gives what tells it of the machine once that is known. */
export function installView(): (machine: Machine) => void {
  let machine: Machine = []
  let touched = false
  let wish: Wish = {
    system: systemOf(navigator.userAgent),
    manager: "npm",
    runtime: "node",
    compute: computesFor(machine)[0].name,
  }

  const command = byId("install-command", HTMLElement)
  const code = byId("install-code", HTMLElement)
  const why = byId("install-why", HTMLUListElement)
  const outcome = byId("install-outcome", HTMLDivElement)
  copyButton(byId("copy-command", HTMLButtonElement), () => command.textContent ?? "")
  copyButton(byId("copy-code", HTMLButtonElement), () => code.textContent ?? "")

  const showAdvice = (): void => {
    const advice = adviceFor(wish, machine)
    outcome.classList.toggle("nothing", advice.command === null)
    command.textContent = advice.command ?? ""
    code.textContent = advice.code ?? ""
    why.replaceChildren(...advice.why.map((text) => el("li", {}, text)))
  }

  const choose =
    <K extends keyof Wish>(key: K) =>
    (value: string): void => {
      wish = { ...wish, [key]: value }
      if (key === "compute") touched = true
      const manager = RUNTIMES.find(({ name }) => key === "runtime" && name === value)?.manager
      if (manager) {
        wish = { ...wish, manager }
        showManagers()
      }
      showAdvice()
    }

  const noteOf = (name: string): string => {
    const working = machine.filter(({ works }) => works)
    const found = working.find((each) => each.name === name)
    if (!found) return ""
    if (found.software) return "works here, in software: slow"
    return found === working[0] ? "the fastest that works here" : "works here"
  }

  const showManagers = (): void =>
    radios(byId("manager", HTMLFieldSetElement), named(PACKAGE_MANAGERS), wish.manager, choose("manager"))

  const showComputes = (): void => {
    const options = computesFor(machine).map((backend) => ({
      value: backend.name,
      label: titleOf(backend),
      note: noteOf(backend.name),
    }))
    radios(byId("compute", HTMLFieldSetElement), options, wish.compute, choose("compute"))
  }

  radios(byId("system", HTMLFieldSetElement), named(SYSTEMS), wish.system, choose("system"))
  radios(byId("runtime", HTMLFieldSetElement), named(RUNTIMES), wish.runtime, choose("runtime"))
  showManagers()
  showComputes()
  showAdvice()

  return (found) => {
    machine = found
    if (!touched) wish = { ...wish, compute: computesFor(machine)[0].name }
    showComputes()
    showAdvice()
  }
}
