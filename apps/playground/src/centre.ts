/**
 * A drawing as MNIST has its digits: fitted into 20 × 20 pixels with its proportions, grey at the edges, and put into 28 × 28
 * so that its centre of mass is in the middle. Y. LeCun, C. Cortes, C. Burges, "The MNIST database".
 */

export interface Grey {
  readonly width: number
  readonly height: number
  /** Ink from 0 to 255, in row-major order. */
  readonly ink: Uint8Array
}

const SIDE = 28
const BOX = 20

interface Bounds {
  readonly left: number
  readonly top: number
  /** Of the pixels with ink. */
  readonly width: number
  readonly height: number
}

/** Where there is ink; undefined where there is none. */
function boundsOf({ width, height, ink }: Grey): Bounds | undefined {
  let [left, top, right, bottom] = [width, height, -1, -1]
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (ink[y * width + x] === 0) continue
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
    }
  return right < 0 ? undefined : { left, top, width: right - left + 1, height: bottom - top + 1 }
}

/** How much of [from, to] each whole number's unit covers. */
function* overlaps(from: number, to: number): Generator<readonly [index: number, share: number]> {
  for (let i = Math.floor(from); i < to; i++) yield [i, Math.min(i + 1, to) - Math.max(i, from)]
}

/** The mean ink of a rectangle, whose edges may lie within pixels; there is none outside of the drawing. */
function meanOf({ width, height, ink }: Grey, left: number, top: number, side: number): number {
  let sum = 0
  for (const [y, down] of overlaps(top, top + side)) {
    if (y < 0 || y >= height) continue
    for (const [x, across] of overlaps(left, left + side))
      if (x >= 0 && x < width) sum += ink[y * width + x] * down * across
  }
  return sum / (side * side)
}

function centreOfMass(drawing: Grey): readonly [x: number, y: number] {
  let [mass, x, y] = [0, 0, 0]
  for (const [i, ink] of drawing.ink.entries()) {
    mass += ink
    x += ink * ((i % drawing.width) + 0.5)
    y += ink * (Math.floor(i / drawing.width) + 0.5)
  }
  return [x / mass, y / mass]
}

/** 28 × 28 pixels from 0 to 255; null where nothing is drawn. */
export function centred(drawing: Grey): Uint8Array | null {
  const bounds = boundsOf(drawing)
  if (!bounds) return null
  /** Of the drawing's pixels, for one of MNIST's. */
  const step = Math.max(bounds.width, bounds.height) / BOX
  const [x, y] = centreOfMass(drawing)
  const [left, top] = [x - (SIDE / 2) * step, y - (SIDE / 2) * step]
  return Uint8Array.from({ length: SIDE * SIDE }, (_, i) =>
    Math.round(meanOf(drawing, left + (i % SIDE) * step, top + Math.floor(i / SIDE) * step, step)),
  )
}
