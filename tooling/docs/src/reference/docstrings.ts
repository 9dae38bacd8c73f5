/** The text of a name: its docstring, or what follows from its name where it is another op's in another form. */
import { read } from "../repository.ts"
import type { Declaration, Namespace } from "./declarations.ts"
import { ALIASES } from "./examples.ts"

/** What a name says of itself where it is another op's in another form, one row for each form; the build reads it as well. */
const OP_FORMS = JSON.parse(read("tooling/scripts/op-forms.json")) as Readonly<Record<string, string>>

const find = (declarations: readonly Pick<Declaration, "name" | "doc">[], name: string): string =>
  declarations.find((each) => each.name === name && each.doc !== "")?.doc ?? ""

/** What is to be said of a name among others; "" where nothing is known. */
export function textOf(path: string, name: string, among: readonly Pick<Declaration, "name" | "doc">[]): string {
  const own = find(among, name)
  if (own !== "") return own
  for (const [pattern, say] of Object.entries(OP_FORMS)) {
    const form = new RegExp(pattern)
    const text = form.test(name) ? textOf(path, name.replace(form, "$1"), among) : ""
    if (text !== "") return `${name.replace(form, say)} ${text}`
  }
  const alias = ALIASES.get(path === "" ? name : `${path}.${name}`)
  const target = alias?.slice(alias.lastIndexOf(".") + 1)
  if (target === undefined || target === name) return ""
  const text = textOf(path, target, among)
  return text === "" ? "" : `Another name of \`${alias}\`. ${text}`
}

/** The names without any text, as paths. */
export const undocumented = (namespaces: readonly Namespace[]): string[] =>
  namespaces.flatMap(({ path, declarations }) => {
    const all = namespaces.flatMap((each) => each.declarations)
    return declarations
      .filter(({ name }) => textOf(path, name, [...declarations, ...all]) === "")
      .map(({ name }) => (path === "" ? name : `${path}.${name}`))
  })
