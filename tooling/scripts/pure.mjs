/**
 * Marks what a module computes at its top level as free of effects, so that bundlers leave out what a program does not use.
 *
 * Modules of ops are tables of `export const name = op(...)`, and no bundler can see for itself that such a call only makes a
 * value, that a spread or a template runs no code of strangers, or that a static field reads no getter. Statements that are calls by
 * themselves are meant for their effects and stay unmarked.
 */
import { parse } from "acorn"

const MARK = "/* @__PURE__ */ "

const isCall = ({ type }) => type === "CallExpression" || type === "NewExpression"
/** Spreads ask for an iterator or for getters, templates for `toString`. */
const asks = ({ type, properties, elements, arguments: given, expressions }) =>
  (type === "TemplateLiteral" && expressions.length > 0) ||
  [properties, elements, given].some((parts) => parts?.some((part) => part?.type === "SpreadElement"))

/** What is put in, and where: marks before calls; what else may seem to have effects becomes a call. */
function marksIn(node, marks = []) {
  if (Array.isArray(node)) for (const each of node) marksIn(each, marks)
  else if (node && typeof node.type === "string") {
    // What stands in functions and in instances' fields runs later.
    if (/Function/.test(node.type) || node.type === "MethodDefinition") return marks
    if (node.type === "PropertyDefinition" && !node.static) return marks
    // Rolldown's minifier would print the slash of a division and the mark behind it as a comment to the line's end.
    if (node.type === "BinaryExpression" && node.operator === "/") return marksIn(node.left, marks)
    const { value } = node
    if (asks(node)) wrap(node, marks)
    else if (node.type === "PropertyDefinition" && value && /Member|Identifier/.test(value.type)) wrap(value, marks)
    else {
      if (isCall(node)) marks.push([node.start, MARK])
      for (const child of Object.values(node)) if (typeof child === "object") marksIn(child, marks)
    }
  }
  return marks
}

function wrap({ start, end }, marks) {
  marks.push([start, `${MARK}(() => (`], [end, "))()"])
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

/** A number as source maps write them: base 64, five bits a digit, the sign last. */
function encoded(value) {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1
  let text = ""
  do {
    text += DIGITS[(rest & 31) | (rest > 31 ? 32 : 0)]
    rest >>>= 5
  } while (rest > 0)
  return text
}

/** The first number of a segment, and what follows it. */
function firstOf(segment) {
  let value = 0
  let length = 0
  let digit
  do {
    digit = DIGITS.indexOf(segment[length])
    value |= (digit & 31) << (5 * length++)
  } while (digit & 32)
  return [value & 1 ? -(value >> 1) : value >> 1, segment.slice(length)]
}

/** A line of a source map after texts were put in at columns, in ascending order. */
function shifted(line, puts) {
  let column = 0
  let next = 0
  return line
    .split(",")
    .map((segment) => {
      if (segment === "") return segment
      const [step, rest] = firstOf(segment)
      column += step
      let width = 0
      for (; next < puts.length && puts[next].column <= column; next++) width += puts[next].text.length
      return encoded(step + width) + rest
    })
    .join(",")
}

/** The code with its marks, and its source map ("mappings" as in the file) to match. */
export function marked(code, mappings = "") {
  const { body } = parse(code, { ecmaVersion: "latest", sourceType: "module" })
  const marks = marksIn(body.filter(({ type }) => /Declaration$/.test(type))).sort(([a], [b]) => a - b)
  let result = ""
  let done = 0
  let line = 0
  let start = 0
  /** What was put into each line. */
  const puts = []
  for (const [place, text] of marks) {
    result += code.slice(done, place) + text
    done = place
    for (let end = code.indexOf("\n", start); end >= 0 && end < place; end = code.indexOf("\n", start)) {
      start = end + 1
      line++
    }
    puts[line] = [...(puts[line] ?? []), { column: place - start, text }]
  }
  return {
    code: result + code.slice(done),
    mappings: mappings
      .split(";")
      .map((text, k) => (puts[k] ? shifted(text, puts[k]) : text))
      .join(";"),
  }
}
