/** The numbers of launches: each set is sent once, and stays until there is no more room. */
import { describe, expect, it } from "vitest"
import type { GpuDevice } from "../src/gpu.ts"
import { Params } from "../src/params.ts"
import { count } from "./harness.ts"

/** What is written: the byte, and the words. */
type Written = [offset: number, words: number[]]

function recorded(): { params: Params; written: Written[] } {
  const written: Written[] = []
  const queue = {
    writeBuffer: (_: object, offset: number, words: Uint32Array, from: number, size: number) =>
      written.push([offset, [...words.subarray(from, from + size)]]),
  }
  const device = { limits: { minUniformBufferOffsetAlignment: 16 }, queue, createBuffer: () => ({}) }
  return { params: new Params(device as unknown as GpuDevice), written }
}

describe("numbers of launches", () => {
  it("are sent once, and found again", () => {
    const { params, written } = recorded()
    expect([params.place([1, 2, -3], 1), params.place([4, 5], 1), params.place([1, 2, -3], 1)]).toEqual([0, 16, 0])
    params.send()
    expect(written).toEqual([[0, [1, 2, 2 ** 32 - 3, 0, 4, 5, 0, 0]]])
    expect([params.place([4, 5], 1), params.place([6], 1), params.place([1, 2, 2 ** 32 - 3], 1)]).toEqual([16, 32, 0])
    params.send()
    params.send()
    expect(written.slice(1)).toEqual([[32, [6, 0, 0, 0]]])
  })

  it("that only begin alike are others", () => {
    const { params } = recorded()
    expect([params.place([1, 2], 1), params.place([1, 2, 0], 1), params.place([1, 2], 2)]).toEqual([0, 16, 32])
    expect(params.place([1, 2], 1)).toBe(0)
  })

  it("find no room when there is none, and all of it after it was cleared", () => {
    const { params } = recorded()
    const room = 2 ** 20 / 16
    for (const k of count(room)) expect(params.place([k], 1)).toBe(16 * k)
    expect(params.room).toBe(0)
    expect(() => params.place([room], 1)).toThrow(RangeError)
    expect(params.place([7], 1)).toBe(16 * 7)
    params.clear()
    expect(params.place([7], 1)).toBe(0)
  })
})
