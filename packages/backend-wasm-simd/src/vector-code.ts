/** Arithmetic and moves on the vectors that products compute in. */
import { type FunctionBuilder, get } from "./assembler.ts"
import { type Code, lanesToBytes, load, op, shuffle, v128 } from "./code.ts"
import type { Lanes } from "./formats.ts"

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

/** The transpose of a square of vectors, in fresh locals. */
export function transpose(f: FunctionBuilder, { count }: Lanes, rows: readonly Code[]): Code[] {
  const r = rows.map((row) => get(f.let("v128", row)))
  const pick = (bytes: 4 | 8, lanes: readonly number[], a: Code, b: Code): Code =>
    shuffle(lanesToBytes(lanes, bytes), a, b)
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
    return op(`${shape}.add`, kept, shuffle(lanesToBytes(lanes, bytes), kept, kept))
  }
  const halves = add(x, [1, 0], 8)
  return count === 2 ? halves : add(halves, [1, 0, 3, 2], 4)
}
