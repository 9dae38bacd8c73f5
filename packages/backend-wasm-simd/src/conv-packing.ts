/**
 * What convolutions lay out before they multiply: padded copies of a part of an image, tables of offsets, panels of weights.
 * Offsets and strides are in bytes, positions in elements.
 */
import { get, type ModuleBuilder } from "./assembler.ts"
import { type Code, type FunctionRef, laneAccess, op, store } from "./code.ts"
import { loadOffset, OFFSET_BYTES, storeOffset } from "./conv-tiles.ts"
import type { Format, Lanes } from "./formats.ts"
import { pointerMath } from "./pointer-math.ts"
import { Elements } from "./product-elements.ts"
import { panelRows } from "./tile.ts"
import { zeros } from "./vector-code.ts"

const pointers = (count: number): "ptr"[] => Array.from({ length: count }, () => "ptr")

/** Parameters by name, in the order in which they are passed. */
const BAND = [
  "source",
  "channels",
  "channelStride",
  "depthStride",
  "rowStride",
  "columnStride",
  "depths",
  "rows",
  "columns",
  "firstDepth",
  "firstRow",
  "firstColumn",
  "bandDepths",
  "bandRows",
  "residues",
  "step",
  "perResidue",
  "target",
] as const
type BandParameter = (typeof BAND)[number]

export const bandArguments = (args: Readonly<Record<BandParameter, Code>>): Code[] => BAND.map((name) => args[name])

/**
 * `band(...)`: for every channel, `bandDepths` × `bandRows` rows of the source from (firstDepth, firstRow) on, one behind the other.
 * A row holds, for each residue r, `perResidue` elements: those of the columns firstColumn + r + step·j. What lies outside of the
 * source is 0. Up to a vector may be written behind the end.
 */
export function bandFunction(module: ModuleBuilder, format: Format): FunctionRef {
  const { lanes, bytes } = format
  return module.helper("band", pointers(BAND.length), [], (f, ...locals) => {
    const p = Object.fromEntries(BAND.map((name, k) => [name, locals[k]])) as Record<BandParameter, (typeof locals)[0]>
    const m = pointerMath(f)
    const elements = new Elements(f, module, format)
    const [d, h, r, from, left, at, first, end] = Array.from({ length: 8 }, () => f.local("ptr"))
    const width = m.let(m.mul(p.perResidue, lanes.bytes))
    const stride = m.let(m.mul(p.step, p.columnStride))
    const zero = f.let("v128", zeros)
    /** Zeros from `at` to `to`, and up to a vector more. */
    const clear = (to: Code): void =>
      f.while(f.op("ptr.lt_u", get(at), to), () => {
        f.push(store("v128.store", get(at), get(zero)))
        m.advance(at, 16)
      })
    const vectors = (step: Code, load: () => Code): void =>
      f.while(m.gt(left, 0), () => {
        f.push(store("v128.store", get(at), load()))
        m.advance(at, 16)
        m.advance(from, step)
        m.advance(left, -lanes.count)
      })
    const isInside = (x: Code, size: Code): Code => f.op("ptr.lt_u", x, size)
    /** The least j with offset + step·j ≥ bound, from 0 to perResidue. */
    const firstFrom = (bound: Code, offset: Code): Code => {
      const distance = m.let(m.sub(bound, offset))
      return m.min(m.div(m.add(m.max(distance, 0), m.sub(p.step, 1)), p.step), p.perResidue)
    }
    const copyRow = (): void => {
      const row = m.let(
        m.add(p.source, m.mul(m.add(p.firstDepth, d), p.depthStride), m.mul(m.add(p.firstRow, h), p.rowStride)),
      )
      f.for(r, f.ptr(0), get(p.residues), f.ptr(1), () => {
        const offset = m.let(m.add(p.firstColumn, r))
        m.set(first, firstFrom(f.ptr(0), get(offset)))
        m.set(end, m.max(firstFrom(get(p.columns), get(offset)), first))
        m.set(at, p.target)
        clear(m.add(p.target, m.mul(first, lanes.bytes)))
        m.set(at, m.add(p.target, m.mul(first, lanes.bytes)))
        m.set(left, m.sub(end, first))
        m.set(from, m.add(row, m.mul(m.add(offset, m.mul(first, p.step)), p.columnStride)))
        f.if(
          m.eq(stride, bytes),
          () => vectors(f.ptr(lanes.count * bytes), () => elements.load(get(from))),
          () => {
            f.while(m.ge(left, lanes.count), () => {
              const each = Array.from({ length: lanes.count }, (_, k) => m.add(from, m.mul(stride, k)))
              f.push(store("v128.store", get(at), elements.gather(each)))
              m.advance(at, 16)
              m.advance(from, m.mul(stride, lanes.count))
              m.advance(left, -lanes.count)
            })
            f.while(m.gt(left, 0), () => {
              f.push(laneAccess(`v128.store${lanes.bytes * 8}_lane`, get(at), elements.gather([get(from)]), 0))
              m.advance(at, lanes.bytes)
              m.advance(from, stride)
              m.advance(left, -1)
            })
          },
        )
        m.set(at, m.add(p.target, m.mul(end, lanes.bytes)))
        m.advance(p.target, width)
        clear(get(p.target))
      })
    }
    f.while(m.gt(p.channels, 0), () => {
      f.for(d, f.ptr(0), get(p.bandDepths), f.ptr(1), () => {
        f.for(h, f.ptr(0), get(p.bandRows), f.ptr(1), () => {
          const isThere = op(
            "i32.and",
            isInside(m.add(p.firstDepth, d), get(p.depths)),
            isInside(m.add(p.firstRow, h), get(p.rows)),
          )
          f.if(isThere, copyRow, () => {
            m.set(at, p.target)
            m.advance(p.target, m.mul(width, p.residues))
            clear(get(p.target))
          })
        })
      })
      m.advance(p.source, p.channelStride)
      m.advance(p.channels, -1)
    })
  })
}

/**
 * `positions(images, rows, first, count, fromImage, fromRow, toImage, toRow, from, to) -> from's end`: tables of where `count` vectors
 * of every row of every image begin, from `first` bytes on, in the source and in what belongs to its positions.
 */
export function positionsFunction(module: ModuleBuilder): FunctionRef {
  return module.helper(
    "positions",
    pointers(10),
    ["i32"],
    (f, images, rows, first, count, fromImage, fromRow, toImage, toRow, from, to) => {
      const m = pointerMath(f)
      const [image, row, v, fromAt, toAt] = Array.from({ length: 5 }, () => f.local("ptr"))
      f.for(image, f.ptr(0), get(images), f.ptr(1), () => {
        f.for(row, f.ptr(0), get(rows), f.ptr(1), () => {
          m.set(fromAt, m.add(m.mul(image, fromImage), m.mul(row, fromRow), first))
          m.set(toAt, m.add(m.mul(image, toImage), m.mul(row, toRow), first))
          f.for(v, f.ptr(0), get(count), f.ptr(1), () => {
            storeOffset(f, from, get(fromAt))
            storeOffset(f, to, get(toAt))
            m.advance(from, OFFSET_BYTES)
            m.advance(to, OFFSET_BYTES)
            m.advance(fromAt, 16)
            m.advance(toAt, 16)
          })
        })
      })
      f.push(f.toI32(get(from)))
    },
  )
}

/** Parameters by name, in the order in which they are passed. */
const TAPS = [
  "firstTap",
  "count",
  "channels",
  "rowTaps",
  "columnTaps",
  "depthFirst",
  "depthStep",
  "rowFirst",
  "rowStep",
  "columnFirst",
  "columnStep",
  "residueStep",
  "residuePitch",
  "channelPitch",
  "weightDepth",
  "weightRow",
  "weightColumn",
  "taps",
  "weights",
] as const
type TapParameter = (typeof TAPS)[number]

export const tapArguments = (args: Readonly<Record<TapParameter, Code>>): Code[] => TAPS.map((name) => args[name])

/**
 * `taps(...)`: offsets of the taps firstTap to firstTap + count − 1 of every channel in a band, and in the weights of one channel. A
 * tap's column, in elements, is split into its residue and the rest.
 */
export function tapsFunction(module: ModuleBuilder, { bytes }: Lanes): FunctionRef {
  return module.helper("taps", pointers(TAPS.length), [], (f, ...locals) => {
    const p = Object.fromEntries(TAPS.map((name, k) => [name, locals[k]])) as Record<TapParameter, (typeof locals)[0]>
    const m = pointerMath(f)
    const [t, d, h, w, x, first, channel] = Array.from({ length: 7 }, () => f.local("ptr"))
    m.set(first, p.taps)
    f.for(t, get(p.firstTap), m.add(p.firstTap, p.count), f.ptr(1), () => {
      m.set(w, m.rem(t, p.columnTaps))
      m.set(x, m.div(t, p.columnTaps))
      m.set(h, m.rem(x, p.rowTaps))
      m.set(d, m.div(x, p.rowTaps))
      storeOffset(f, p.weights, m.add(m.mul(d, p.weightDepth), m.mul(h, p.weightRow), m.mul(w, p.weightColumn)))
      m.set(x, m.add(p.columnFirst, m.mul(w, p.columnStep)))
      const column = m.add(m.mul(m.rem(x, p.residueStep), p.residuePitch), m.mul(m.div(x, p.residueStep), bytes))
      const rows = m.add(m.add(p.depthFirst, m.mul(d, p.depthStep)), m.add(p.rowFirst, m.mul(h, p.rowStep)))
      storeOffset(f, p.taps, m.add(rows, column))
      m.advance(p.taps, OFFSET_BYTES)
      m.advance(p.weights, OFFSET_BYTES)
    })
    f.for(channel, f.ptr(1), get(p.channels), f.ptr(1), () => {
      f.for(t, f.ptr(0), get(p.count), f.ptr(1), () => {
        storeOffset(f, p.taps, m.add(loadOffset(f, first, 0), p.channelPitch))
        m.advance(p.taps, OFFSET_BYTES)
        m.advance(first, OFFSET_BYTES)
      })
    })
  })
}

/**
 * `weights(source, rows, rowStride, channels, channelStride, count, offsets, target)`: panels of the weights of `rows` results, whose
 * depth goes through `channels` times `count` taps at the offsets given.
 */
export function weightsFunction(module: ModuleBuilder, format: Format): FunctionRef {
  const { lanes } = format
  const width = panelRows(module, lanes)
  return module.helper(
    "weights",
    pointers(8),
    [],
    (f, source, rows, rowStride, channels, channelStride, count, offsets, target) => {
      const m = pointerMath(f)
      const elements = new Elements(f, module, format)
      const [channel, t, from, at] = Array.from({ length: 4 }, () => f.local("ptr"))
      const items = Array.from({ length: width }, () => f.local("ptr"))
      f.while(m.gt(rows, 0), () => {
        // Rows that aren't there are the last one that is.
        items.forEach((item, k) => {
          m.set(item, m.add(source, m.mul(rowStride, m.min(k, m.sub(rows, 1)))))
        })
        f.for(channel, f.ptr(0), get(channels), f.ptr(1), () => {
          m.set(at, offsets)
          f.for(t, f.ptr(0), get(count), f.ptr(1), () => {
            m.set(from, m.add(m.mul(channel, channelStride), loadOffset(f, at, 0)))
            m.advance(at, OFFSET_BYTES)
            for (let first = 0; first < width; first += lanes.count) {
              const group = items.slice(first, first + lanes.count)
              const x = elements.gather(group.map((item) => m.add(item, from)))
              if (group.length === lanes.count) f.push(store("v128.store", get(target), x, first * lanes.bytes))
              else f.push(laneAccess("v128.store64_lane", get(target), x, 0, first * lanes.bytes))
            }
            m.advance(target, width * lanes.bytes)
          })
        })
        m.advance(source, m.mul(rowStride, width))
        m.advance(rows, -width)
      })
    },
  )
}
