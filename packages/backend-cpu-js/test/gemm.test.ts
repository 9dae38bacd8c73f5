import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type BigIntegerArray, type FloatArray, gemm, type IntegerArray } from "../src/gemm.ts"

/** A matrix somewhere in an array, in any of the layouts that views can have. */
interface Layout {
  offset: number
  rowStride: number
  colStride: number
  length: number
}

type Shape = "rows" | "columns" | "gaps" | "reversed" | "sameRow" | "sameElement"

function layout(kind: Shape, rows: number, cols: number, offset: number): Layout {
  const [r, c] = [Math.max(rows, 1), Math.max(cols, 1)]
  const table: Record<Shape, [rowStride: number, colStride: number, first: number, length: number]> = {
    rows: [c, 1, 0, r * c],
    columns: [1, r, 0, r * c],
    gaps: [3 * c + 2, 3, 0, r * (3 * c + 2)],
    reversed: [-c, -1, r * c - 1, r * c],
    sameRow: [0, 1, 0, c],
    sameElement: [0, 0, 0, 1],
  }
  const [rowStride, colStride, first, length] = table[kind]
  return { offset: offset + first, rowStride, colStride, length: length + offset + 3 }
}

const readable = fc.constantFrom<Shape[]>("rows", "columns", "gaps", "reversed", "sameRow", "sameElement")
const writable = fc.constantFrom<Shape[]>("rows", "columns", "gaps", "reversed")
const offset = fc.integer({ min: 0, max: 5 })

/** Numbers in [-1, 1) that depend on the seed alone. */
function noise(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state / 2 ** 31
  }
}

interface Problem {
  size: [m: number, n: number, k: number]
  a: Layout
  b: Layout
  c: Layout
  accumulate: boolean
  seed: number
}

function problem(size: fc.Arbitrary<[number, number, number]>): fc.Arbitrary<Problem> {
  return fc
    .record({
      size,
      kinds: fc.tuple(readable, readable, writable),
      offsets: fc.tuple(offset, offset, offset),
      accumulate: fc.boolean(),
      seed: fc.integer(),
    })
    .map(({ size: [m, n, k], kinds, offsets, accumulate, seed }) => ({
      size: [m, n, k],
      a: layout(kinds[0], m, k, offsets[0]),
      b: layout(kinds[1], k, n, offsets[1]),
      c: layout(kinds[2], m, n, offsets[2]),
      accumulate,
      seed,
    }))
}

function run<T extends FloatArray | IntegerArray | BigIntegerArray>(p: Problem, a: T, b: T, c: T): T {
  const [m, n, k] = p.size
  gemm(
    m,
    n,
    k,
    a,
    p.a.offset,
    p.a.rowStride,
    p.a.colStride,
    b,
    p.b.offset,
    p.b.rowStride,
    p.b.colStride,
    c,
    p.c.offset,
    p.c.rowStride,
    p.c.colStride,
    p.accumulate,
  )
  return c
}

/**
 * What C must hold: sums that begin with the old value or `zero` and to which `add(sum, i, j)` adds the product of
 * elements i of A and j of B. Everything between the elements of C stays as it was.
 */
function expected<V>(p: Problem, before: Iterable<V>, zero: V, add: (sum: V, i: number, j: number) => V): V[] {
  const [m, n, k] = p.size
  const result = [...before]
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const at = p.c.offset + i * p.c.rowStride + j * p.c.colStride
      let sum = p.accumulate ? result[at] : zero
      for (let l = 0; l < k; l++) {
        const left = p.a.offset + i * p.a.rowStride + l * p.a.colStride
        sum = add(sum, left, p.b.offset + l * p.b.rowStride + j * p.b.colStride)
      }
      result[at] = sum
    }
  }
  return result
}

function checkFloats(p: Problem, type: Float32ArrayConstructor | Float64ArrayConstructor): void {
  const next = noise(p.seed)
  const [a, b, c] = [p.a, p.b, p.c].map(({ length }) => new type(Array.from({ length }, next)))
  const want = expected<number>(p, c, 0, (sum, i, j) => sum + a[i] * b[j])
  const got = run(p, a, b, c)
  // The bound for sums of k+1 numbers below 1 in any order in float64, once for each side, and for float32 the rounding
  // of every partial sum that is stored, one per 512 of the inner dimension.
  const k = p.size[2] + 1
  const stores = type === Float32Array ? 1 + Math.ceil(k / 512) : 0
  const tolerance = k * k * 2 ** -52 + stores * k * 2 ** -24
  for (let i = 0; i < want.length; i++) {
    if (!(Math.abs(got[i] - want[i]) <= tolerance)) expect.fail(`element ${i}: got ${got[i]}, want ${want[i]}`)
  }
}

const upTo = (max: number) => fc.integer({ min: 0, max })
const sizes: Record<string, fc.Arbitrary<[number, number, number]>> = {
  small: fc.tuple(upTo(6), upTo(6), upTo(8)),
  medium: fc.tuple(upTo(40), upTo(40), upTo(40)),
  "one row": fc.tuple(fc.constant(1), upTo(70), upTo(70)),
  "one column": fc.tuple(upTo(70), fc.constant(1), upTo(70)),
  "a few columns": fc.tuple(upTo(200), fc.integer({ min: 2, max: 4 }), upTo(70)),
  "a short inner dimension": fc.tuple(upTo(70), upTo(70), upTo(5)),
  "a dot product": fc.tuple(fc.constant(1), fc.constant(1), upTo(2000)),
}

describe("floats", () => {
  for (const type of [Float32Array, Float64Array]) {
    for (const [name, size] of Object.entries(sizes)) {
      it(`${type.name}: ${name}, any layout`, () => {
        fc.assert(
          fc.property(problem(size), (p) => checkFloats(p, type)),
          { numRuns: 60 },
        )
      })
    }

    it.each<[number, number, number]>([
      [67, 259, 1030],
      [259, 67, 513],
      [5, 300, 1200],
      [9, 300, 512],
      [1, 9000, 9],
      [9000, 1, 9],
      [130, 130, 511],
    ])(`${type.name}: %i×%i×%i crosses the blocks`, (m, n, k) => {
      for (const kind of ["rows", "columns"] as const) {
        for (const accumulate of [false, true]) {
          const [a, b, c] = [layout(kind, m, k, 1), layout(kind, k, n, 2), layout(kind, m, n, 3)]
          checkFloats({ size: [m, n, k], a, b, c, accumulate, seed: m }, type)
        }
      }
    })
  }

  const a = Array.from({ length: 12 }, (_, i) => (i - 5.5) / 7)
  const b = Array.from({ length: 20 }, (_, i) => (i ** 1.5 - 30) / 9)

  it("gives PyTorch's float64 product", () => {
    const c = new Float64Array(15)
    gemm(3, 5, 4, new Float64Array(a), 0, 4, 1, new Float64Array(b), 0, 5, 1, c, 0, 5, 1, false)
    const want = [
      2.7582837605965604, 1.9154559129551, 0.9583845649337317, -0.08529569475759802, -1.2045859011127795,
      1.5454498991549097, 1.6729042399778598, 1.7844608391782777, 1.8869753128522526, 1.9828606602909011,
      0.3326160377132581, 1.4303525670006194, 2.6105371134228244, 3.8592463204621037, 5.170307221694582,
    ]
    want.forEach((value, i) => expect(c[i]).toBeCloseTo(value, 13))
  })

  it("keeps NaN and infinities, of any size of product", () => {
    const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN]
    const [left, right] = [new Float32Array([0, 1, inf, 2]), new Float32Array([inf, 1, 2, nan])]
    const c = new Float32Array(4)
    gemm(2, 2, 2, left, 0, 2, 1, right, 0, 2, 1, c, 0, 2, 1, false)
    expect([...c]).toEqual([nan, nan, inf, nan])

    // The same in the corner of a product that is packed: row 0 of A has a zero where B has its infinity.
    const n = 33
    const [bigA, bigB, bigC] = [new Float32Array(n * n), new Float32Array(n * n), new Float32Array(n * n)]
    bigB[0] = inf
    bigA[n * n - 1] = nan
    gemm(n, n, n, bigA, 0, n, 1, bigB, 0, n, 1, bigC, 0, n, 1, false)
    for (let i = 0; i < n * n; i++) {
      expect(Number.isNaN(bigC[i]), `element ${i}`).toBe(i % n === 0 || i >= n * (n - 1))
    }
  })

  it("does not read C unless it accumulates", () => {
    for (const n of [1, 2, 5, 33]) {
      const ones = new Float32Array(n * n).fill(1)
      const c = new Float32Array(n * n).fill(Number.NaN)
      gemm(n, n, n, ones, 0, n, 1, ones, 0, n, 1, c, 0, n, 1, false)
      expect(c).toEqual(new Float32Array(n * n).fill(n))
    }
  })

  it("gives zeros, or leaves C alone, when the inner dimension is empty", () => {
    for (const [m, n] of [
      [1, 1],
      [1, 9],
      [9, 1],
      [9, 9],
      [40, 40],
    ]) {
      const c = new Float32Array(m * n).fill(7)
      const none = new Float32Array(0)
      gemm(m, n, 0, none, 0, 0, 1, none, 0, n, 1, c, 0, n, 1, true)
      expect(c).toEqual(new Float32Array(m * n).fill(7))
      gemm(m, n, 0, none, 0, 0, 1, none, 0, n, 1, c, 0, n, 1, false)
      expect(c).toEqual(new Float32Array(m * n))
    }
  })

  it("sums float32 in float64", () => {
    const k = 3001
    const values = new Float32Array(k).fill(1)
    values[0] = 2 ** 26
    const ones = new Float32Array(k).fill(1)
    const c = new Float32Array(1)
    gemm(1, 1, k, values, 0, k, 1, ones, 0, 1, 1, c, 0, 1, 1, false)
    expect(c[0]).toBe(Math.fround(2 ** 26 + 3000))
  })
})

describe("integers", () => {
  const types = [Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array]
  it.each(types.map((type) => [type.name, type] as const))("%s wraps around", (_, type) => {
    fc.assert(
      fc.property(problem(fc.tuple(upTo(7), upTo(7), upTo(9))), (p) => {
        const next = noise(p.seed)
        const whole = () => Math.floor(next() * 2 ** 31)
        const [a, b, c] = [p.a, p.b, p.c].map(({ length }) => new type(Array.from({ length }, whole)))
        const exact = expected(p, Array.from(c, BigInt), 0n, (sum, i, j) => sum + BigInt(a[i]) * BigInt(b[j]))
        const want = new type(exact.map((sum) => Number(BigInt.asIntN(32, sum))))
        expect(run(p, a, b, c)).toEqual(want)
      }),
      { numRuns: 60 },
    )
  })

  it.each([["BigInt64Array", BigInt64Array] as const, ["BigUint64Array", BigUint64Array] as const])(
    "%s wraps around",
    (_, type) => {
      fc.assert(
        fc.property(problem(fc.tuple(upTo(5), upTo(5), upTo(6))), (p) => {
          const next = noise(p.seed)
          const big = () => BigInt(Math.floor(next() * 2 ** 53)) * 2053n
          const [a, b, c] = [p.a, p.b, p.c].map(({ length }) => new type(Array.from({ length }, big)))
          const want = new type(expected<bigint>(p, c, 0n, (sum, i, j) => sum + a[i] * b[j]))
          expect(run(p, a, b, c)).toEqual(want)
        }),
        { numRuns: 60 },
      )
    },
  )

  it("gives PyTorch's wrapped products", () => {
    const int32 = new Int32Array(6)
    const a = Int32Array.from({ length: 12 }, (_, i) => i * 123456789)
    const b = Int32Array.from({ length: 8 }, (_, i) => (i - 3) * 98765)
    gemm(3, 2, 4, a, 0, 4, 1, b, 0, 2, 1, int32, 0, 2, 1, false)
    expect([...int32]).toEqual([-2023877590, 1056763152, -2023877590, 2113526304, -2023877590, -1124677840])

    const int8 = new Int8Array(6)
    const a8 = Int8Array.from({ length: 12 }, (_, i) => i * 21 - 100)
    const b8 = Int8Array.from({ length: 8 }, (_, i) => (i - 3) * 40)
    gemm(3, 2, 4, a8, 0, 4, 1, b8, 0, 2, 1, int8, 0, 2, 1, false)
    expect([...int8]).toEqual([-48, 0, -48, -128, -48, 0])

    const [u, uu] = [new Uint8Array([200, 250, 7, 255]), new Uint8Array(4)]
    gemm(2, 2, 2, u, 0, 2, 1, u, 0, 2, 1, uu, 0, 2, 1, false)
    expect([...uu]).toEqual([22, 86, 113, 215])

    const [l, ll] = [new BigInt64Array([2n ** 62n, 3n, 5n, -7n]), new BigInt64Array(4)]
    gemm(2, 2, 2, l, 0, 2, 1, l, 0, 2, 1, ll, 0, 2, 1, false)
    expect([...ll]).toEqual([15n, -4611686018427387925n, 4611686018427387869n, 64n])
  })
})

it("refuses arrays of different number types", () => {
  const [floats, ints] = [new Float32Array(1), new Int32Array(1)]
  const mixed = () => gemm<FloatArray | IntegerArray>(1, 1, 1, floats, 0, 1, 1, ints, 0, 1, 1, floats, 0, 1, 1, false)
  expect(mixed).toThrow(/gemm: .* Float32Array, Int32Array, Float32Array; convert/)
})
