/**
 * Marks what a module computes at its top level as free of effects, so that bundlers leave out what a program does not use.
 *
 * Modules of ops are tables of `export const name = op(...)`, and no bundler can see for itself that such a call only makes a
 * value, that a spread or a template runs no code of strangers, that a field has no getter, or that `const [f, f_] = both(...)` iterates
 * over an array. Statements that are calls by themselves are meant for their effects and stay unmarked.
 */
import remapping from "@jridgewell/remapping"
import { parse } from "acorn"
import MagicString from "magic-string"

const MARK = "/* @__PURE__ */ "

const isCall = ({ type }) => type === "CallExpression" || type === "NewExpression"
/** Spreads ask for an iterator or for getters, templates for `toString`. */
const asks = ({ type, properties, elements, arguments: given, expressions }) =>
  (type === "TemplateLiteral" && expressions.length > 0) ||
  [properties, elements, given].some((parts) => parts?.some((part) => part?.type === "SpreadElement"))

/** Puts marks before calls; what else may seem to have effects becomes a call. */
function mark(node, text) {
  if (Array.isArray(node)) for (const each of node) mark(each, text)
  else if (node && typeof node.type === "string") {
    // What stands in functions and in instances' fields runs later.
    if (/Function/.test(node.type) || node.type === "MethodDefinition") return
    if (node.type === "PropertyDefinition" && !node.static) return
    // Rolldown's minifier would print the slash of a division and the mark behind it as a comment to the line's end.
    if (node.type === "BinaryExpression" && node.operator === "/") return mark(node.left, text)
    const { value } = node
    if (asks(node) || (node.type === "MemberExpression" && node.object.name !== "Math")) wrap(node, text)
    else if (node.type === "PropertyDefinition" && value?.type === "Identifier") wrap(value, text)
    else if (isCall(node)) {
      text.appendLeft(node.start, MARK)
      // A method's name is within the mark.
      let { callee } = node
      while (callee.type === "MemberExpression") callee = callee.object
      mark([callee, ...node.arguments], text)
    } else for (const child of Object.values(node)) if (typeof child === "object") mark(child, text)
  }
}

function wrap({ start, end }, text) {
  text.appendLeft(start, `${MARK}(() => (`).appendLeft(end, "))()")
}

const isPlainList = ({ type, elements }) =>
  type === "ArrayPattern" && elements.every((element) => element?.type === "Identifier")

/** Takes `const [a, b] = made()` apart, so that one of them can be left out, or both. */
function takeApart({ id, init }, text) {
  const names = id.elements.map(({ name }) => name)
  if (init.elements?.every((element) => element?.type === "Identifier")) {
    const values = init.elements.map(({ name }) => name)
    text.update(id.start, init.end, names.map((name, k) => `${name} = ${values[k]}`).join(";\nconst "))
    return
  }
  const whole = names.join("$")
  text.update(id.start, id.end, whole)
  names.forEach((name, k) => text.appendRight(init.end, `;\nconst ${name} = ${MARK}(() => (${whole}[${k}]))()`))
}

/** The code with its marks, and its source map to match; where nothing is marked, both as they were given. */
export function marked(code, map) {
  const text = new MagicString(code)
  const { body } = parse(code, { ecmaVersion: "latest", sourceType: "module" })
  for (const node of body) {
    if (!/Declaration$/.test(node.type)) continue
    mark(node, text)
    const [only, ...others] = node.kind === "const" ? node.declarations : []
    if (only && others.length === 0 && isPlainList(only.id)) takeApart(only, text)
  }
  if (!text.hasChanged()) return { code, map }
  // A segment for every character, since the compiler's may begin at any.
  const moved = text.generateDecodedMap({ hires: true, file: map.file })
  return { code: text.toString(), map: remapping([moved, map], () => null) }
}
