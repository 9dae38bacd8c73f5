import { expect, test } from "vitest"
import { centred, type Grey } from "../src/centre.ts"

/** A drawing with a filled rectangle. */
function rectangle(width: number, height: number, [left, top, across, down]: readonly number[]): Grey {
  const ink = new Uint8Array(width * height)
  for (let y = top; y < top + down; y++) ink.fill(255, y * width + left, y * width + left + across)
  return { width, height, ink }
}

const at = (pixels: Uint8Array, x: number, y: number): number => pixels[y * 28 + x]
const total = (pixels: Uint8Array): number => pixels.reduce((sum, value) => sum + value, 0)

test("nothing drawn is nothing", () => {
  expect(centred(rectangle(50, 50, [0, 0, 0, 0]))).toBe(null)
})

test.each([
  ["in a corner", [0, 0, 100, 100]],
  ["at the other", [180, 180, 100, 100]],
  ["small", [30, 90, 40, 40]],
])("a square %s fills the middle 20 × 20", (_, place) => {
  const pixels = centred(rectangle(280, 280, place))!
  const expected = Array.from({ length: 784 }, (_, i) => {
    const [x, y] = [i % 28, Math.floor(i / 28)]
    return x >= 4 && x < 24 && y >= 4 && y < 24 ? 255 : 0
  })
  expect([...pixels]).toEqual(expected)
})

test("proportions stay: a bar is as long as the box and as thick as it is", () => {
  const pixels = centred(rectangle(280, 280, [100, 20, 24, 240]))!
  expect(at(pixels, 14, 4)).toBe(255)
  expect(at(pixels, 14, 23)).toBe(255)
  expect(at(pixels, 14, 3)).toBe(0)
  expect(total(pixels) / 255).toBeCloseTo(2 * 20, 0)
})

test("the centre of mass is in the middle, not that of the outline", () => {
  const { ink, ...size } = rectangle(280, 280, [40, 40, 200, 40])
  const bar = rectangle(280, 280, [40, 40, 20, 150])
  const pixels = centred({ ...size, ink: ink.map((value, i) => Math.max(value, bar.ink[i])) })!
  const mean = (axis: (i: number) => number): number =>
    pixels.reduce((sum, value, i) => sum + value * (axis(i) + 0.5), 0) / total(pixels)
  // Greys are rounded to whole numbers.
  expect(mean((i) => i % 28)).toBeCloseTo(14, 1)
  expect(mean((i) => Math.floor(i / 28))).toBeCloseTo(14, 1)
})
