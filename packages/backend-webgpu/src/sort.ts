/** Stable sorting along the last dim, NaN being the greatest. Elements become keys that order, as u32, as the elements do. */
import { DTYPES, type DType, type SortKernel } from "@taeda/core"
import { unravel } from "./coordinates.ts"
import { countOf } from "./launch.ts"
import { mergeSort } from "./merge-sort.ts"
import { NOTHING, type Planner } from "./planner.ts"
import { addressOf, bindInput, bindOutput, readElement, writeElement } from "./views.ts"
import type { Writer } from "./writer.ts"

/** The integer type that holds the bits of a dtype's elements: they are moved, not computed with. */
const BITS: Readonly<Record<number, DType>> = { 1: "uint8", 2: "int16", 4: "int32" }
const bitsOf = (dtype: DType): DType => BITS[DTYPES[dtype].bytes]

/** Infinity's bits, moved to the top of a word: what is greater, the sign aside, is NaN. */
const INFINITIES: Partial<Readonly<Record<DType, string>>> = {
  float32: "0x7f800000u",
  float16: "0x7c000000u",
  bfloat16: "0x7f800000u",
}

/** Writes the key of an element whose bits (i32) are given; its text. */
function writeKey(w: Writer, { dtype, descending }: SortKernel, bits: string): string {
  const { bytes, signed } = DTYPES[dtype]
  const raw = w.let(`bitcast<u32>(${bits}) << ${32 - 8 * bytes}u`, "k")
  const infinity = INFINITIES[dtype]
  let key = signed ? `(${raw} ^ 0x80000000u)` : raw
  if (infinity) {
    // Negative ones order backwards; -0 is 0.
    const plain = w.let(`select(${raw}, 0u, ${raw} == 0x80000000u)`, "k")
    const ordered = `(${plain} ^ select(0x80000000u, 0xffffffffu, ${plain} >= 0x80000000u))`
    key = w.let(`select(${ordered}, 0xffffffffu, (${plain} & 0x7fffffffu) > ${infinity})`, "k")
  }
  return descending ? `~${key}` : key
}

const [X, VALUES, INDICES] = [0, 1, 2]

export function sortPlanner(kernel: SortKernel): Planner {
  const { rank, dtype } = kernel
  const sort = mergeSort({
    open(w) {
      const x = bindInput(w, X, bitsOf(dtype))
      const outer = Array.from({ length: Math.max(0, rank - 1) }, (_, d) => w.size(d))
      const point = (place: string): string[] => (rank === 0 ? [] : [...unravel(w, "row", outer), place])
      const bitsAt = (place: string): string => readElement(w, x, addressOf(w, X, point(place)))
      return {
        key: () => writeKey(w, kernel, bitsAt("p")),
        sink() {
          const bits = w.let(bitsAt("place"), "x")
          const to = point("p")
          writeElement(w, bindOutput(w, VALUES, bitsOf(dtype)), addressOf(w, VALUES, to), bits)
          writeElement(w, bindOutput(w, INDICES, "int32"), addressOf(w, INDICES, to), "bitcast<i32>(place)")
        },
      }
    },
  })
  return {
    shaders: sort.shaders,
    plan(launch) {
      const { sizes } = launch
      if (sizes.includes(0)) return NOTHING
      const length = sizes.at(-1) ?? 1
      return sort.dispatches(launch, countOf(sizes) / length, length)
    },
  }
}
