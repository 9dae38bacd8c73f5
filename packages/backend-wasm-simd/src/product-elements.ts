/**
 * What products load and store: a vector of elements of a format, in the lanes that it is computed in. Panels, tiles and blocks are
 * written as functions with variables of their own, so this is code, where `elements.ts` has nodes of a graph.
 */
import type { FunctionBuilder, ModuleBuilder } from "./assembler.ts"
import { type Code, lane, laneAccess, load, op, shuffle, store } from "./code.ts"
import { type Format, isNative } from "./formats.ts"
import { emitGraph, Graph, type Node } from "./graph.ts"
import { narrowHalf, widenHalf } from "./half.ts"
import { loadOfFour, loadOfOne } from "./stored.ts"

/** A function of graphs applied to code. */
function throughGraph(f: FunctionBuilder, module: ModuleBuilder, x: Code, apply: (g: Graph, x: Node) => Node): Code {
  const g = new Graph(module)
  const statements: Code[] = []
  const [code] = emitGraph(f, [apply(g, g.local(f.let("v128", x)))], [statements])
  f.push(...statements)
  return code
}

/** Sums of narrow integers wrap: only their low bytes are stored, where the instructions that narrow would saturate. */
const LOW_BYTES = {
  1: [0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12],
  2: [0, 1, 4, 5, 8, 9, 12, 13, 0, 1, 4, 5, 8, 9, 12, 13],
} as const

/** Code that moves elements of one format between memory and vectors. */
export class Elements {
  readonly format: Format
  private readonly f: FunctionBuilder
  private readonly module: ModuleBuilder

  constructor(f: FunctionBuilder, module: ModuleBuilder, format: Format) {
    this.f = f
    this.module = module
    this.format = format
  }

  private widen(raw: Code): Code {
    const { half } = this.format
    return half ? throughGraph(this.f, this.module, raw, widenHalf[half]) : raw
  }

  /** A vector of elements that stand one after the other; always reads as much as a whole vector. */
  load(address: Code, offset = 0): Code {
    if (isNative(this.format)) return load("v128.load", address, offset)
    const narrow = loadOfFour(this.format)
    return this.widen(narrow.extensions.reduce<Code>((x, extend) => op(extend, x), load(narrow.load, address, offset)))
  }

  /** A vector of elements from anywhere: as many as there are addresses, the other lanes being anything. */
  gather(addresses: readonly Code[]): Code {
    const { bytes } = this.format
    if (isNative(this.format)) {
      const first = load(`v128.load${bytes * 8}_zero`, addresses[0])
      return addresses.slice(1).reduce((v, a, k) => laneAccess(`v128.load${bytes * 8}_lane`, a, v, k + 1), first)
    }
    const one = (address: Code): Code => load(loadOfOne(this.format), address)
    const first = op("i32x4.splat", one(addresses[0]))
    return this.widen(addresses.slice(1).reduce((v, a, k) => lane("i32x4.replace_lane", k + 1, v, one(a)), first))
  }

  /** A vector ready to be stored: the bits of its elements in their lanes. */
  narrowed(x: Code): Code {
    const { half } = this.format
    return half ? throughGraph(this.f, this.module, x, narrowHalf[half]) : x
  }

  /** Stores a whole vector, narrowed already. */
  store(address: Code, x: Code): void {
    const { bytes } = this.format
    if (bytes === 4 || bytes === 8) this.f.push(store("v128.store", address, x))
    else this.f.push(laneAccess(`v128.store${bytes * 32}_lane`, address, shuffle(LOW_BYTES[bytes], x, x), 0))
  }

  /** Stores one lane of a vector, narrowed already. */
  storeLane(address: Code, x: Code, k: number): void {
    const { bytes, lanes } = this.format
    this.f.push(laneAccess(`v128.store${bytes * 8}_lane`, address, x, k * (lanes.bytes / bytes)))
  }
}
