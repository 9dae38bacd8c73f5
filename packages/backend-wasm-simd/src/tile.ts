/**
 * The innermost loops of matrix products: tiles of C that stay in registers while the inner dimension goes by.
 *
 * A comes in packed panels of {@link panelRows} rows (the elements of one column of a panel stand together), B as rows of vectors
 * at any distance from each other. Measured in V8 on AVX2 hardware: 6×2 vectors reach the peak of fused multiply-adds; one more
 * vector than 15 in use halves the speed, and fewer than 8 sums don't hide the latency.
 */
import { type FunctionBuilder, get, type Local, type ModuleBuilder } from "./assembler.ts"
import { type Code, type FunctionRef, load, op, store } from "./code.ts"
import type { Format, Lanes } from "./formats.ts"
import { Elements } from "./product-elements.ts"
import { loadSplat, multiplyAdd, zeros } from "./vector-code.ts"

/** The most rows that a packed panel of A, and a tile, has. */
export const PANEL_ROWS = 6
/** Rows of a panel where a product needs a register before it is added: larger tiles spill, and fall to half the speed. */
const PANEL_ROWS_UNFUSED = 4

/** Rows of a packed panel of A, and of the largest tile. */
export const panelRows = ({ target }: ModuleBuilder, { shape }: Lanes): number =>
  target.relaxed && shape[0] === "f" ? PANEL_ROWS : PANEL_ROWS_UNFUSED

/** Vectors in a row of a packed panel of B. */
export const PANEL_VECTORS = 2

/** The vectors of the widest tile of so many rows. */
export const WIDEST = [0, 8, 4, 3, 2, 2, 2] as const

/**
 * `tile(depth, a, b, bStride, c, cStride, add)`: the product of `rows` rows of a packed panel and `vectors` vectors of each of
 * `depth` rows of B, stored to C or added to it. Elements of B are of the format `source`, sums are of its lanes.
 */
export function tileFunction(module: ModuleBuilder, source: Format, rows: number, vectors: number): FunctionRef {
  const { lanes } = source
  const name = `tile ${rows} ${vectors} ${source.bytes} ${source.signed} ${source.half}`
  const parameters = ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "i32"] as const
  return module.helper(name, parameters, [], (f, depth, a, b, bStride, c, cStride, add) => {
    const elements = new Elements(f, module, source)
    const sums = Array.from({ length: rows * vectors }, () => f.local("v128"))
    for (const sum of sums) f.set(sum, zeros)
    const splat = f.local("v128")
    const held = Array.from({ length: rows === 1 ? 0 : vectors }, () => f.local("v128"))
    const accumulate = (r: number, v: number, x: Code): void => {
      const sum = sums[r * vectors + v]
      f.set(sum, multiplyAdd(module.target.relaxed, lanes, get(splat), x, get(sum)))
    }
    const vector = (v: number): Code => elements.load(get(b), v * lanes.count * source.bytes)
    f.while(f.op("ptr.ne", get(depth), f.ptr(0)), () => {
      held.forEach((local, v) => {
        f.set(local, vector(v))
      })
      for (let r = 0; r < rows; r++) {
        f.set(splat, loadSplat(lanes, get(a), r * lanes.bytes))
        for (let v = 0; v < vectors; v++) accumulate(r, v, rows === 1 ? vector(v) : get(held[v]))
      }
      f.set(a, f.op("ptr.add", get(a), f.ptr(panelRows(module, lanes) * lanes.bytes)))
      f.set(b, f.op("ptr.add", get(b), get(bStride)))
      f.set(depth, f.op("ptr.sub", get(depth), f.ptr(1)))
    })
    const write = (plus: boolean): void => {
      for (let r = 0; r < rows; r++) {
        for (let v = 0; v < vectors; v++) {
          const sum = get(sums[r * vectors + v])
          const total = plus ? op(`${lanes.shape}.add`, load("v128.load", get(c), v * 16), sum) : sum
          f.push(store("v128.store", get(c), total, v * 16))
        }
        if (r < rows - 1) f.set(c, f.op("ptr.add", get(c), get(cStride)))
      }
    }
    f.if(
      get(add),
      () => write(true),
      () => write(false),
    )
  })
}

/** `merge(rows, columns, from, fromStride, c, cStride, add)`: the first `columns` of each row of a tile, stored to C or added to it. */
export function mergeFunction(module: ModuleBuilder, { shape, bytes }: Lanes): FunctionRef {
  const scalar = { f32x4: "f32", f64x2: "f64", i32x4: "i32", i64x2: "i64" }[shape]
  const parameters = ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "i32"] as const
  return module.helper(`merge ${scalar}`, parameters, [], (f, rows, columns, from, fromStride, c, cStride, add) => {
    const [source, target, left] = [f.local("ptr"), f.local("ptr"), f.local("ptr")]
    f.while(f.op("ptr.ne", get(rows), f.ptr(0)), () => {
      f.set(source, get(from))
      f.set(target, get(c))
      f.set(left, get(columns))
      f.while(f.op("ptr.ne", get(left), f.ptr(0)), () => {
        f.if(
          get(add),
          () =>
            f.store(
              `${scalar}.store`,
              get(target),
              op(`${scalar}.add`, f.load(`${scalar}.load`, get(target)), f.load(`${scalar}.load`, get(source))),
            ),
          () => f.store(`${scalar}.store`, get(target), f.load(`${scalar}.load`, get(source))),
        )
        f.set(source, f.op("ptr.add", get(source), f.ptr(bytes)))
        f.set(target, f.op("ptr.add", get(target), f.ptr(bytes)))
        f.set(left, f.op("ptr.sub", get(left), f.ptr(1)))
      })
      f.set(from, f.op("ptr.add", get(from), get(fromStride)))
      f.set(c, f.op("ptr.add", get(c), get(cStride)))
      f.set(rows, f.op("ptr.sub", get(rows), f.ptr(1)))
    })
  })
}

/** Runs `body` for as many rows, from 1 to `most`, as `rows` says. */
export function forTileRows(f: FunctionBuilder, rows: Local, most: number, body: (rows: number) => void): void {
  if (most === 1) body(1)
  else
    f.if(
      f.op("ptr.eq", get(rows), f.ptr(most)),
      () => body(most),
      () => forTileRows(f, rows, most - 1, body),
    )
}
