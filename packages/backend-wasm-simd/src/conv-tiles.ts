/**
 * The innermost loops of convolutions. Both read a source (an image, or a padded copy of a part of it) through tables of byte
 * offsets (`conv-tables.ts`): where the vectors of positions begin, and how far each tap is from there.
 */
import { get, type ModuleBuilder } from "./assembler.ts"
import { type Code, type FunctionRef, load, op, store } from "./code.ts"
import { OFFSET_BYTES } from "./conv-scratch.ts"
import { loadOffset } from "./conv-tables.ts"
import type { Lanes } from "./formats.ts"
import { pointerMath } from "./pointer-math.ts"
import { panelRows } from "./tile.ts"
import { loadSplat, multiplyAdd, zeros } from "./vector-code.ts"

/**
 * `tile(depth, a, taps, from, source, to, c, cRow, add)`: `rows` rows of a packed panel of weights times `vectors` vectors of
 * positions. The k-th vector of a position is at source + from[position] + taps[k]; results go to c + to[position] + row·cRow.
 */
export function correlationTile(module: ModuleBuilder, lanes: Lanes, rows: number, vectors: number): FunctionRef {
  const parameters = ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "i32"] as const
  const name = `correlation ${rows} ${vectors}`
  return module.helper(name, parameters, [], (f, depth, a, taps, from, source, to, c, cRow, add) => {
    const { add: plus, advance, gt } = pointerMath(f)
    const sums = Array.from({ length: rows * vectors }, () => f.local("v128"))
    for (const sum of sums) f.set(sum, zeros)
    const sources = Array.from({ length: vectors }, (_, v) => f.let("ptr", plus(source, loadOffset(f, from, v))))
    const tap = f.local("ptr")
    const splat = f.local("v128")
    const held = Array.from({ length: rows === 1 ? 0 : vectors }, () => f.local("v128"))
    const vector = (v: number): Code => load("v128.load", plus(sources[v], tap))
    f.while(gt(depth, 0), () => {
      f.set(tap, loadOffset(f, taps))
      held.forEach((local, v) => {
        f.set(local, vector(v))
      })
      for (let r = 0; r < rows; r++) {
        f.set(splat, loadSplat(lanes, get(a), r * lanes.bytes))
        for (let v = 0; v < vectors; v++) {
          const sum = sums[r * vectors + v]
          const x = rows === 1 ? vector(v) : get(held[v])
          f.set(sum, multiplyAdd(module.target.relaxed, lanes, get(splat), x, get(sum)))
        }
      }
      advance(a, panelRows(module, lanes) * lanes.bytes)
      advance(taps, OFFSET_BYTES)
      advance(depth, -1)
    })
    const target = f.local("ptr")
    const write = (added: boolean): void => {
      for (let v = 0; v < vectors; v++) {
        f.set(target, plus(c, loadOffset(f, to, v)))
        for (let r = 0; r < rows; r++) {
          const sum = get(sums[r * vectors + v])
          f.push(
            store(
              "v128.store",
              get(target),
              added ? op(`${lanes.shape}.add`, load("v128.load", get(target)), sum) : sum,
            ),
          )
          if (r < rows - 1) advance(target, cRow)
        }
      }
    }
    f.if(
      get(add),
      () => write(true),
      () => write(false),
    )
  })
}

/**
 * `tile(count, from, to, source, taps, g, gRow, sums, sumsRow, mask)`: adds to `rows` × `taps` vectors of sums the products of the
 * vectors of `rows` rows of g at g + to[position] and those of the source at source + from[position] + taps[k], for `count`
 * positions. If `masked`, only the lanes that are set in the vector at address `mask` count.
 */
export function weightTile(
  module: ModuleBuilder,
  lanes: Lanes,
  rows: number,
  tapCount: number,
  masked: boolean,
): FunctionRef {
  const parameters = ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr"] as const
  const name = `weight ${rows} ${tapCount} ${masked}`
  return module.helper(name, parameters, [], (f, count, from, to, source, taps, g, gRow, sumsAt, sumsRow, maskAt) => {
    const { add: plus, advance, gt } = pointerMath(f)
    const sums = Array.from({ length: rows * tapCount }, () => f.local("v128"))
    const sources = Array.from({ length: tapCount }, (_, k) => f.let("ptr", plus(source, loadOffset(f, taps, k))))
    const mask = f.local("v128")
    if (masked) f.set(mask, f.load("v128.load", get(maskAt)))
    const only = (x: Code): Code => (masked ? op("v128.and", x, get(mask)) : x)
    const [offset, gAt, x] = [f.local("ptr"), f.local("ptr"), f.local("v128")]
    // The factor that all sums of a row share is loaded once a row; those of the taps stay in registers.
    const held = Array.from({ length: rows === 1 ? 0 : tapCount }, () => f.local("v128"))
    for (const sum of sums) f.set(sum, zeros)
    f.while(gt(count, 0), () => {
      f.set(offset, loadOffset(f, from))
      const vector = (k: number): Code => only(load("v128.load", plus(sources[k], offset)))
      held.forEach((local, k) => {
        f.set(local, vector(k))
      })
      f.set(gAt, plus(g, loadOffset(f, to)))
      for (let r = 0; r < rows; r++) {
        f.set(x, only(load("v128.load", get(gAt))))
        if (r < rows - 1) advance(gAt, gRow)
        for (let k = 0; k < tapCount; k++) {
          const sum = sums[r * tapCount + k]
          const y = rows === 1 ? vector(k) : get(held[k])
          f.set(sum, multiplyAdd(module.target.relaxed, lanes, get(x), y, get(sum)))
        }
      }
      advance(from, OFFSET_BYTES)
      advance(to, OFFSET_BYTES)
      advance(count, -1)
    })
    for (let r = 0; r < rows; r++) {
      for (let k = 0; k < tapCount; k++) {
        const before = load("v128.load", get(sumsAt), k * 16)
        f.push(store("v128.store", get(sumsAt), op(`${lanes.shape}.add`, before, get(sums[r * tapCount + k])), k * 16))
      }
      if (r < rows - 1) advance(sumsAt, sumsRow)
    }
  })
}
