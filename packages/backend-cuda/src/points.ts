/** Points of an iteration space in kernels: their coordinates, and what expressions read there. */
import type { Expr, InputType } from "@taeda/core"
import type { ReadLeaf } from "./expression.ts"
import type { PlannedLaunch } from "./launch.ts"
import { addressOf, bindInput, readElement, readLoad, type View } from "./views.ts"
import type { Writer } from "./writer.ts"

/** A size of the iteration by which indices are divided. */
export interface Divisor {
  readonly key: string
  readonly read: (launch: PlannedLaunch) => number
}

export const sizeOf = (d: number): Divisor => ({ key: `n${d}`, read: ({ sizes }) => sizes[d] })

/** A size that is in a register, and the numbers by which indices of 32 bits are divided by it. */
export interface KnownDivisor {
  readonly size: string
  readonly multiplier: string
  readonly shift: string
}

interface Divided {
  readonly quotient: string
  readonly remainder: string
}

/** Quotient and remainder of an index by a number of the launch, which brings its inverse. */
export function divide(w: Writer, index: string, { key, read }: Divisor): Divided {
  const size = w.number(key, w.index, read)
  if (w.wide) return divideBy(w, index, { size, multiplier: size, shift: size })
  const multiplier = w.number(`${key} inverse`, "u32", (launch) => inverse(read(launch)).multiplier)
  const shift = w.number(`${key} shift`, "u32", (launch) => inverse(read(launch)).shift)
  return divideBy(w, index, { size, multiplier, shift })
}

/** The same by what is in registers. In 32 bits, of indices below 2^31: by a product with the inverse. */
export function divideBy(w: Writer, index: string, { size, multiplier, shift }: KnownDivisor): Divided {
  if (w.wide) return { quotient: w.ix("div", index, size), remainder: w.ix("rem", index, size) }
  const quotient = w.op("shr.u32", w.op("add.u32", w.op("mul.hi.u32", index, multiplier), index), shift)
  return { quotient, remainder: w.op("sub.u32", index, w.op("mul.lo.u32", quotient, size)) }
}

/** What an index is divided by that only the kernel knows, and that is not 0: it makes the inverse, as `inverse` does. */
export function divisorOf(w: Writer, size: string): KnownDivisor {
  if (w.wide) return { size, multiplier: size, shift: size }
  const shift = w.op("sub.u32", 32, w.op("clz.b32", w.op("sub.u32", size, 1)))
  const over = w.op("sub.u32", w.op("shl.b32", 1, shift), size)
  const quotient = w.op("div.u64", w.op("shl.b64", w.op("cvt.u64.u32", over), 32), w.op("cvt.u64.u32", size))
  return { size, multiplier: w.op("add.u32", w.op("cvt.u32.u64", quotient), 1), shift }
}

/** Numbers by which ⌊n/d⌋ = (⌊n·multiplier/2^32⌋ + n) >> shift for all n below 2^31. */
export function inverse(divisor: number): { multiplier: number; shift: number } {
  const shift = divisor <= 1 ? 0 : Math.ceil(Math.log2(divisor))
  // A quotient of less than 2^53, but not an exact one.
  const multiplier = (BigInt(2 ** shift - divisor) << 32n) / BigInt(Math.max(divisor, 1)) + 1n
  return { multiplier: Number(BigInt.asUintN(32, multiplier)), shift }
}

/** Writes the coordinates of a row-major number over dims of the sizes given. */
export function unravel(w: Writer, linear: string, sizes: readonly Divisor[]): string[] {
  const coordinates: string[] = []
  let rest = linear
  for (let d = sizes.length - 1; d > 0; d--) {
    const { quotient, remainder } = divide(w, rest, sizes[d])
    coordinates[d] = remainder
    rest = quotient
  }
  if (sizes.length) coordinates[0] = rest
  return coordinates
}

/** `sizeOf` for dims `from` to before `to`. */
export const sizesOf = (from: number, to: number): Divisor[] =>
  Array.from({ length: to - from }, (_, d) => sizeOf(from + d))

/** The inputs of a kernel, each bound when something first reads it. */
export class Inputs {
  private readonly views = new Map<number, View>()
  private readonly w: Writer
  private readonly types: readonly InputType[]
  private readonly constant: boolean

  /**
   * `given`: the inputs that are bound already, being outputs as well. `constant`: whether no other input's memory is written
   * while the kernel runs.
   */
  constructor(
    w: Writer,
    types: readonly InputType[],
    given: readonly (readonly [number, View])[] = [],
    constant = true,
  ) {
    this.w = w
    this.types = types
    this.constant = constant
    for (const [k, view] of given) this.views.set(k, view)
  }

  view(k: number): View {
    let view = this.views.get(k)
    if (!view) this.views.set(k, (view = bindInput(this.w, k, this.types[k].dtype, this.constant)))
    return view
  }

  /**
   * What `input`, `load`, `index` and `scalar` leaves read at the point with these coordinates (indices). `others` gives what
   * it knows of a leaf, and is asked first.
   */
  at(point: readonly string[], others?: (node: Expr) => string | undefined): ReadLeaf {
    const { w } = this
    return (node, coordinates) => {
      const known = others?.(node)
      if (known !== undefined) return known
      const k = Number(node.value)
      if (node.op === "load") return readLoad(w, this.view(k), node, coordinates)
      if (node.op === "input")
        return readElement(w, this.view(k), addressOf(w, this.view(k), point, this.types[k].access))
      if (node.op === "index") return w.wide ? w.op("cvt.u32.u64", point[k]) : point[k]
      if (node.op === "scalar") return w.scalar(k, node.dtype)
      throw new TypeError(`cuda: a leaf ${node.op} has no meaning at a point`)
    }
  }
}

/** Inputs that are the same views as outputs. */
export const aliased = (
  outputs: readonly { readonly aliases?: number }[],
  views: readonly View[],
): (readonly [number, View])[] =>
  outputs.flatMap(({ aliases }, j) => (aliases === undefined ? [] : [[aliases, views[j]] as const]))
