/** What happens to a finished block of sums before it is stored: the epilogue's expression over rows, four columns at a time. */

import type { Scalar } from "@taeda/core"
import { computeType, type DType, type Epilogue, type Expr } from "@taeda/core"
import { type FunctionBuilder, get, type Local, type ModuleBuilder } from "./assembler.ts"
import { type Code, i32, op } from "./code.ts"
import { loadElements, packed, type Reach, storable, storeLane, storeUnit } from "./elements.ts"
import { setScalar } from "./frame.ts"
import { emitGraph, Graph, type Node } from "./graph.ts"
import { isHalf } from "./half.ts"
import { storedExpression } from "./loops.ts"
import { lowerExpressions } from "./lower.ts"
import type { EmitEpilogue, Place } from "./product-block.ts"
import { scalarValue } from "./scalars.ts"
import { STORED } from "./stored.ts"

/** How operands lie along the columns of a block, for which the loop is written anew. */
type Layout = "unit" | "broadcast" | "strided"

/** The type in which the sums of a kernel of some dtype come. */
const sumType = (dtype: DType): DType => {
  const wide = computeType(dtype)
  return STORED[wide].bytes < 4 ? "int32" : wide
}

/** Writes the scalars of a launch behind the `slots` that the product's plan fills. */
export function writeScalars(
  epilogue: Epilogue | null,
  words: Int32Array,
  frame: number,
  slots: number,
  scalars: readonly Scalar[],
): void {
  epilogue?.scalars.forEach((dtype, k) => setScalar(words, (frame >> 2) + 2 * (slots + k), dtype, scalars[k]))
}

/** The code of an epilogue whose scalars stand in the frame from slot `slots` on; undefined where there is none. */
export function epilogueCode(epilogue: Epilogue | null, dtype: DType, slots: number): EmitEpilogue | undefined {
  if (!epilogue) return undefined
  return (f, module, block) => {
    const { rows, columns, result, out, inputs } = block
    const places = [...inputs, result, out]
    const types = [...epilogue.inputs.map((i) => i.dtype), sumType(dtype), dtype]
    const writer = new BlockWriter(f, module, epilogue, dtype, block.frame, slots, places, types)
    const strideIs = (k: number, bytes: number): Code => f.op("ptr.eq", get(places[k].column), f.ptr(bytes))
    const all = (tests: readonly Code[]): Code => tests.reduce((a, b) => op("i32.and", a, b))
    const n = inputs.length
    const ends = [n, n + 1].map((k) => strideIs(k, STORED[types[k]].bytes))
    const sides = (bytes: (k: number) => number): Code[] => inputs.map((_, k) => strideIs(k, bytes(k)))
    const as = (side: Layout, end: Layout) => (): void =>
      writer.rows(rows, columns, [...inputs.map(() => side), end, end])
    f.if(all([...ends, ...sides((k) => STORED[types[k]].bytes)]), as("unit", "unit"), () =>
      n === 0
        ? as("strided", "strided")()
        : f.if(all([...ends, ...sides(() => 0)]), as("broadcast", "unit"), as("strided", "strided")),
    )
  }
}

class BlockWriter {
  private readonly f: FunctionBuilder
  private readonly g: Graph
  private readonly epilogue: Epilogue
  private readonly dtype: DType
  private readonly frame: Local
  private readonly slots: number
  private readonly places: readonly Place[]
  private readonly types: readonly DType[]
  private readonly pointers: readonly Local[]
  private readonly row: Local
  private readonly left: Local

  constructor(
    f: FunctionBuilder,
    module: ModuleBuilder,
    epilogue: Epilogue,
    dtype: DType,
    frame: Local,
    slots: number,
    places: readonly Place[],
    types: readonly DType[],
  ) {
    this.f = f
    this.g = new Graph(module)
    this.epilogue = epilogue
    this.dtype = dtype
    this.frame = frame
    this.slots = slots
    this.places = places
    this.types = types
    this.pointers = places.map(() => f.local("ptr"))
    this.row = f.local("ptr")
    this.left = f.local("ptr")
  }

  /** The loops, for operands that lie so along the columns. */
  rows(rows: Local, columns: Local, layouts: readonly Layout[]): void {
    const { f, row, left, pointers, places } = this
    const blocks: [Code[], Code[]] = [[], []]
    const known = new Map<Node, Local>()
    const loops = f.capture(() =>
      f.for(row, f.ptr(0), get(rows), f.ptr(1), () => {
        places.forEach((place, k) =>
          f.set(pointers[k], f.op("ptr.add", get(place.address), f.op("ptr.mul", get(row), get(place.row)))),
        )
        f.set(left, get(columns))
        f.while(f.op("ptr.ge_s", get(left), f.ptr(4)), () => {
          this.four(layouts, null, blocks, known)
          places.forEach((place, k) => {
            if (layouts[k] !== "broadcast")
              f.set(pointers[k], f.op("ptr.add", get(pointers[k]), f.op("ptr.mul", get(place.column), f.ptr(4))))
          })
          f.set(left, f.op("ptr.sub", get(left), f.ptr(4)))
        })
        f.if(f.op("ptr.gt_s", get(left), f.ptr(0)), () => {
          this.four(layouts, f.let("i32", f.toI32(get(left))), blocks, known)
        })
      }),
    )
    f.push(blocks[0], loops)
  }

  /** Four columns, of which `rest` count. */
  private four(
    layouts: readonly Layout[],
    rest: Local | null,
    blocks: readonly [Code[], Code[]],
    known: Map<Node, Local>,
  ): void {
    const { f, g, epilogue, dtype, pointers, places, types } = this
    const n = epilogue.inputs.length
    const lane = (k: number, l: number): Node => {
      const pointer = g.local(pointers[k], 1)
      if (l === 0) return pointer
      // Columns beyond the last read the first again, and are not stored.
      const counts = rest && g.op("i32.gt_s", g.local(rest, 1), g.i32(l))
      const place = counts ? g.op("i32.mul", counts, g.i32(l)) : g.i32(l)
      const wide = g.pointer === "i32" ? place : g.op("i64.extend_i32_u", place)
      return g.op("ptr.add", pointer, g.op("ptr.mul", wide, g.local(places[k].column, 0)))
    }
    const reach = (k: number): Reach => {
      if (layouts[k] === "broadcast") return { kind: "splat", address: g.local(pointers[k], 1) }
      if (layouts[k] === "unit" && !rest) return { kind: "unit", address: g.local(pointers[k], 1), offset: 0 }
      return { kind: "lanes", addresses: [0, 1, 2, 3].map((l) => lane(k, l)) }
    }
    const address = g.local(this.frame, 0)
    const leaf = (node: Expr) => {
      const k = Number(node.value)
      if (node.op === "scalar") return scalarValue(g, address, (this.slots + k) * 8, epilogue.scalars[k], node.dtype)
      return loadElements(g, types[node.op === "result" ? n : k], reach(node.op === "result" ? n : k))
    }
    const root = isHalf(dtype) ? storedExpression(epilogue.body) : epilogue.body
    const [value] = lowerExpressions(g, [root], { leaf })
    const whole = layouts[n + 1] === "unit" && !rest
    const parts = whole ? packed(g, dtype, storable(g, dtype, value)) : storable(g, dtype, value)
    const addresses = whole ? [] : [0, 1, 2, 3].map((l) => lane(n + 1, l))
    const codes = emitGraph(f, [...parts, ...addresses], blocks, known)
    f.push(blocks[1].splice(0))
    for (const node of [...known.keys()]) if (node.level > 0) known.delete(node)
    if (whole) {
      f.push(storeUnit(dtype, get(pointers[n + 1]), codes, 0))
      return
    }
    const ready = codes.slice(0, parts.length).map((code) => get(f.let("v128", code)))
    for (const l of [0, 1, 2, 3]) {
      const one = (): void => f.push(storeLane(dtype, codes[parts.length + l], ready, l))
      if (rest && l > 0) f.if(op("i32.gt_s", get(rest), i32(l)), one)
      else one()
    }
  }
}
