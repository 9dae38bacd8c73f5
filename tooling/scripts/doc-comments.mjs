/**
 * Gives the current package's built declarations the doc comments that editors look for. In the sources a comment stands once: in the
 * table of an op's family, at its function, or only at the op of which it is another form. An editor looks at the very declaration
 * that it shows, and would have nothing to say of `x.exp()` where the comment is at `exp`, of `sum(x)` where it is at the method, and
 * of `add_` in any case. And TypeScript 7 finds no comment where a method's type is computed from a table, so that the methods are
 * spelled out, each with the table's type.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import MagicString from "magic-string"

/** What a name says of itself where it is another op's in another form, one row for each form. */
const OP_FORMS = Object.entries(JSON.parse(readFileSync(join(import.meta.dirname, "op-forms.json"), "utf8")))

const COMMENT = String.raw`\/\*\*(?:[^*]|\*(?!\/))*\*\/`
/** The families' tables, with what the compiler made of an object of methods. */
const TABLE = /^(?:export )?(?:interface|declare const) (\w+(?:Ops|Methods|METHODS))\b.*\{\n([\s\S]*?)^\}/gm
const MEMBER = new RegExp(String.raw`^ {4}(?:(${COMMENT})\n {4})?(\w+)(?=[:<(])`, "gm")
const FUNCTIONS = new RegExp(String.raw`^(?:(${COMMENT})\n)?(?:export )?declare (?:const|function) (?=(\w+))`, "gm")
/** `export { variance as var }` */
const RENAMED = /^export \{ (\w+) as (\w+) \};$/gm
/** `interface SumMethods extends MethodsOf<SumOps>, … {}` */
const COMPUTED = /^(export interface \w+Methods) extends (.*) \{\n\}/gm

/** Where the further names of `declare const a: A, b: B;` begin, whose list begins at `start`. */
function* furtherNames(text, start) {
  let depth = 0
  for (const { 0: sign, index } of text.slice(start).matchAll(/"[^"]*"|=>|[()[\]{}<>,;]/g)) {
    if (/^[([{<]$/.test(sign)) depth++
    else if (/^[)\]}>]$/.test(sign)) depth--
    else if (depth > 0) continue
    else if (sign === ";") return
    else if (sign === ",") yield start + index + 2
  }
}

/** The places that may have a comment: `at`, whose it is, and the comment that is there. */
function placesOf(text) {
  const places = []
  const add = (name, at, comment) => places.push({ name, at, comment })
  for (const { 0: table, 2: members, index: begin } of text.matchAll(TABLE)) {
    const start = begin + table.indexOf("{\n") + 2
    for (const { 0: all, 1: comment, 2: name, index } of members.matchAll(MEMBER))
      add(name, start + index + all.length - name.length, comment)
  }
  const renamed = new Map([...text.matchAll(RENAMED)].map(([, local, name]) => [local, name]))
  for (const { 0: all, 1: comment, 2: name, index } of text.matchAll(FUNCTIONS)) {
    const list = index + all.length
    add(renamed.get(name) ?? name, index + (comment ? comment.length + 1 : 0), comment)
    if (all.endsWith("const "))
      for (const at of furtherNames(text, list)) add(/^\w+/.exec(text.slice(at))[0], at, undefined)
  }
  return places
}

const spoken = (comment) => comment.slice(3, -2).trim()

/** The comment of a name among those that are written; undefined where nothing is known. */
function commentOf(name, written) {
  if (written.has(name)) return written.get(name)
  for (const [pattern, say] of OP_FORMS) {
    const form = new RegExp(pattern)
    const found = form.test(name) && commentOf(name.replace(form, "$1"), written)
    if (found) return `/** ${name.replace(form, say)} ${spoken(found)} */`
  }
  return undefined
}

/** The methods that are computed from tables, one by one. */
function spelledOut(text) {
  const tables = new Map()
  for (const [, name, members] of text.matchAll(TABLE)) tables.set(name, [...members.matchAll(MEMBER)])
  return text.replaceAll(COMPUTED, (_, methods, bases) => {
    const members = bases.split(", ").flatMap((base) => {
      const names = tables.get(/(\w+)>$/.exec(base)[1]).map(([, , name]) => name)
      return names.map((name) => `    ${name}: ${base}["${name}"];\n`)
    })
    return `${methods} {\n${members.join("")}}`
  })
}

/** A file of declarations with its comments complete. */
export function completed(declarations) {
  const text = spelledOut(declarations)
  const places = placesOf(text)
  const written = new Map()
  for (const { name, comment } of places) if (comment && !written.has(name)) written.set(name, comment)
  const result = new MagicString(text)
  for (const { name, at, comment } of places) {
    const found = comment ? undefined : commentOf(name, written)
    if (found) result.appendLeft(at, `${found} `)
  }
  return result.toString()
}

for (const name of readdirSync("dist", { recursive: true })) {
  if (!name.endsWith(".d.ts")) continue
  const file = join("dist", name)
  writeFileSync(file, completed(readFileSync(file, "utf8")))
}
