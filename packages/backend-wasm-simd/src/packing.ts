/** Packing: elements at any distances become panels that the tiles of `tile.ts` read one after the other. */
import { type FunctionBuilder, get, type Local, type ModuleBuilder, select } from "./assembler.ts"
import { type Code, type FunctionRef, laneAccess, shuffle32, store } from "./code.ts"
import type { Format } from "./formats.ts"
import { Elements } from "./product-elements.ts"
import { transpose } from "./vector-code.ts"

/** The items of a panel in groups of at most a vector: where each begins, and how many it has. */
interface Group {
  readonly first: number
  readonly count: number
}

const groupsOf = (width: number, lanes: number): readonly Group[] =>
  Array.from({ length: Math.ceil(width / lanes) }, (_, k) => ({
    first: k * lanes,
    count: Math.min(lanes, width - k * lanes),
  }))

/**
 * `pack(source, depth, count, depthStride, itemStride, target)`: `count` items (rows of A, columns of B) of `depth` elements become
 * ceil(count / width) panels of `width` items, in each of which the elements of equal depth stand together. What fills up the last
 * panel is anything. Strides are in bytes.
 */
export function packFunction(module: ModuleBuilder, format: Format, width: number): FunctionRef {
  const { lanes, bytes } = format
  const groups = groupsOf(width, lanes.count)
  const parameters = ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"] as const
  return module.helper(`pack ${width}`, parameters, [], (f, source, depth, count, depthStride, itemStride, target) => {
    const elements = new Elements(f, module, format)
    const left = f.local("ptr")
    const items = Array.from({ length: width }, () => f.local("ptr"))
    const plus = (a: Code, b: Code): Code => f.op("ptr.add", a, b)
    /** Runs `body` for each `step` of depth that is left. */
    const each = (step: number, body: () => void): void =>
      f.while(f.op("ptr.ge_s", get(left), f.ptr(step)), () => {
        body()
        f.set(target, plus(get(target), f.ptr(step * width * lanes.bytes)))
        f.set(left, f.op("ptr.sub", get(left), f.ptr(step)))
      })
    const put = ({ first, count: n }: Group, x: Code, depthIndex = 0): void => {
      const offset = (depthIndex * width + first) * lanes.bytes
      if (n === lanes.count) f.push(store("v128.store", get(target), x, offset))
      else f.push(laneAccess("v128.store64_lane", get(target), x, 0, offset))
    }
    const advance = (local: Local, by: Code): void => f.set(local, plus(get(local), by))

    const contiguousItems = (): void => {
      const from = f.let("ptr", get(source))
      each(1, () => {
        for (const group of groups) put(group, elements.load(get(from), group.first * bytes))
        advance(from, get(depthStride))
      })
    }
    const contiguousDepth = (): void =>
      each(lanes.count, () => {
        for (const group of groups) transposed(f, elements, group, items, (x, k) => put(group, x, k))
        for (const item of items) advance(item, f.ptr(lanes.count * bytes))
      })
    const anywhere = (): void =>
      each(1, () => {
        for (const group of groups)
          put(group, elements.gather(items.slice(group.first, group.first + group.count).map(get)))
        for (const item of items) advance(item, get(depthStride))
      })

    f.while(f.op("ptr.gt_s", get(count), f.ptr(0)), () => {
      f.set(left, get(depth))
      f.if(f.op("ptr.eq", get(itemStride), f.ptr(bytes)), contiguousItems, () => {
        // Items that aren't there are the last one that is.
        items.forEach((item, k) => {
          const before = k === 0 ? get(source) : get(items[k - 1])
          const there = f.op("ptr.gt_s", get(count), f.ptr(k))
          f.set(item, k === 0 ? before : plus(before, select(there, get(itemStride), f.ptr(0))))
        })
        f.if(f.op("ptr.eq", get(depthStride), f.ptr(bytes)), contiguousDepth)
        anywhere()
      })
      advance(source, f.op("ptr.mul", get(itemStride), f.ptr(width)))
      f.set(count, f.op("ptr.sub", get(count), f.ptr(width)))
    })
  })
}

/** Loads a vector of depth from each item of a group, and gives the vectors of items for each depth. */
function transposed(
  f: FunctionBuilder,
  elements: Elements,
  { first, count }: Group,
  items: readonly Local[],
  put: (x: Code, depthIndex: number) => void,
): void {
  const { lanes } = elements.format
  const rows = items.slice(first, first + count).map((item) => get(f.let("v128", elements.load(get(item)))))
  if (count === lanes.count) {
    transpose(f, lanes, rows).forEach(put)
    return
  }
  for (const half of [0, 1]) {
    const pairs = get(f.let("v128", shuffle32(half ? [2, 6, 3, 7] : [0, 4, 1, 5], rows[0], rows[1])))
    put(pairs, half * 2)
    put(shuffle32([2, 3, 2, 3], pairs, pairs), half * 2 + 1)
  }
}
