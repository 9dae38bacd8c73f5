/** Sorts on the emulated device: in a tile, several rows to a tile, and by digits, by one block to a row and by several. */
import type { DType } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { count } from "./harness.ts"
import { blank, operand, run, runWide } from "./plan-runner.ts"

/** A hash of 32 bits. */
const scrambled = (k: number): number => {
  const x = Math.imul(k ^ (k >>> 15), 0x2c1b3c6d)
  return Math.imul(x ^ (x >>> 12), 0x297a2d39) ^ (x >>> 16)
}

const FLOATS: readonly DType[] = ["float32", "float64", "float16", "bfloat16"]
/** Where a value stands in the order: NaN above all. */
const order = (x: number): number => (Number.isNaN(x) ? Number.POSITIVE_INFINITY : Math.max(x, -1e9))

describe.each([...FLOATS, "int8", "uint8", "int16", "int32", "int64", "bool"] as DType[])("%s", (dtype) => {
  const sizes =
    dtype === "float32" || dtype === "int64"
      ? [
          [1, 1],
          [300, 3],
          [9, 200],
          [1, 5000],
          [2, 9000],
        ]
      : [
          [5, 7],
          [1, 2100],
        ]
  it.each(sizes.flatMap(([rows, length]) => [false, true].map((d) => [rows, length, d] as const)))(
    "%i rows of %i, descending: %s",
    (rows, length, descending) => {
      const values = count(rows * length).map((k) => {
        const value = ((k * 7919) % 101) - (dtype === "uint8" ? 0 : 50)
        if (dtype === "bool") return value & 1
        if (!FLOATS.includes(dtype)) return value
        return value === 7 ? Number.NaN : value === -7 ? Number.NEGATIVE_INFINITY : value === 3 ? -0 : value
      })
      const big = (x: number): number | bigint => (dtype === "int64" ? BigInt(x) : x)
      const places = count(rows).flatMap((r) =>
        count(length).sort((p, q) => {
          const difference = order(values[r * length + p]) - order(values[r * length + q])
          const known = Number.isNaN(difference) ? 0 : difference
          return (descending ? -known : known) || p - q
        }),
      )
      const kernel = { kind: "sort", rank: 2, dtype, descending } as const
      const views = [
        operand(dtype, [rows, length], values.map(big)),
        blank(dtype, [rows, length]),
        blank("int32", [rows, length]),
      ]
      const { out } = run(kernel, [rows, length], views)
      expect(out[2]).toEqual(places)
      expect(out[1]).toEqual(places.map((e, k) => big(values[Math.floor(k / length) * length + e])))
    },
  )
})

describe("keys that differ in all of their bits", () => {
  const places = <T>(values: readonly T[], length: number, descending: boolean): number[] =>
    count(values.length / length).flatMap((r) => {
      const row = values.slice(r * length, (r + 1) * length)
      return count(length).sort((p, q) => {
        const order = row[p] < row[q] ? -1 : row[p] > row[q] ? 1 : 0
        return (descending ? -order : order) || p - q
      })
    })
  const check = (
    dtype: DType,
    values: readonly (number | bigint)[],
    [rows, length]: readonly [number, number],
    descending: boolean,
  ): number => {
    const shape = [rows, length]
    const want = places(values, length, descending)
    const views = [operand(dtype, shape, values), blank(dtype, shape), blank("int32", shape)]
    const { out, launches } = run({ kind: "sort", rank: 2, dtype, descending }, shape, views)
    expect(out[2]).toEqual(want)
    expect(out[1]).toEqual(want.map((e, k) => values[Math.floor(k / length) * length + e]))
    return launches
  }
  const float = (bits: number): number => {
    const [x] = new Float32Array(new Int32Array([bits]).buffer)
    return Number.isNaN(x) ? 0 : x
  }
  // Tiles have 4096 items, and there are at most 16 groups: the last has two tiles to a group.
  it.each([2047, 2048, 2049, 4095, 4096, 4097, 8191, 8193, 66_001])("rows of %i", (length) => {
    const bits = count(length).map(scrambled)
    check("float32", bits.map(float), [1, length], false)
    check("int32", bits, [1, length], true)
  })
  it("several rows to each block's share of the machine, and more rows than blocks", () => {
    const launches = [3, 17].map((rows) => check("int32", count(rows * 8200).map(scrambled), [rows, 8200], false))
    expect(launches).toEqual([4 * 3, 4 * 2])
  })
  it("64 bits", () => {
    const wide = count(2 * 5000).map((k) =>
      BigInt.asIntN(64, (BigInt(scrambled(k)) << 32n) | BigInt(scrambled(~k) >>> 0)),
    )
    check("int64", wide, [2, 5000], true)
    const doubles = new Float64Array(new BigInt64Array(wide).buffer)
    check(
      "float64",
      Array.from(doubles, (x) => (Number.isNaN(x) ? 0 : x)),
      [2, 5000],
      false,
    )
  })
  it("16 and 8 bits take as many passes as they have bytes", () => {
    const bits = count(5000).map(scrambled)
    const launches = [
      check(
        "bfloat16",
        bits.map((b) => float(b & 0xffff0000)),
        [1, 5000],
        false,
      ),
      check(
        "int16",
        bits.map((b) => b >> 16),
        [1, 5000],
        true,
      ),
      check(
        "uint8",
        bits.map((b) => b & 255),
        [1, 5000],
        false,
      ),
    ]
    expect(launches).toEqual([6, 6, 3])
  })
  it("of one value only, and of all but one", () => {
    for (const value of [-1, 0, 7]) {
      const same = new Array<number>(9000).fill(value)
      for (const descending of [false, true]) check("int32", same, [1, 9000], descending)
      check("float32", same.with(8999, -5), [1, 9000], false)
    }
  })
})

it("strided rows, into strided results", () => {
  const [rows, length] = [3, 5000]
  const values = count(rows * length).map((k) => (scrambled(k) % 1000) | 0)
  const views = [
    operand("int32", [rows, length], values, [1, rows]),
    blank("int32", [rows, length], [1, rows]),
    blank("int32", [rows, length]),
  ]
  const { out } = run({ kind: "sort", rank: 2, dtype: "int32", descending: false }, [rows, length], views)
  for (const r of count(rows)) {
    const row = count(length).map((e) => values[e * rows + r])
    const want = count(length).sort((p, q) => row[p] - row[q] || p - q)
    expect(out[2].slice(r * length, (r + 1) * length)).toEqual(want)
    expect(count(length).map((e) => out[1][e * rows + r])).toEqual(want.map((e) => row[e]))
  }
})

it("64-bit indices give the same", () => {
  for (const dtype of ["int32", "float64"] as const)
    for (const [rows, length] of [
      [3, 40],
      [2, 9000],
    ]) {
      const values = count(rows * length).map((k) => (scrambled(k) % 100) | 0)
      const views = [
        operand(dtype, [rows, length], values, [1, rows]),
        blank(dtype, [rows, length]),
        blank("int32", [rows, length]),
      ]
      const kernel = { kind: "sort", rank: 2, dtype, descending: true } as const
      expect(runWide(kernel, [rows, length], views)).toEqual(
        (({ out, faults }) => ({ out, faults }))(run(kernel, [rows, length], views)),
      )
    }
})
