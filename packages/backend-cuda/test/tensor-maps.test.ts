/** Which operands tensor maps can tell of. */
import { describe, expect, it } from "vitest"
import { behindMaps, layoutOf, mapNumbers } from "../src/tensor-maps.ts"

const place = (sizes: readonly number[], strides: readonly number[], offset = 0) => ({ sizes, strides, offset })

describe("the layout of an operand", () => {
  it("is that of its lines, along either dim", () => {
    const rows = layoutOf(place([5, 40], [48, 1]), "bfloat16", 0, 1, 0)
    expect(rows).toEqual({ dtype: "bfloat16", sizes: [40, 5, 1], strides: [96, 480], shared: true })
    const columns = layoutOf(place([40, 5], [1, 48]), "float16", 0, 0, 1)
    expect(columns).toEqual({ ...rows, dtype: "float16" })
    expect([...mapNumbers(1, rows!, [64, 128])]).toEqual([1, 1, 40, 5, 1, 96, 480, 64, 128])
  })

  it("has batches in one dim", () => {
    const of = (batch: readonly number[], strides: readonly number[]) =>
      layoutOf(place([...batch, 5, 40], [...strides, 40, 1]), "bfloat16", batch.length, batch.length + 1, batch.length)
    expect(of([2, 3], [600, 200])).toMatchObject({ sizes: [40, 5, 6], strides: [80, 400], shared: false })
    expect(of([2, 1], [208, 7])).toMatchObject({ sizes: [40, 5, 2], strides: [80, 416], shared: false })
    expect(of([2, 3], [0, 0])).toMatchObject({ sizes: [40, 5, 1], shared: true })
    for (const strides of [
      [0, 200],
      [200, 0],
      [200, 400],
      [-600, -200],
      [12, 4],
    ])
      expect(of([2, 3], strides)).toBeNull()
  })

  it("has lines apart, in pieces of 16 bytes", () => {
    const of = (lineStride: number, offset = 0, sizes = [5, 40]) =>
      layoutOf(place(sizes, [lineStride, 1], offset), "bfloat16", 0, 1, 0)
    for (const stride of [0, -40, 41, 44, 32, 2 ** 40]) expect(of(stride)).toBeNull()
    expect(of(40, 4)).toBeNull()
    expect(of(40, 8)).not.toBeNull()
    // Of a single line it has no meaning.
    expect(of(3, 0, [1, 44])).toMatchObject({ sizes: [44, 1, 1], strides: [96, 96] })
    expect(of(40, 0, [0, 40])).toBeNull()
    expect(layoutOf(place([5, 40], [40, 2]), "bfloat16", 0, 1, 0)).toBeNull()
    expect(layoutOf(place([5, 40], [40, 1]), "float64", 0, 1, 0)).toBeNull()
  })
})

it("maps stand behind the numbers, where their place is a multiple of 64 bytes", () => {
  expect([behindMaps(60, 0), behindMaps(60, 1), behindMaps(64, 2), behindMaps(65, 2)]).toEqual([60, 192, 320, 384])
})
