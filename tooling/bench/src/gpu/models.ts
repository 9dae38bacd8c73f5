/** The two networks: sizes, first weights and data, the same for every library. Weights lie as PyTorch lays them out. */
import { labels, numbers } from "../works.ts"

export type Shape = readonly number[]

export interface Values {
  readonly shape: Shape
  readonly data: Float32Array<ArrayBuffer>
}

const count = (shape: Shape): number => shape.reduce((a, b) => a * b, 1)

/** Values of about unit size, divided by the square root of what each output sums. */
const values = (seed: number, shape: Shape, summed = 1): Values => ({
  shape,
  data: numbers(count(shape), seed).map((v) => v / Math.sqrt(summed)),
})

export const BATCH = 64
export const CLASSES = 10
export const LEARNING_RATE = 0.1
export const TARGETS = labels(BATCH)

export const MLP = {
  /** [batch, features] */
  x: values(1, [BATCH, 784]),
  w1: values(2, [256, 784], 784),
  b1: values(3, [256], 784),
  w2: values(4, [CLASSES, 256], 256),
  b2: values(5, [CLASSES], 256),
} as const

/** Channels that leave the second convolution, and the height and width of what is left of the image. */
export const CHANNELS = 32
export const REST = 4
const FLAT = CHANNELS * REST * REST

export const CNN = {
  /** [batch, channels, height, width]; one channel */
  x: values(6, [BATCH, 1, 28, 28]),
  c1: values(7, [16, 1, 5, 5], 25),
  d1: values(8, [16], 25),
  c2: values(9, [CHANNELS, 16, 5, 5], 400),
  d2: values(10, [CHANNELS], 400),
  w: values(11, [CLASSES, FLAT], FLAT),
  b: values(12, [CLASSES], FLAT),
} as const

export const FLATTENED = FLAT

export type ModelName = "mlp" | "cnn"
export const MODEL_NAMES: readonly ModelName[] = ["mlp", "cnn"]
