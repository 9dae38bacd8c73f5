/** Panels of weights: those of a few rows of results, packed so that tiles read them one after the other. */
import { get, type Local, type ModuleBuilder } from "./assembler.ts"
import { call, type FunctionRef, laneAccess, store } from "./code.ts"
import { OFFSET_BYTES } from "./conv-scratch.ts"
import { loadOffset } from "./conv-tables.ts"
import type { ConvUnit } from "./conv-unit.ts"
import type { Format } from "./formats.ts"
import { packFunction } from "./packing.ts"
import { parameters } from "./parameters.ts"
import { type Pointer, pointerMath } from "./pointer-math.ts"
import { Elements } from "./product-elements.ts"
import { panelRows } from "./tile.ts"

/** Packs rows of weights whose `depth` elements, like the rows, are by one stride apart. */
export function packRun(
  u: ConvUnit,
  run: { readonly from: Pointer; readonly rows: Pointer; readonly rowStride: Pointer },
  depth: { readonly count: Pointer; readonly stride: Pointer },
): void {
  const pack = packFunction(u.module, u.format, panelRows(u.module, u.lanes))
  const args = [run.from, depth.count, run.rows, depth.stride, run.rowStride, u.at("panels")]
  u.f.push(call(pack, ...args.map(u.m.of)))
}

/** Packs the weights of a unit's rows from address `from` on: of some channels, and of the taps that are tabulated. */
export function packWeights(u: ConvUnit, from: Local, channels: Local, taps: Local, depth: Local): void {
  const { f } = u
  const rowStride = u.slot("otherRow")
  f.if(
    u.isSet("flatWeights"),
    () => packRun(u, { from, rows: u.rows, rowStride }, { count: depth, stride: u.format.bytes }),
    () => {
      const args = WEIGHTS.arguments(u.m, {
        source: from,
        rows: u.rows,
        rowStride,
        channels,
        channelStride: u.slot("otherChannel"),
        count: taps,
        offsets: u.at("weightOffsets"),
        target: u.at("panels"),
      })
      f.push(call(weightsFunction(u.module, u.format), ...args))
    },
  )
}

const WEIGHTS = parameters(["source", "rows", "rowStride", "channels", "channelStride", "count", "offsets", "target"])

/**
 * `weights(...)`: panels of the weights of `rows` results, whose depth goes through `channels` times `count` taps at the offsets
 * given.
 */
function weightsFunction(module: ModuleBuilder, format: Format): FunctionRef {
  const { lanes } = format
  const width = panelRows(module, lanes)
  return module.helper("weights", WEIGHTS.types, [], (f, ...locals) => {
    const { source, rows, rowStride, channels, channelStride, count, offsets, target } = WEIGHTS.named(locals)
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
          m.set(from, m.add(m.mul(channel, channelStride), loadOffset(f, at)))
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
  })
}
