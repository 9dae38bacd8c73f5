/** The numbers of a launch as a kernel reads them: behind the addresses, each at its natural alignment. */
import type { Module, NumberType } from "./program.ts"
import { beforeMaps, behindMaps, MAP_BYTES } from "./tensor-maps.ts"

type Store = (view: DataView, at: number, value: number | bigint) => void

interface Format {
  readonly bytes: number
  readonly store: Store
}

const TWO_32 = 2 ** 32

/** 64-bit integers without a BigInt, where the number is not one. */
const store64: Store = (view, at, value) => {
  if (typeof value === "bigint") {
    view.setBigUint64(at, BigInt.asUintN(64, value), true)
    return
  }
  view.setUint32(at, value >>> 0, true)
  view.setInt32(at + 4, Math.floor(value / TWO_32), true)
}
/** Whatever the number is, its lowest 32 bits. */
const store32: Store = (view, at, value) =>
  view.setUint32(at, typeof value === "bigint" ? Number(BigInt.asUintN(32, value)) : value >>> 0, true)

const FORMATS: Readonly<Record<NumberType, Format>> = {
  u32: { bytes: 4, store: store32 },
  s32: { bytes: 4, store: store32 },
  u64: { bytes: 8, store: store64 },
  s64: { bytes: 8, store: store64 },
  f32: { bytes: 4, store: (view, at, value) => view.setFloat32(at, Number(value), true) },
  f64: { bytes: 8, store: (view, at, value) => view.setFloat64(at, Number(value), true) },
}

/** Bytes that a block of parameters may have on every device. */
export const MOST_PARAM_BYTES = 4096

/** Writes a launch's numbers, and those of its tensor maps, into a block of parameters. */
export interface Packer {
  /** Bytes of the whole block, addresses and all. */
  readonly bytes: number
  pack(view: DataView, numbers: readonly (number | bigint)[], maps?: readonly Float64Array[]): void
}

/** How the numbers of a module's launches are packed. */
export function packerOf({
  pointers,
  numbers: types,
  entry,
  maps = [],
}: Pick<Module, "pointers" | "numbers" | "entry" | "maps">): Packer {
  const stores: Store[] = []
  const places: number[] = []
  let at = 8 * pointers
  for (const type of types) {
    const { bytes, store } = FORMATS[type]
    at = Math.ceil(at / bytes) * bytes
    places.push(at)
    stores.push(store)
    at += bytes
  }
  const mapsAt = beforeMaps(at)
  at = behindMaps(at, maps.length)
  if (at > MOST_PARAM_BYTES)
    throw new RangeError(`cuda: ${entry} takes ${at} bytes of parameters, and kernels can have ${MOST_PARAM_BYTES}`)
  return {
    bytes: at,
    pack(view, numbers, given = []) {
      if (numbers.length !== stores.length)
        throw new RangeError(`cuda: ${entry} takes ${stores.length} numbers, and was given ${numbers.length}`)
      if (given.length !== maps.length)
        throw new RangeError(`cuda: ${entry} takes ${maps.length} tensor maps, and was given ${given.length}`)
      for (let i = 0; i < stores.length; i++) stores[i](view, places[i], numbers[i])
      for (const [i, map] of given.entries())
        map.forEach((number, k) => {
          view.setFloat64(mapsAt + i * MAP_BYTES + 8 * k, number, true)
        })
    },
  }
}
