/** The text of a name: its docstring, or what follows from its name where it is another op's in another form. */

import type { Declaration, Namespace } from "./declarations.ts"
import { ALIASES } from "./examples.ts"
import { TEXTS } from "./texts.ts"

/** Another name in a namespace: the op that it is. */
const RENAMED: Readonly<Record<string, string>> = { expit: "sigmoid", psi: "digamma", gammaln: "lgamma" }

const find = (declarations: readonly Pick<Declaration, "name" | "doc">[], name: string): string =>
  declarations.find((each) => each.name === name)?.doc ?? ""

/** One row for each form that a name can have: what it is a form of, and what is to be said then. */
const FORMS: readonly (readonly [RegExp, (of: string, text: string) => string])[] = [
  [/^(\w*[a-zA-Z0-9])_$/, (of, text) => `\`${of}\` in place. ${text}`],
  [
    /^(\w+)Sync$/,
    (of, text) => `\`${of}\` without waiting, on devices that read synchronously; on others it throws. ${text}`,
  ],
]

/** What is to be said of a name among others; "" where nothing is known. */
export function textOf(path: string, name: string, among: readonly Pick<Declaration, "name" | "doc">[]): string {
  const own = find(among, name)
  if (own !== "") return own
  for (const [pattern, say] of FORMS) {
    const of = pattern.exec(name)?.[1]
    if (of === undefined) continue
    const text = textOf(path, of, among)
    if (text !== "") return say(of, text)
  }
  const here = TEXTS[name] ?? TEXTS[RENAMED[name] ?? ""]
  if (here !== undefined) return here
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
