/** Products of few columns whose inner dimension is contiguous on both sides: dot products along vectors. */
import { type FunctionBuilder, get, type Local, type ModuleBuilder, select } from "./assembler.ts"
import { type Code, call, type FunctionRef, i32, laneAccess, load, op } from "./code.ts"
import type { Format } from "./formats.ts"
import { Elements } from "./product-elements.ts"
import { laneMask, multiplyAdd, sumLanes, zeros } from "./vector-code.ts"

/** The tiles: so many rows of A times so many columns of B, with so many sums for each. */
const TILES = [
  { rows: 4, columns: 2, unroll: 1 },
  { rows: 4, columns: 1, unroll: 2 },
  { rows: 1, columns: 2, unroll: 4 },
  { rows: 1, columns: 1, unroll: 8 },
] as const satisfies readonly DotTile[]

interface DotTile {
  readonly rows: number
  readonly columns: number
  readonly unroll: number
}

/** Rows that are computed together: blocks of C must begin at multiples of it. */
export const DOT_ROWS = 4

/** How many vectors one sum takes in before it is put aside, so that rounding errors stay those of short sums. */
const STRETCH = 256

/** `tile(depth, a, aRow, b, bColumn, c, cRow, cColumn)`: stores the dot products of some rows and columns. */
function dotTile(module: ModuleBuilder, source: Format, { rows, columns, unroll }: DotTile): FunctionRef {
  const { lanes, bytes } = source
  const parameters = ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr"] as const
  return module.helper(`dots ${rows} ${columns}`, parameters, [], (f, depth, a, aRow, b, bColumn, c, cRow, cColumn) => {
    const elements = new Elements(f, module, source)
    const step = unroll * lanes.count
    const pointers = (count: number, first: Local, stride: Local): Local[] => {
      const all = [first]
      for (let k = 1; k < count; k++) all.push(f.let("ptr", f.op("ptr.add", get(all[k - 1]), get(stride))))
      return all
    }
    const [as, bs] = [pointers(rows, a, aRow), pointers(columns, b, bColumn)]
    const sums = Array.from({ length: rows * columns * unroll }, () => f.local("v128"))
    const sumOf = (r: number, k: number, u: number): Local => sums[(u * rows + r) * columns + k]
    const first = f.let("i32", i32(1))
    const [stretch, x] = [f.local("ptr"), f.local("v128")]
    const ys = Array.from({ length: columns }, () => f.local("v128"))

    const multiply = (u: number, masked: (v: Code) => Code): void => {
      bs.forEach((pointer, k) => {
        f.set(ys[k], masked(elements.load(get(pointer), u * lanes.count * bytes)))
      })
      as.forEach((pointer, r) => {
        f.set(x, masked(elements.load(get(pointer), u * lanes.count * bytes)))
        ys.forEach((y, k) => {
          const sum = sumOf(r, k, u)
          f.set(sum, multiplyAdd(module.target.relaxed, lanes, get(x), get(y), get(sum)))
        })
      })
    }
    const advance = (n: number): void => {
      for (const pointer of [...as, ...bs]) f.set(pointer, f.op("ptr.add", get(pointer), f.ptr(n * bytes)))
    }
    const whole = (v: Code): Code => v
    f.doWhile(
      () => {
        for (const sum of sums) f.set(sum, zeros)
        const most = f.ptr(STRETCH * step)
        f.set(stretch, select(f.op("ptr.lt_s", get(depth), most), get(depth), most))
        f.set(depth, f.op("ptr.sub", get(depth), get(stretch)))
        const loop = (size: number, body: () => void): void =>
          f.while(f.op("ptr.ge_s", get(stretch), f.ptr(size)), () => {
            body()
            advance(size)
            f.set(stretch, f.op("ptr.sub", get(stretch), f.ptr(size)))
          })
        loop(step, () => {
          for (let u = 0; u < unroll; u++) multiply(u, whole)
        })
        if (unroll > 1) loop(lanes.count, () => multiply(0, whole))
        f.if(f.op("ptr.gt_s", get(stretch), f.ptr(0)), () => {
          const mask = f.let("v128", laneMask(lanes, f.toI32(get(stretch))))
          multiply(0, (v) => op("v128.and", v, get(mask)))
        })
        storeSums(f, { rows, columns, unroll }, source, sumOf, first, c, cRow, cColumn)
        f.set(first, i32(0))
      },
      f.op("ptr.gt_s", get(depth), f.ptr(0)),
    )
  })
}

/** Adds up the lanes of sums, and stores them or, if not `first`, adds them to what is there. */
function storeSums(
  f: FunctionBuilder,
  { rows, columns, unroll }: DotTile,
  { lanes }: Format,
  sumOf: (r: number, k: number, u: number) => Local,
  first: Local,
  c: Local,
  cRow: Local,
  cColumn: Local,
): void {
  const { shape } = lanes
  const bits = lanes.bytes * 8
  const target = f.local("ptr")
  const total = f.local("v128")
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < columns; k++) {
      let level: Code[] = Array.from({ length: unroll }, (_, u) => get(sumOf(r, k, u)))
      while (level.length > 1)
        level = level.slice(0, level.length / 2).map((v, h) => op(`${shape}.add`, v, level[h + level.length / 2]))
      f.set(total, sumLanes(f, lanes, level[0]))
      const offset = f.op("ptr.add", f.op("ptr.mul", get(cRow), f.ptr(r)), f.op("ptr.mul", get(cColumn), f.ptr(k)))
      f.set(target, f.op("ptr.add", get(c), offset))
      const before = load(`v128.load${bits}_zero`, get(target))
      f.if(op("i32.eqz", get(first)), () => f.set(total, op(`${shape}.add`, before, get(total))))
      f.push(laneAccess(`v128.store${bits}_lane`, get(target), get(total), 0))
    }
  }
}

/** `dots(rows, columns, depth, a, aRow, b, bColumn, c, cRow, cColumn)`: C has lanes of `source` at any byte strides. */
export function dotsProduct(module: ModuleBuilder, source: Format): FunctionRef {
  const tiles = TILES.map((tile) => ({ ...tile, ref: dotTile(module, source, tile) }))
  const parameters = Array.from({ length: 10 }, () => "ptr" as const)
  return module.helper("dots product", parameters, [], (f, ...all) => {
    const [rows, columns, depth, a, aRow, b, bColumn, c, cRow, cColumn] = all
    const [left, bAt, cAt] = [f.let("ptr", get(columns)), f.local("ptr"), f.local("ptr")]
    const moved = (from: Local, stride: Local, n: number): Code =>
      f.op("ptr.add", get(from), f.op("ptr.mul", get(stride), f.ptr(n)))
    const columnsOf = (r: number): void => {
      f.set(left, get(columns))
      f.set(bAt, get(b))
      f.set(cAt, get(c))
      for (const { columns: n, ref } of tiles.filter((t) => t.rows === r))
        f.while(f.op("ptr.ge_s", get(left), f.ptr(n)), () => {
          f.push(call(ref, get(depth), get(a), get(aRow), get(bAt), get(bColumn), get(cAt), get(cRow), get(cColumn)))
          f.set(bAt, moved(bAt, bColumn, n))
          f.set(cAt, moved(cAt, cColumn, n))
          f.set(left, f.op("ptr.sub", get(left), f.ptr(n)))
        })
    }
    for (const r of [DOT_ROWS, 1])
      f.while(f.op("ptr.ge_s", get(rows), f.ptr(r)), () => {
        columnsOf(r)
        f.set(a, moved(a, aRow, r))
        f.set(c, moved(c, cRow, r))
        f.set(rows, f.op("ptr.sub", get(rows), f.ptr(r)))
      })
  })
}
