/**
 * How products see elements: the vectors that a dtype is computed in, and how stored elements become lanes of such vectors and
 * back. Half types are computed in float32, narrow integers in int32, wrapped when they are stored.
 */
import type { DType } from "@taeda/core"
import { type FunctionBuilder, get, type ModuleBuilder } from "./assembler.ts"
import { type Code, lane, laneAccess, load, op, shuffle, store, v128 } from "./code.ts"
import { emitGraph, Graph, type Node } from "./graph.ts"
import { type HalfType, narrowHalf, widenHalf } from "./half.ts"

export type ProductType = Exclude<DType, "bool">

/** The vectors that sums are kept in. */
export interface Lanes {
  readonly shape: "f32x4" | "f64x2" | "i32x4" | "i64x2"
  /** Bytes of a lane. */
  readonly bytes: 4 | 8
  readonly count: 4 | 2
}

const LANES = {
  f32x4: { shape: "f32x4", bytes: 4, count: 4 },
  f64x2: { shape: "f64x2", bytes: 8, count: 2 },
  i32x4: { shape: "i32x4", bytes: 4, count: 4 },
  i64x2: { shape: "i64x2", bytes: 8, count: 2 },
} as const satisfies Record<string, Lanes>

export interface Format {
  readonly lanes: Lanes
  /** Bytes of a stored element. */
  readonly bytes: 1 | 2 | 4 | 8
  readonly signed: boolean
  readonly half: HalfType | null
}

const format = (lanes: Lanes, bytes: Format["bytes"], signed: boolean, half: HalfType | null = null): Format => ({
  lanes,
  bytes,
  signed,
  half,
})

export const FORMATS: Readonly<Record<ProductType, Format>> = {
  float32: format(LANES.f32x4, 4, true),
  float64: format(LANES.f64x2, 8, true),
  float16: format(LANES.f32x4, 2, false, "float16"),
  bfloat16: format(LANES.f32x4, 2, false, "bfloat16"),
  int8: format(LANES.i32x4, 1, true),
  uint8: format(LANES.i32x4, 1, false),
  int16: format(LANES.i32x4, 2, true),
  int32: format(LANES.i32x4, 4, true),
  int64: format(LANES.i64x2, 8, true),
}

/** The format in which the sums of another one are kept. */
export const sumsOf = ({ lanes }: Format): Format => format(lanes, lanes.bytes, true)

/** Whether stored elements are what is computed with. */
export const isNative = (format: Format): boolean => format.bytes === format.lanes.bytes

export const zeros: Code = v128(Array<number>(16).fill(0))

/** a·b + c. */
export function multiplyAdd(relaxed: boolean, { shape }: Lanes, a: Code, b: Code, c: Code): Code {
  return relaxed && shape[0] === "f"
    ? op(`${shape}.relaxed_madd`, a, b, c)
    : op(`${shape}.add`, c, op(`${shape}.mul`, a, b))
}

/** One element at `address` in every lane. */
export const loadSplat = ({ bytes }: Lanes, address: Code, offset = 0): Code =>
  load(`v128.load${bytes * 8}_splat`, address, offset)

/** A function of graphs applied to code. */
function throughGraph(f: FunctionBuilder, module: ModuleBuilder, x: Code, apply: (g: Graph, x: Node) => Node): Code {
  const g = new Graph(module)
  const statements: Code[] = []
  const [code] = emitGraph(f, [apply(g, g.local(f.let("v128", x)))], [statements])
  f.push(...statements)
  return code
}

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
    const { bytes, signed } = this.format
    const sign = signed ? "s" : "u"
    if (isNative(this.format)) return load("v128.load", address, offset)
    if (bytes === 2) return this.widen(load(`v128.load16x4_${sign}`, address, offset))
    const narrow = op(`i16x8.extend_low_i8x16_${sign}`, load("v128.load32_zero", address, offset))
    return op(`i32x4.extend_low_i16x8_${sign}`, narrow)
  }

  /** A vector of elements from anywhere: as many as there are addresses, the other lanes being anything. */
  gather(addresses: readonly Code[]): Code {
    const { bytes, signed } = this.format
    if (isNative(this.format)) {
      const first = load(`v128.load${bytes * 8}_zero`, addresses[0])
      return addresses.slice(1).reduce((v, a, k) => laneAccess(`v128.load${bytes * 8}_lane`, a, v, k + 1), first)
    }
    const one = (address: Code): Code => load(`i32.load${bytes * 8}_${signed ? "s" : "u"}`, address)
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

/** The transpose of a square of vectors, in fresh locals. */
export function transpose(f: FunctionBuilder, { count }: Lanes, rows: readonly Code[]): Code[] {
  const r = rows.map((row) => get(f.let("v128", row)))
  const pick = (bytes: 4 | 8, lanes: readonly number[], a: Code, b: Code): Code =>
    shuffle(
      lanes.flatMap((l) => Array.from({ length: bytes }, (_, k) => l * bytes + k)),
      a,
      b,
    )
  if (count === 2) return [pick(8, [0, 2], r[0], r[1]), pick(8, [1, 3], r[0], r[1])]
  const low = [0, 4, 1, 5]
  const high = [2, 6, 3, 7]
  const [a, b, c, d] = [
    [low, r[0], r[1]],
    [low, r[2], r[3]],
    [high, r[0], r[1]],
    [high, r[2], r[3]],
  ].map(([lanes, x, y]) => get(f.let("v128", pick(4, lanes as number[], x as Code, y as Code))))
  return [pick(8, [0, 2], a, b), pick(8, [1, 3], a, b), pick(8, [0, 2], c, d), pick(8, [1, 3], c, d)]
}

/** The lanes below `count` (an i32) full of ones, the others of zeros. */
export function laneMask({ shape }: Lanes, count: Code): Code {
  if (shape[1] === "3")
    return op("i32x4.gt_s", op("i32x4.splat", count), v128([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]))
  const lanes = v128([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
  return op("i64x2.gt_s", op("i64x2.splat", op("i64.extend_i32_s", count)), lanes)
}

/** The sum of a vector's lanes, in lane 0. */
export function sumLanes(f: FunctionBuilder, { shape, count }: Lanes, x: Code): Code {
  const add = (v: Code, lanes: readonly number[], bytes: number): Code => {
    const kept = get(f.let("v128", v))
    const moved = shuffle(
      lanes.flatMap((l) => Array.from({ length: bytes }, (_, k) => l * bytes + k)),
      kept,
      kept,
    )
    return op(`${shape}.add`, kept, moved)
  }
  const halves = add(x, [1, 0], 8)
  return count === 2 ? halves : add(halves, [1, 0, 3, 2], 4)
}
