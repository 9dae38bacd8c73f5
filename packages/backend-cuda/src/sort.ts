/** Stable sorting along the last dim, NaN being the greatest. Elements become keys that order, as unsigned integers, as the elements do. */
import { DTYPES, type DType, type SortKernel } from "@taeda/core"
import { countOf, isWide } from "./launch.ts"
import { NOTHING, type Planner } from "./planner.ts"
import { sizesOf, unravel } from "./points.ts"
import type { DeviceLimits } from "./program.ts"
import { radixSort } from "./radix-sort.ts"
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

/** What keys of a type are made with. */
interface KeyWords {
  readonly type: KeyType
  readonly bits: "b32" | "b64"
  readonly width: number
  readonly top: string
  readonly rest: string
  readonly all: string
}

const WORDS: Readonly<Record<KeyType, KeyWords>> = {
  u32: { type: "u32", bits: "b32", width: 32, top: "0x80000000", rest: "0x7fffffff", all: "0xffffffff" },
  u64: {
    type: "u64",
    bits: "b64",
    width: 64,
    top: "0x8000000000000000",
    rest: "0x7fffffffffffffff",
    all: "0xffffffffffffffff",
  },
}
const wordsOf = (dtype: DType): KeyWords => WORDS[keyTypeOf(dtype)]
/** The lowest bit of a key that is an element's. */
const lowBit = (dtype: DType): number => wordsOf(dtype).width - 8 * DTYPES[dtype].bytes

/** Writes the key of an element whose bits are given. */
function writeKey(w: Writer, { dtype, descending }: SortKernel, stored: string): string {
  const { type, bits, top, rest, all } = wordsOf(dtype)
  const shift = lowBit(dtype)
  const raw = shift ? w.op(`shl.${bits}`, stored, shift) : stored
  const infinity = INFINITIES[dtype]
  let key = DTYPES[dtype].signed && !infinity ? w.op(`xor.${bits}`, raw, top) : raw
  if (infinity) {
    // Negative ones order backwards; -0 is 0.
    const plain = w.op(`selp.${bits}`, 0, raw, w.op(`setp.eq.${type}`, raw, top))
    const flip = w.op(`selp.${bits}`, all, top, w.op(`setp.ge.${type}`, plain, top))
    const nan = w.op(`setp.gt.${type}`, w.op(`and.${bits}`, plain, rest), infinity)
    key = w.op(`selp.${bits}`, all, w.op(`xor.${bits}`, plain, flip), nan)
  }
  return descending ? w.op(`not.${bits}`, key) : key
}

/** The bits of the element that has a key: `read` finds those that the key does not tell, of a zero or a NaN. */
function writeBits(w: Writer, { dtype, descending }: SortKernel, given: string, read: () => string): string {
  const { type, bits, top, all } = wordsOf(dtype)
  const shift = lowBit(dtype)
  const shifted = (raw: string): string => (shift ? w.op(`shr.${type}`, raw, shift) : raw)
  const key = descending ? w.op(`not.${bits}`, given) : given
  if (!INFINITIES[dtype]) return shifted(DTYPES[dtype].signed ? w.op(`xor.${bits}`, key, top) : key)
  const flip = w.op(`selp.${bits}`, top, all, w.op(`setp.ge.${type}`, key, top))
  const found = w.variable(type, shifted(w.op(`xor.${bits}`, key, flip)))
  const unknown = w.op("or.pred", w.op(`setp.eq.${type}`, key, top), w.op(`setp.eq.${type}`, key, all))
  w.if(unknown, () => w.set(type, found, read()))
  return found
}

const [X, VALUES, INDICES] = [0, 1, 2]

export function sortPlanner(kernel: SortKernel, limits: DeviceLimits): Planner {
  const { rank, dtype } = kernel
  const sort = radixSort(
    {
      keyType: keyTypeOf(dtype),
      open(w) {
        const x = bindInput(w, X, bitsOf(dtype))
        const point = (row: string, place: string): string[] =>
          rank === 0 ? [] : [...unravel(w, w.toIndex(row), sizesOf(0, rank - 1)), w.toIndex(place)]
        const bitsAt = (row: string, place: string): string => readElement(w, x, addressOf(w, x, point(row, place)))
        return {
          key: (row, p) => writeKey(w, kernel, bitsAt(row, p)),
          sink({ row, p, key, place }) {
            const bits = writeBits(w, kernel, key, () => bitsAt(row, place))
            const to = point(row, p)
            const [values, indices] = [bindOutput(w, VALUES, bitsOf(dtype)), bindOutput(w, INDICES, "int32")]
            writeElement(w, values, addressOf(w, values, to), bits)
            writeElement(w, indices, addressOf(w, indices, to), place)
          },
        }
      },
    },
    limits,
  )
  return {
    modules: sort.modules,
    plan(launch) {
      const { sizes } = launch
      if (sizes.includes(0)) return NOTHING
      const length = sizes.at(-1) ?? 1
      const rows = countOf(sizes) / length
      const [low, high] = [lowBit(dtype), wordsOf(dtype).width]
      return sort.launches(launch, { rows, length, low, high, wide: isWide(launch) })
    },
  }
}
