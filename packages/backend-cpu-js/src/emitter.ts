/** What the emitters of all kinds share: the names of operands, their prologue, and how leaves read. */
import type { Expr, InputType, OutputType, ScalarType } from "@taeda/core"
import { ARRAY_KIND } from "./buffer.ts"
import type { LoopKernel } from "./emit.ts"
import type { LeafText, Scope } from "./emit-expression.ts"
import { isHalf } from "./expression-plan.ts"
import { WRAP } from "./primitives.ts"

const DECODE = { float16: "$float16ToNumber", bfloat16: "$bfloat16ToNumber" }
const ENCODE = { float16: "$numberToFloat16", bfloat16: "$numberToBfloat16" }

export const decoded = (dtype: ScalarType, text: string): string => (isHalf(dtype) ? `${DECODE[dtype]}(${text})` : text)
export const encoded = (dtype: ScalarType, text: string): string => (isHalf(dtype) ? `${ENCODE[dtype]}(${text})` : text)

/** Whether a text can be mentioned many times at no cost. */
export const isName = (text: string): boolean => /^\w+$/.test(text)

/** A coordinate, and the loop whose index it is. */
export interface Place extends LeafText {
  readonly loop: number | undefined
}

export const loopOf = (coordinate: Expr): number | undefined =>
  coordinate.op === "index" ? Number(coordinate.value) : undefined

/** 0 <= c < size of an int32: as an unsigned number what is negative is too great. */
const within = (c: string, size: string): string => `${c} >>> 0 < ${size}`

/** A text to which `add` adds every place, level by level: all but the innermost part has a name in its loop. */
function gathered(
  places: readonly Place[],
  scope: Scope,
  start: string,
  add: (text: string, place: Place, d: number) => string,
): string {
  let text = start
  const levels = [...new Set(places.map((p) => p.level))].sort((a, b) => a - b)
  for (const level of levels) {
    places.forEach((place, d) => {
      if (place.level === level) text = add(text, place, d)
    })
    if (level < scope.innermost) text = scope.declare(level, text)
  }
  return text
}

export class Emitter {
  readonly inputs: readonly InputType[]
  readonly outputs: readonly OutputType[]
  private readonly scalars: readonly ScalarType[]
  /** The operands read or written at coordinates of their own, by position. */
  private readonly addressed: readonly { readonly k: number; readonly dtype: ScalarType; readonly rank: number }[]
  /** Declarations that outlive a launch. */
  readonly statics: string[] = []
  private names = 0

  constructor(kernel: LoopKernel) {
    this.inputs = kernel.inputs
    this.outputs = kernel.kind === "scatter" ? [] : kernel.outputs
    this.scalars = kernel.scalars
    const loads = kernel.inputs.flatMap((i, k) =>
      i.access === "load" ? [{ k, dtype: i.dtype, rank: i.rank ?? 0 }] : [],
    )
    const { dtype, rank } =
      kernel.kind === "scatter" ? { dtype: kernel.dtype, rank: kernel.targetRank } : { dtype: undefined, rank: 0 }
    this.addressed = dtype ? [...loads, { k: kernel.inputs.length, dtype, rank }] : loads
  }

  readonly fresh = (): string => `t${this.names++}`

  /** Arrays, offsets and scalars of the launch; sizes, and out if there is nothing to do. */
  prologue(rank: number, emptyDims: number): string[] {
    const lines: string[] = []
    const types = [...this.inputs, ...this.outputs].map((t) => t.dtype as ScalarType)
    for (const { k, dtype } of this.addressed) types[k] = dtype
    types.forEach((dtype, k) => {
      const kind = ARRAY_KIND[dtype]
      lines.push(`const A${k} = operands[${k}], B${k} = A${k}.buffer, S${k} = A${k}.strides, o${k} = A${k}.offset`)
      lines.push(`const a${k} = B${k}.kind === ${kind} ? B${k}.data : $viewBuffer(B${k}, ${kind})`)
    })
    for (const { k, rank: own } of this.addressed)
      if (own > 0) {
        const dims = range(own).map((d) => `z${k}_${d} = Z${k}[${d}], s${k}_${d} = S${k}[${d}]`)
        lines.push(`const Z${k} = A${k}.sizes, ${dims.join(", ")}`)
      }
    if (rank > 0)
      lines.push(
        `const ${range(rank)
          .map((d) => `n${d} = sizes[${d}]`)
          .join(", ")}`,
      )
    if (emptyDims > 0)
      lines.push(
        `if (${range(emptyDims)
          .map((d) => `n${d} === 0`)
          .join(" || ")}) return`,
      )
    this.scalars.forEach((dtype, k) => lines.push(`const c${k} = ${scalarText(dtype, `scalars[${k}]`)}`))
    return lines
  }

  /** Inputs that follow the iteration. */
  get moving(): number[] {
    return range(this.inputs.length).filter((k) => this.inputs[k].access !== "load")
  }

  /** The strides of operand k along the given dims. */
  strides(operands: readonly number[], dims: readonly number[]): string[] {
    const parts = operands.flatMap((k) => dims.map((d) => `s${k}_${d} = S${k}[${d}]`))
    return parts.length ? [`const ${parts.join(", ")}`] : []
  }

  element(k: number, at: string): string {
    return decoded(this.inputs[k].dtype, `a${k}[${at}]`)
  }

  /** A read of operand k at coordinates, which are checked; every part stands in the outermost loop that it allows. */
  load(node: Expr, coordinates: readonly LeafText[], scope: Scope): LeafText {
    const k = Number(node.value)
    const places = coordinates.map((c, d): Place => ({ ...c, loop: loopOf(node.args[d]) }))
    const level = Math.max(0, ...coordinates.map((c) => c.level))
    if (node.bounds === "fault") {
      this.checks(k, places, scope)
      return { text: this.element(k, this.address(k, places, scope)), level, simple: false }
    }
    const inside = this.inside(k, places, scope)
    const value = this.element(k, this.address(k, places, scope))
    const zero = this.inputs[k].dtype === "int64" ? "0n" : "0"
    return { text: inside ? `(${inside} ? ${value} : ${zero})` : value, level, simple: false }
  }

  /** Where operand k has the element at coordinates. */
  address(k: number, places: readonly Place[], scope: Scope): string {
    return gathered(places, scope, `o${k}`, (sum, { text }, d) => `${sum} + ${text} * s${k}_${d}`)
  }

  /** The condition that coordinates are inside operand k; empty without coordinates. */
  inside(k: number, places: readonly Place[], scope: Scope): string {
    return gathered(places, scope, "", (all, { text }, d) => `${all && `${all} && `}${within(text, `z${k}_${d}`)}`)
  }

  /** Reports coordinates outside operand k; those that are a loop's own index once for the whole of an innermost loop. */
  checks(k: number, places: readonly Place[], scope: Scope): void {
    places.forEach(({ text, level, loop }, d) => {
      const size = `z${k}_${d}`
      if (loop !== undefined && level > 0 && level === scope.innermost)
        scope.state(level - 1, `if (n${loop} > ${size}) $fault(${k}, ${d}, ${size}, ${size})`)
      else scope.state(level, `if (!(${within(text, size)})) $fault(${k}, ${d}, ${text}, ${size})`)
    })
  }

  scalar(node: Expr): LeafText {
    return { text: `c${node.value}`, level: 0, simple: true }
  }

  store(j: number, at: string, text: string): string {
    const k = this.inputs.length + j
    return `a${k}[${at}] = ${encoded(this.outputs[j].dtype, text)}`
  }
}

export const range = (n: number, from = 0): number[] =>
  Array.from({ length: Math.max(0, n - from) }, (_, i) => i + from)

function scalarText(dtype: ScalarType, text: string): string {
  if (dtype === "int64") return `BigInt(${text})`
  if (dtype === "bool") return `(${text} ? 1 : 0)`
  return WRAP[dtype].text(`Number(${text})`)
}

/** The head of a loop over dim d that moves pointers: `p{k}_{d}` runs from `from(k)` by stride. */
export function loopHead(d: number, operands: readonly number[], from: (k: number) => string): string {
  const starts = operands.map((k) => `, p${k}_${d} = ${from(k)}`).join("")
  const steps = operands.map((k) => `, p${k}_${d} += s${k}_${d}`).join("")
  return `for (let i${d} = 0${starts}; i${d} < n${d}; i${d}++${steps}) {`
}

export const pointer = (k: number, d: number): string => (d < 0 ? `o${k}` : `p${k}_${d}`)
