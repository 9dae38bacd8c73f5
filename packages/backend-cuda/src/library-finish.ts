/** What becomes of sums that one of NVIDIA's libraries computed: an epilogue, as a map. */
import {
  type Access,
  type ConvKernel,
  computeType,
  type Expr,
  input,
  type MatmulKernel,
  result,
  substitute,
} from "@taeda/core"
import type { FloatType } from "./elements.ts"
import { mapPlanner } from "./emit-map.ts"
import type { Launch } from "./launch.ts"
import type { Planner } from "./planner.ts"
import type { BufferRef, KernelLaunch, PlacedOperand } from "./program.ts"

/** Where the sums are: in the result itself, or in a temporary of the plan. */
export interface Sums {
  readonly inPlace: boolean
  readonly view: PlacedOperand
}

const accessOf = ({ strides }: PlacedOperand): "unit" | "strided" => (strides.at(-1) === 1 ? "unit" : "strided")

export class Finish {
  private readonly kernel: MatmulKernel | ConvKernel
  private readonly rank: number
  private readonly sums: FloatType
  private readonly planners = new Map<string, Planner>()

  /** `rank`: that of the result; `sums`: the type in which the library gives them. */
  constructor(kernel: MatmulKernel | ConvKernel, rank: number, sums: FloatType) {
    this.sums = sums
    this.kernel = kernel
    this.rank = rank
  }

  /** The launches after that of the library; the sums are its temporary 0 unless they are in place. */
  launches({ operands, scalars }: Launch, sums: Sums): readonly KernelLaunch[] {
    const results = operands.slice(2)
    const out = results[results.length - 1]
    const from = sums.view
    const { launches } = this.plannerOf(from, out, sums.inPlace).plan({
      sizes: out.sizes,
      operands: [from, ...results],
      scalars,
    })
    // Of the map, the sums are operand 0, and what follows are the product's operands from 2 on.
    const place = (ref: BufferRef): BufferRef => {
      if (!("operand" in ref)) return ref
      if (ref.operand > 0) return { operand: ref.operand + 1 }
      return sums.inPlace ? { operand: operands.length - 1 } : { temporary: 0 }
    }
    return launches.flatMap((launch) => ("module" in launch ? [{ ...launch, buffers: launch.buffers.map(place) }] : []))
  }

  private plannerOf(from: PlacedOperand, out: PlacedOperand, inPlace: boolean): Planner {
    const [read, written] = [accessOf(from), accessOf(out)]
    const key = `${read},${written},${inPlace}`
    let planner = this.planners.get(key)
    if (!planner) this.planners.set(key, (planner = this.make(read, written, inPlace)))
    return planner
  }

  private make(read: Access, written: "unit" | "strided", inPlace: boolean): Planner {
    const { epilogue, dtype } = this.kernel
    const type = this.sums
    const body = epilogue?.body ?? result(0, computeType(dtype))
    const replace = (node: Expr): Expr | undefined => {
      if (node.op === "result") return input(0, type).cast(node.dtype)
      return node.op === "input" ? input(Number(node.value) + 1, node.dtype) : undefined
    }
    return mapPlanner({
      kind: "map",
      rank: this.rank,
      inputs: [{ dtype: type, access: read }, ...(epilogue?.inputs ?? [])],
      outputs: [{ dtype, access: written, ...(inPlace && { aliases: 0 }) }],
      scalars: epilogue?.scalars ?? [],
      body: substitute([body], replace),
    })
  }
}
