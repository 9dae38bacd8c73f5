/** Stable sorting along the last dim, NaN being the greatest. Elements become keys that order, as unsigned integers, as the elements do. */
import { DTYPES, type DType, type SortKernel } from "@taeda/core"
import { countOf, isWide } from "./launch.ts"
import { mergeSort } from "./merge-sort.ts"
import { NOTHING, type Planner } from "./planner.ts"
import { sizesOf, unravel } from "./points.ts"
import type { KeyType } from "./tile-sort.ts"
import { addressOf, bindInput, bindOutput, readElement, writeElement } from "./views.ts"
import type { Writer } from "./writer.ts"

/** The integer type that holds the bits of a dtype's elements: they are moved, not computed with. */
const BITS: Readonly<Record<number, DType>> = { 1: "uint8", 2: "int16", 4: "int32", 8: "int64" }
const bitsOf = (dtype: DType): DType => BITS[DTYPES[dtype].bytes]
const keyTypeOf = (dtype: DType): KeyType => (DTYPES[dtype].bytes === 8 ? "u64" : "u32")

/** Infinity's bits, moved to the top of a key: what is greater, the sign aside, is NaN. */
const INFINITIES: Partial<Readonly<Record<DType, string>>> = {
  float32: "0x7f800000",
  float16: "0x7c000000",
  bfloat16: "0x7f800000",
  float64: "0x7ff0000000000000",
}

/** Writes the key of an element whose bits are given. */
function writeKey(w: Writer, { dtype, descending }: SortKernel, stored: string): string {
  const { bytes, signed } = DTYPES[dtype]
  const type = keyTypeOf(dtype)
  const bits = type === "u64" ? "b64" : "b32"
  const width = type === "u64" ? 64 : 32
  const top = type === "u64" ? "0x8000000000000000" : "0x80000000"
  const rest = type === "u64" ? "0x7fffffffffffffff" : "0x7fffffff"
  const all = type === "u64" ? "0xffffffffffffffff" : "0xffffffff"
  const shift = width - 8 * bytes
  const raw = shift ? w.op(`shl.${bits}`, stored, shift) : stored
  const infinity = INFINITIES[dtype]
  let key = signed && !infinity ? w.op(`xor.${bits}`, raw, top) : raw
  if (infinity) {
    // Negative ones order backwards; -0 is 0.
    const plain = w.op(`selp.${bits}`, 0, raw, w.op(`setp.eq.${type}`, raw, top))
    const flip = w.op(`selp.${bits}`, all, top, w.op(`setp.ge.${type}`, plain, top))
    const nan = w.op(`setp.gt.${type}`, w.op(`and.${bits}`, plain, rest), infinity)
    key = w.op(`selp.${bits}`, all, w.op(`xor.${bits}`, plain, flip), nan)
  }
  return descending ? w.op(`not.${bits}`, key) : key
}

const [X, VALUES, INDICES] = [0, 1, 2]

export function sortPlanner(kernel: SortKernel): Planner {
  const { rank, dtype } = kernel
  const sort = mergeSort({
    keyType: keyTypeOf(dtype),
    open(w) {
      const x = bindInput(w, X, bitsOf(dtype))
      const point = (row: string, place: string): string[] =>
        rank === 0 ? [] : [...unravel(w, w.toIndex(row), sizesOf(0, rank - 1)), w.toIndex(place)]
      const bitsAt = (row: string, place: string): string => readElement(w, x, addressOf(w, x, point(row, place)))
      return {
        key: (row, p) => writeKey(w, kernel, bitsAt(row, p)),
        sink({ row, p, place }) {
          const bits = bitsAt(row, place)
          const to = point(row, p)
          const [values, indices] = [bindOutput(w, VALUES, bitsOf(dtype)), bindOutput(w, INDICES, "int32")]
          writeElement(w, values, addressOf(w, values, to), bits)
          writeElement(w, indices, addressOf(w, indices, to), place)
        },
      }
    },
  })
  return {
    modules: sort.modules,
    plan(launch) {
      const { sizes } = launch
      if (sizes.includes(0)) return NOTHING
      const length = sizes.at(-1) ?? 1
      return sort.launches(launch, countOf(sizes) / length, length, isWide(launch))
    },
  }
}
