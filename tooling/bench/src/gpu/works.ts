/** What is done on a GPU, and what a library offers for it. */
import { numbers } from "../works.ts"
import { MODEL_NAMES, type ModelName, type Values } from "./models.ts"

/** Operations on tensors so small that only the call and the way to the device and back cost anything. */
export const TINY_OPS = {
  "add 2x2": "two 2×2 tensors",
  "matmul 4x4": "two 4×4 tensors",
  "sum 16": "all of 16 elements",
  "relu 16": "16 elements",
  "softmax 4x10": "over the last dim",
  "ten ops": "ten pointwise operations on 16 elements, one after the other",
  "ten ops fused": "the same as one kernel, where the library has a way",
} as const
export type TinyOp = keyof typeof TINY_OPS
export const TINY_NAMES = Object.keys(TINY_OPS) as TinyOp[]

/** All works, in the table's order. */
export const GPU_WORKS: readonly string[] = [
  ...MODEL_NAMES.map((name) => `${name} step`),
  ...MODEL_NAMES.map((name) => `${name} forward`),
  ...TINY_NAMES,
]

/** How many tiny operations are issued before one is read. */
export const ISSUED = 200

const THIRD = Math.PI / 3
const [C, S] = [Math.cos(THIRD), Math.sin(THIRD)]

/** What the operations start from. */
export const TINY: Record<"add" | "addend" | "square" | "turn" | "sixteen" | "rows", Values> = {
  add: { shape: [2, 2], data: numbers(4, 1) },
  addend: { shape: [2, 2], data: numbers(4, 2) },
  square: { shape: [4, 4], data: numbers(16, 3) },
  /** A rotation, so that products stay of one size however often they are taken. */
  turn: { shape: [4, 4], data: Float32Array.of(C, -S, 0, 0, S, C, 0, 0, 0, 0, C, -S, 0, 0, S, C) },
  sixteen: { shape: [4, 4], data: numbers(16, 4) },
  rows: { shape: [4, 10], data: numbers(40, 5) },
}

/** The numbers of the ten operations: x·a + b, tanh, ·c − d, abs, + e, sqrt, neg, exp. */
export const TEN = { a: 0.9, b: 0.1, c: 1.1, d: 0.05, e: 0.2 } as const

/** Does an operation so many times, each but the first on the last one's result where shapes allow, and reads the last. */
export type Issue = (times: number) => Promise<ArrayLike<number>>

/** A library in its page. What it has nothing for is null. */
export interface GpuLibrary {
  /** A training step: forward, backward, plain SGD; the loss, before the step, is read. */
  train(model: ModelName): (() => Promise<number>) | null
  /** A forward pass without gradients; the logits are read. */
  forward(model: ModelName): Promise<() => Promise<ArrayLike<number>>>
  tiny(op: TinyOp): Promise<Issue | null>
}

/** Their result has another shape, so that each starts anew. */
export const APART: ReadonlySet<TinyOp> = new Set(["sum 16"])
