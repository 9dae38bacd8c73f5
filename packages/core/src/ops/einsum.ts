/** Einstein summation. */
import { op } from "../args.ts"
import { sizesText, tensorText, valueText } from "../errors.ts"
import { checkFactors } from "../products.ts"
import { numelOf } from "../shape.ts"
import { isTensor, type Tensor } from "../tensor.ts"
import type { EinsumSignature } from "../types/layer-signatures.ts"
import { mul } from "./arithmetic.ts"
import { bmm } from "./matmul.ts"
import { sum } from "./reduction.ts"
import { diagonal, permute, reshape, unsqueeze, view } from "./views.ts"

const NAME = "einsum"
/** The dims of an ellipsis are labels of their own, counted from the last: ".0" is the innermost. */
const ELLIPSIS = "..."

/** The labels of one part of the equation: single letters, and at most one ellipsis. */
function labelsOf(part: string, equation: string): string[] {
  const labels = part.replaceAll(" ", "").match(/\.\.\.|./g) ?? []
  for (const label of labels)
    if (label !== ELLIPSIS && !/^[a-zA-Z]$/.test(label))
      throw new RangeError(
        `${NAME}: invalid subscript ${JSON.stringify(label)} in ${JSON.stringify(equation)}: subscripts must be letters, or "..."`,
      )
  if (labels.filter((l) => l === ELLIPSIS).length > 1)
    throw new RangeError(
      `${NAME}: found "..." for a second time in ${JSON.stringify(part)} of ${JSON.stringify(equation)}`,
    )
  return labels
}

/** One label per dim: an ellipsis stands for the dims that have no letter. */
function perDimension(labels: readonly string[], x: Tensor, i: number, equation: string): string[] {
  const covered = x.ndim - (labels.length - (labels.includes(ELLIPSIS) ? 1 : 0))
  if (covered < 0 || (covered > 0 && !labels.includes(ELLIPSIS)))
    throw new RangeError(
      `${NAME}: the number of subscripts in ${JSON.stringify(labels.join(""))} (${labels.filter((l) => l !== ELLIPSIS).length}) does not match the number of dimensions (${x.ndim}) of operand ${i}, ${sizesText(x)}, in ${JSON.stringify(equation)}`,
    )
  return labels.flatMap((l) =>
    l === ELLIPSIS ? Array.from({ length: covered }, (_, d) => `.${covered - 1 - d}`) : [l],
  )
}

interface Plan {
  /** Labels per operand, one per dim. */
  readonly operands: readonly (readonly string[])[]
  readonly output: readonly string[]
  /** The labels that are summed over. */
  readonly summed: readonly string[]
  readonly sizes: ReadonlyMap<string, number>
}

function planOf(equation: string, tensors: readonly Tensor[]): Plan {
  const [left = "", right, ...rest] = equation.split("->")
  if (rest.length) throw new RangeError(`${NAME}: more than one "->" in ${JSON.stringify(equation)}`)
  const parts = left.split(",").map((part) => labelsOf(part, equation))
  if (parts.length !== tensors.length)
    throw new RangeError(
      `${NAME}: ${parts.length > tensors.length ? "fewer" : "more"} operands were provided (${tensors.length}) than specified in the equation ${JSON.stringify(equation)} (${parts.length})`,
    )
  const operands = parts.map((labels, i) => perDimension(labels, tensors[i]!, i, equation))
  const sizes = new Map<string, number>()
  operands.forEach((labels, i) =>
    labels.forEach((label, d) => {
      const size = tensors[i]!.shape[d]!
      const known = sizes.get(label)
      if (known === undefined || known === 1) sizes.set(label, size)
      else if (size !== 1 && size !== known)
        throw new RangeError(
          `${NAME}: ${label.startsWith(".") ? "a dim of the ellipsis" : `subscript ${label}`} has size ${size} for operand ${i}, ${sizesText(tensors[i]!)}, which does not broadcast with previously seen size ${known} in ${JSON.stringify(equation)}`,
        )
    }),
  )
  const dots = [...sizes.keys()]
    .filter((l) => l.startsWith("."))
    .sort((a, b) => Number(b.slice(1)) - Number(a.slice(1)))
  const output = right === undefined ? [...dots, ...once(operands)] : outputLabels(right, equation, sizes, dots)
  return { operands, output, summed: [...sizes.keys()].filter((l) => !output.includes(l)), sizes }
}

/** The letters that occur once in all operands, in the order of the alphabet, capitals first. */
const once = (operands: readonly (readonly string[])[]): string[] => {
  const all = operands.flat().filter((l) => !l.startsWith("."))
  return all.filter((l) => all.indexOf(l) === all.lastIndexOf(l)).sort()
}

function outputLabels(
  right: string,
  equation: string,
  sizes: ReadonlyMap<string, number>,
  dots: readonly string[],
): string[] {
  const labels = labelsOf(right, equation)
  labels.forEach((label, i) => {
    if (labels.indexOf(label) !== i)
      throw new RangeError(
        `${NAME}: output subscript ${label} appears more than once in the output of ${JSON.stringify(equation)}`,
      )
    if (label !== ELLIPSIS && !sizes.has(label))
      throw new RangeError(
        `${NAME}: output subscript ${label} does not appear in the equation ${JSON.stringify(equation)} for any input operand`,
      )
  })
  return labels.flatMap((l) => (l === ELLIPSIS ? dots : [l]))
}

/** The operand over all labels in order: repeated ones become their diagonal, missing ones dims of size 1. */
function aligned(x: Tensor, labels: readonly string[], order: readonly string[], equation: string): Tensor {
  let part = x
  const own = [...labels]
  for (;;) {
    const d = own.findIndex((label, i) => own.indexOf(label, i + 1) > i)
    if (d < 0) break
    const again = own.indexOf(own[d]!, d + 1)
    if (part.shape[d] !== part.shape[again])
      throw new RangeError(
        `${NAME}: subscript ${own[d]} is repeated for operand ${tensorText(x)} but the sizes don't match, ${part.shape[again]} != ${part.shape[d]}, in ${JSON.stringify(equation)}`,
      )
    // The diagonal becomes the last dim.
    part = diagonal(part, 0, d, again)
    own.push(own[d]!)
    own.splice(again, 1)
    own.splice(d, 1)
  }
  const missing = order.filter((l) => !own.includes(l))
  for (const _ of missing) part = unsqueeze(part, -1)
  const all = [...own, ...missing]
  const dims = order.map((l) => all.indexOf(l))
  return permute(part, dims)
}

/** Σ a·b over the dims that `sums` marks, both over the same dims (size 1 where absent): one product of batches. */
function sumOfProducts(a: Tensor, b: Tensor, sums: readonly boolean[]): Tensor {
  let [x, y] = [a, b]
  const groups: Record<"both" | "left" | "right" | "sum", number[]> = { both: [], left: [], right: [], sum: [] }
  sums.forEach((summed, d) => {
    const [inX, inY] = [x.shape[d] !== 1, y.shape[d] !== 1]
    if (summed && inX && inY) groups.sum.push(d)
    else if (summed) {
      if (inX) x = sum(x, d, true)
      if (inY) y = sum(y, d, true)
    } else groups[inX && inY ? "both" : inX ? "left" : "right"].push(d)
  })
  const { both, left, right, sum: over } = groups
  const gone = sums.flatMap((summed, d) => (summed && !over.includes(d) ? [d] : []))
  const sizes = (t: Tensor, dims: readonly number[]): number[] => dims.map((d) => t.shape[d]!)
  const [batch, rows, inner, columns] = [sizes(x, both), sizes(x, left), sizes(x, over), sizes(y, right)]
  const lhs = reshape(permute(x, [...both, ...left, ...over, ...right, ...gone]), [
    numelOf(batch),
    numelOf(rows),
    numelOf(inner),
  ])
  const rhs = reshape(permute(y, [...both, ...over, ...right, ...left, ...gone]), [
    numelOf(batch),
    numelOf(inner),
    numelOf(columns),
  ])
  const made = [...both, ...left, ...right, ...over, ...gone]
  const product = reshape(bmm(lhs, rhs), [...batch, ...rows, ...columns, ...over.map(() => 1), ...gone.map(() => 1)])
  return permute(
    product,
    sums.map((_, d) => made.indexOf(d)),
  )
}

function contracted(equation: string, tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 0)
    throw new RangeError(`${NAME}: must provide at least one operand for ${JSON.stringify(equation)}`)
  if (tensors.length > 1) checkFactors(NAME, tensors)
  const { operands, output, summed } = planOf(equation, tensors)
  const order = [...output, ...summed]
  const views = tensors.map((x, i) => aligned(x, operands[i]!, order, equation))
  /** Each summed label is summed with the last operand that has it. */
  const last = order.map((label) => operands.findLastIndex((labels) => labels.includes(label)))
  const sumsAt = (i: number): boolean[] => order.map((_, d) => d >= output.length && last[d] === i)
  const dimsAt = (i: number): number[] => sumsAt(i).flatMap((s, d) => (s ? [d] : []))
  let result = views[0]!
  if (views.length === 1) return summed.length ? sum(result, dimsAt(0)) : result
  const first = dimsAt(0)
  if (first.length) result = sum(result, first, true)
  for (let i = 1; i < views.length; i++) {
    const sums = sumsAt(i)
    result = sums.includes(true) ? sumOfProducts(result, views[i]!, sums) : mul(result, views[i]!)
  }
  return summed.length ? view(result, result.shape.slice(0, output.length)) : result
}

/** Letters for the numbers of the list format. */
const letterOf = (n: unknown): string => {
  if (n === ELLIPSIS) return ELLIPSIS
  if (typeof n !== "number" || !Number.isInteger(n) || n < 0 || n > 51)
    throw new RangeError(`${NAME}: subscripts in a list must be integers from 0 to 51 or "...", got ${valueText(n)}`)
  return String.fromCharCode(n < 26 ? 65 + n : 97 + n - 26)
}

const byEquation = op<(equation: string, ...operands: readonly unknown[]) => Tensor>(
  "einsum(equation, ...operands)",
  (equation: unknown, operands: readonly unknown[]) => {
    if (typeof equation !== "string")
      throw new TypeError(`${NAME}: expected an equation such as "ij,jk->ik", got ${valueText(equation)}`)
    for (const x of operands)
      if (!isTensor(x)) throw new TypeError(`${NAME}: operands must be tensors, got ${valueText(x)}`)
    return contracted(equation, operands as readonly Tensor[])
  },
)

function bySublists(all: readonly unknown[]): Tensor {
  const tensors = all.filter(isTensor)
  const lists = all.filter((x) => !isTensor(x))
  const inTurn = all.every((x, i) => isTensor(x) === (i % 2 === 0 && i < all.length - (all.length % 2)))
  if (!inTurn || !lists.every(Array.isArray))
    throw new TypeError(
      `${NAME}: expected operands each with the list of its subscripts, and perhaps a last list, got ${all.map(valueText).join(", ")}`,
    )
  const texts = (lists as unknown[][]).map((list) => list.map(letterOf).join(""))
  const inputs = texts.slice(0, tensors.length).join(",")
  return contracted(texts.length > tensors.length ? `${inputs}->${texts[tensors.length]}` : inputs, tensors)
}

/**
 * Sums of products over named dims: `einsum("bij,bjk->bik", a, b)`. Letters name dims; a letter that is missing from the
 * output is summed over; a repeated one takes the diagonal; "..." stands for dims without names, which broadcast. Without
 * "->" the output has "..." and the letters that occur once, in alphabetical order. Operands are contracted from left to
 * right. Throws a RangeError where the equation does not fit the operands.
 */
export const einsum = ((first: unknown, ...rest: readonly unknown[]): Tensor =>
  isTensor(first) ? bySublists([first, ...rest]) : byEquation(first as string, ...rest)) as EinsumSignature
