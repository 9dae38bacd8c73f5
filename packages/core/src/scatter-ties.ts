/** Which points of a scatter may meet at one element of the target: what backends need to share the work out. */
import { type Expr, type Scalar, topological } from "./expr.ts"
import type { ScatterKernel } from "./kernel.ts"

/** What of a launch decides it. */
interface Launch {
  readonly sizes: readonly number[]
  readonly operands: readonly { readonly strides: readonly number[] }[]
  readonly scalars: readonly Scalar[]
}

/**
 * A coordinate that is an index times a number, plus a number, ties that dim of the iteration: points that meet have the same
 * index along it. So points meet only within the other dims, and only where the other coordinates are the same.
 */
export interface Ties {
  /** The tied dims of the iteration, and the others, in order. */
  readonly tied: readonly number[]
  readonly untied: readonly number[]
  /** The coordinates that tie nothing. */
  readonly free: readonly number[]
  /** Whether the free coordinates are the same all along the tied dims. */
  readonly shared: boolean
}

/** factor · (index along dim) + value; without a dim it is the value, where that is known. */
interface Affine {
  readonly dim?: number
  readonly factor: number
  readonly value: number
}

const fixed = (value: number): Affine => ({ factor: 0, value })

const sum = (a: Affine, b: Affine, sign: number): Affine | undefined => {
  if (a.dim !== undefined && b.dim !== undefined) return undefined
  const value = a.value + sign * b.value
  return a.dim !== undefined
    ? { ...a, value }
    : b.dim !== undefined
      ? { dim: b.dim, factor: sign * b.factor, value }
      : fixed(value)
}

const product = (a: Affine, b: Affine): Affine | undefined => {
  if (a.dim !== undefined && b.dim !== undefined) return undefined
  const [varying, { value }] = b.dim === undefined ? [a, b] : [b, a]
  return { ...varying, factor: varying.factor * value, value: varying.value * value }
}

function affine(e: Expr, scalars: readonly Scalar[]): Affine | undefined {
  if (e.dtype !== "int32") return undefined
  if (e.op === "const") return fixed(Number(e.value))
  if (e.op === "scalar") return fixed(Number(scalars[Number(e.value)]))
  if (e.op === "index") return { dim: Number(e.value), factor: 1, value: 0 }
  if (e.op !== "add" && e.op !== "sub" && e.op !== "mul" && e.op !== "neg") return undefined
  const [a, b] = e.args.map((arg) => affine(arg, scalars))
  if (e.op === "neg") return a && product(a, fixed(-1))
  if (!a || !b) return undefined
  return e.op === "mul" ? product(a, b) : sum(a, b, e.op === "add" ? 1 : -1)
}

/** The dims of the iteration along which expressions may change. */
function dimsOf(roots: readonly Expr[], { sizes, operands }: Launch): Set<number> {
  const dims = new Set<number>()
  for (const node of topological(roots)) {
    if (node.op === "index") dims.add(Number(node.value))
    if (node.op !== "input") continue
    for (const [d, stride] of operands[Number(node.value)].strides.entries())
      if (stride !== 0 && sizes[d] > 1) dims.add(d)
  }
  return dims
}

/** What a launch's points have in common. */
export function tiesOf({ coordinates, rank }: ScatterKernel, launch: Launch): Ties {
  const { sizes, scalars } = launch
  const tied = new Set<number>()
  const free: number[] = []
  for (const [k, coordinate] of coordinates.entries()) {
    const found = affine(coordinate, scalars)
    // Multiples that come near 2^31 might meet after wrapping around.
    const reach = found?.dim === undefined ? 0 : Math.abs(found.factor) * sizes[found.dim]
    if (found?.dim !== undefined && !tied.has(found.dim) && reach > 0 && reach < 2 ** 31) tied.add(found.dim)
    else free.push(k)
  }
  const dims = Array.from({ length: rank }, (_, d) => d)
  const varying = dimsOf(
    free.map((k) => coordinates[k]),
    launch,
  )
  return {
    tied: dims.filter((d) => tied.has(d)),
    untied: dims.filter((d) => !tied.has(d)),
    free,
    shared: ![...tied].some((d) => varying.has(d) && sizes[d] > 1),
  }
}
