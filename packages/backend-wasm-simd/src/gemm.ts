/**
 * Blocks of matrix products: loops around the tiles of `tile.ts`. Whatever way is taken, an element of C is the sum of the sums over
 * stretches of {@link depthBlock} of the inner dimension, each added up in order; so it doesn't depend on how C is cut into blocks.
 */
import { type FunctionBuilder, get, type Local, type ModuleBuilder, select } from "./assembler.ts"
import { type Code, call, type FunctionRef } from "./code.ts"
import { type Format, type Lanes, sumsOf } from "./formats.ts"
import { packFunction } from "./packing.ts"
import { parameters } from "./parameters.ts"
import { forTileRows, mergeFunction, PANEL_VECTORS, panelRows, tileFunction, WIDEST } from "./tile.ts"

/** The largest block of C that is computed at once. */
export const MAX_ROWS = 192
export const MAX_COLUMNS = 512

/** The most bytes of the inner dimension that are packed at once. */
const MAX_DEPTH_BYTES = 1536

/** The columns of a packed panel of B. */
export const panelColumns = ({ count }: Lanes): number => PANEL_VECTORS * count

/** How much of an inner dimension of `depth` is multiplied at once: equal parts, as few as possible. */
export function depthBlock({ bytes }: Lanes, depth: number): number {
  const most = MAX_DEPTH_BYTES / bytes
  return Math.max(1, Math.ceil(depth / Math.ceil(depth / most || 1)))
}

/** Where in a thread's scratch memory things stand: a tile, the panels, a block of C. */
export const SCRATCH = {
  tile: 0,
  a: 1024,
  b: 1024 + MAX_ROWS * MAX_DEPTH_BYTES,
  c: 1024 + (MAX_ROWS + MAX_COLUMNS) * MAX_DEPTH_BYTES,
} as const

/**
 * A block's product, `rows` × `depth` times `depth` × `columns`: byte addresses and byte strides. Of the depth, `depthBlock` is
 * multiplied at once.
 */
export const PRODUCT = parameters([
  "rows",
  "columns",
  "depth",
  "depthBlock",
  "a",
  "aRow",
  "aDepth",
  "b",
  "bDepth",
  "bColumn",
  "c",
  "cRow",
  "scratch",
])
type Product = ReturnType<typeof PRODUCT.named>

/** A function of the module whose parameters are those of a product. */
const productFunction = (
  module: ModuleBuilder,
  name: string,
  build: (f: FunctionBuilder, product: Product) => void,
): FunctionRef => module.helper(name, PRODUCT.types, [], (f, ...locals) => build(f, PRODUCT.named(locals)))

/** Calls the tile for as many rows, at most those of a panel, as `rows` says. */
function callTile(
  f: FunctionBuilder,
  module: ModuleBuilder,
  source: Format,
  rows: Local,
  vectors: (rows: number) => number,
  args: readonly Code[],
): void {
  forTileRows(f, rows, panelRows(module, source.lanes), (r) =>
    f.push(call(tileFunction(module, source, r, vectors(r)), ...args)),
  )
}

/** Runs `body` for each stretch of the depth, with its length and whether its sums are added to what C holds. */
function forDepthBlocks(f: FunctionBuilder, p: Product, body: (length: Local, add: Local) => void): void {
  const [length, add] = [f.local("ptr"), f.local("i32")]
  const more = f.op("ptr.gt_s", get(p.depth), f.ptr(0))
  f.doWhile(() => {
    const least = f.op("ptr.lt_s", get(p.depth), get(p.depthBlock))
    f.set(length, select(least, get(p.depth), get(p.depthBlock)))
    body(length, add)
    f.set(add, [0x41, 1])
    f.set(p.a, f.op("ptr.add", get(p.a), f.op("ptr.mul", get(length), get(p.aDepth))))
    f.set(p.b, f.op("ptr.add", get(p.b), f.op("ptr.mul", get(length), get(p.bDepth))))
    f.set(p.depth, f.op("ptr.sub", get(p.depth), get(length)))
  }, more)
}

/** Runs `body` for each panel of rows, with its address in packed A, its rows and its row of C. */
function forPanels(
  f: FunctionBuilder,
  { rows, cRow }: Product,
  lanes: Lanes,
  most: number,
  first: Code,
  length: Local,
  c: Code,
  body: (panel: Local, rowsHere: Local, cPanel: Local) => void,
): void {
  const [panel, left, rowsHere, cPanel] = [
    f.let("ptr", first),
    f.let("ptr", get(rows)),
    f.local("ptr"),
    f.let("ptr", c),
  ]
  f.doWhile(
    () => {
      const full = f.op("ptr.ge_s", get(left), f.ptr(most))
      f.set(rowsHere, select(full, f.ptr(most), get(left)))
      body(panel, rowsHere, cPanel)
      f.set(panel, f.op("ptr.add", get(panel), f.op("ptr.mul", get(length), f.ptr(most * lanes.bytes))))
      f.set(cPanel, f.op("ptr.add", get(cPanel), f.op("ptr.mul", get(cRow), f.ptr(most))))
      f.set(left, f.op("ptr.sub", get(left), f.ptr(most)))
    },
    f.op("ptr.gt_s", get(left), f.ptr(0)),
  )
}

const at = (f: FunctionBuilder, base: Local, offset: number): Code => f.op("ptr.add", get(base), f.ptr(offset))

/**
 * A product whose A and B are both packed. C has `columns` columns of lanes, side by side; nothing is written beside them.
 */
export function packedProduct(module: ModuleBuilder, source: Format): FunctionRef {
  const { lanes } = source
  const wide = panelColumns(lanes)
  const most = panelRows(module, lanes)
  const packA = packFunction(module, source, most)
  const packB = packFunction(module, source, wide)
  const merge = mergeFunction(module, lanes)
  const sums = sumsOf(source)
  return productFunction(module, "packed product", (f, p) => {
    const [packedA, packedB, tile] = [SCRATCH.a, SCRATCH.b, SCRATCH.tile].map((o) => f.let("ptr", at(f, p.scratch, o)))
    const bStride = f.ptr(wide * lanes.bytes)
    const tileStride = f.ptr(wide * lanes.bytes)
    forDepthBlocks(f, p, (length, add) => {
      f.push(call(packB, get(p.b), get(length), get(p.columns), get(p.bDepth), get(p.bColumn), get(packedB)))
      f.push(call(packA, get(p.a), get(length), get(p.rows), get(p.aDepth), get(p.aRow), get(packedA)))
      const [panelB, left, c] = [f.let("ptr", get(packedB)), f.let("ptr", get(p.columns)), f.let("ptr", get(p.c))]
      f.while(f.op("ptr.gt_s", get(left), f.ptr(0)), () => {
        const whole = f.op("ptr.ge_s", get(left), f.ptr(wide))
        forPanels(f, p, lanes, most, get(packedA), length, get(c), (panel, rowsHere, cPanel) => {
          const tileTo = (target: Local, stride: Code, plus: Code): void =>
            callTile(f, module, sums, rowsHere, () => PANEL_VECTORS, [
              get(length),
              get(panel),
              get(panelB),
              bStride,
              get(target),
              stride,
              plus,
            ])
          f.if(
            whole,
            () => tileTo(cPanel, get(p.cRow), get(add)),
            () => {
              tileTo(tile, tileStride, [0x41, 0])
              f.push(call(merge, get(rowsHere), get(left), get(tile), tileStride, get(cPanel), get(p.cRow), get(add)))
            },
          )
        })
        f.set(panelB, f.op("ptr.add", get(panelB), f.op("ptr.mul", get(length), f.ptr(wide * lanes.bytes))))
        f.set(c, at(f, c, wide * lanes.bytes))
        f.set(left, at(f, left, -wide))
      })
    })
  })
}

/** A product whose B is read where it stands: its rows must be contiguous. A is packed; C as above. */
export function directProduct(module: ModuleBuilder, source: Format): FunctionRef {
  const { lanes, bytes } = source
  const most = panelRows(module, lanes)
  const packA = packFunction(module, source, most)
  const merge = mergeFunction(module, lanes)
  return productFunction(module, "direct product", (f, p) => {
    const [packedA, tile] = [SCRATCH.a, SCRATCH.tile].map((o) => f.let("ptr", at(f, p.scratch, o)))
    const [b, c, left, step] = Array.from({ length: 4 }, () => f.local("ptr"))
    forDepthBlocks(f, p, (length, add) => {
      f.push(call(packA, get(p.a), get(length), get(p.rows), get(p.aDepth), get(p.aRow), get(packedA)))
      forPanels(f, p, lanes, most, get(packedA), length, get(p.c), (panel, rowsHere, cPanel) => {
        f.set(b, get(p.b))
        f.set(c, get(cPanel))
        f.set(left, get(p.columns))
        const tileTo = (vectors: (rows: number) => number, target: Local, stride: Code, plus: Code): void =>
          callTile(f, module, source, rowsHere, vectors, [
            get(length),
            get(panel),
            get(b),
            get(p.bDepth),
            get(target),
            stride,
            plus,
          ])
        const advance = (columns: Code): void => {
          f.set(b, f.op("ptr.add", get(b), f.op("ptr.mul", columns, f.ptr(bytes))))
          f.set(c, f.op("ptr.add", get(c), f.op("ptr.mul", columns, f.ptr(lanes.bytes))))
          f.set(left, f.op("ptr.sub", get(left), columns))
        }
        /** The columns of the widest tile of so many rows. */
        f.set(step, f.ptr(PANEL_VECTORS * lanes.count))
        for (let r = 1; r < 4; r++)
          f.if(f.op("ptr.eq", get(rowsHere), f.ptr(r)), () => f.set(step, f.ptr(WIDEST[r] * lanes.count)))
        f.while(f.op("ptr.ge_s", get(left), get(step)), () => {
          tileTo((r) => WIDEST[r], c, get(p.cRow), get(add))
          advance(get(step))
        })
        f.while(f.op("ptr.ge_s", get(left), f.ptr(lanes.count)), () => {
          tileTo(() => 1, c, get(p.cRow), get(add))
          advance(f.ptr(lanes.count))
        })
        f.if(f.op("ptr.gt_s", get(left), f.ptr(0)), () => {
          tileTo(() => 1, tile, f.ptr(16), [0x41, 0])
          f.push(call(merge, get(rowsHere), get(left), get(tile), f.ptr(16), get(c), get(p.cRow), get(add)))
        })
      })
    })
  })
}
