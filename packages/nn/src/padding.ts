/** Padding of the last dims. */
import { type PadMode, pad, type Tensor, valueText } from "@taeda/core"
import { Module } from "./module.ts"
import { python } from "./repr.ts"

/** A number for all sides, or [left, right, top, bottom, front, back] as far as the dims go. */
export type Padding = number | readonly number[]

type PadClass = new (padding: Padding) => Module<(input: Tensor) => Tensor> & { padding: readonly number[] }

function sides(name: string, padding: unknown, rank: number): number[] {
  const list = Array.isArray(padding) ? padding : new Array<unknown>(2 * rank).fill(padding)
  if (list.length !== 2 * rank || list.some((p) => !Number.isInteger(p)))
    throw new RangeError(
      `${name}: padding must be an integer or ${2 * rank} of them, got ${Array.isArray(padding) ? python(padding) : valueText(padding)}`,
    )
  return list as number[]
}

function padding(name: string, rank: number, mode: PadMode): PadClass {
  return class extends Module<(input: Tensor) => Tensor> {
    padding: readonly number[]

    constructor(given: Padding) {
      super()
      this.padding = sides(name, given, rank)
    }

    override forward(input: Tensor): Tensor {
      return pad(input, this.padding, mode)
    }

    override extraRepr(): string {
      return python(this.padding)
    }
  }
}

function constantPadding(
  name: string,
  rank: number,
): new (
  padding: Padding,
  value: number,
) => Module<(input: Tensor) => Tensor> & { padding: readonly number[]; value: number } {
  return class extends Module<(input: Tensor) => Tensor> {
    padding: readonly number[]
    value: number

    constructor(given: Padding, value: number) {
      super()
      if (typeof value !== "number") throw new TypeError(`${name}: value must be a number, got ${valueText(value)}`)
      this.padding = sides(name, given, rank)
      this.value = value
    }

    override forward(input: Tensor): Tensor {
      return pad(input, this.padding, "constant", this.value)
    }

    override extraRepr(): string {
      return `padding=${python(this.padding)}, value=${python(this.value)}`
    }
  }
}

/**
 * Puts zeros around the last dim: as many elements on each side as `padding` says, one number for all or 2 of them, the
 * last dim's first.
 */
export class ZeroPad1d extends padding("ZeroPad1d", 1, "constant") {}
/**
 * Puts zeros around the last two dims: as many elements on each side as `padding` says, one number for all or 4 of
 * them, the last dim's first.
 */
export class ZeroPad2d extends padding("ZeroPad2d", 2, "constant") {}
/**
 * Puts zeros around the last three dims: as many elements on each side as `padding` says, one number for all or 6 of
 * them, the last dim's first.
 */
export class ZeroPad3d extends padding("ZeroPad3d", 3, "constant") {}
/**
 * Puts `value` around the last dim: as many elements on each side as `padding` says, one number for all or 2 of them,
 * the last dim's first.
 */
export class ConstantPad1d extends constantPadding("ConstantPad1d", 1) {}
/**
 * Puts `value` around the last two dims: as many elements on each side as `padding` says, one number for all or 4 of
 * them, the last dim's first.
 */
export class ConstantPad2d extends constantPadding("ConstantPad2d", 2) {}
/**
 * Puts `value` around the last three dims: as many elements on each side as `padding` says, one number for all or 6 of
 * them, the last dim's first.
 */
export class ConstantPad3d extends constantPadding("ConstantPad3d", 3) {}
/**
 * Puts the input mirrored at its edge, which is not repeated, around the last dim: as many elements on each side as
 * `padding` says, one number for all or 2 of them, the last dim's first.
 */
export class ReflectionPad1d extends padding("ReflectionPad1d", 1, "reflect") {}
/**
 * Puts the input mirrored at its edge, which is not repeated, around the last two dims: as many elements on each side
 * as `padding` says, one number for all or 4 of them, the last dim's first.
 */
export class ReflectionPad2d extends padding("ReflectionPad2d", 2, "reflect") {}
/**
 * Puts the input mirrored at its edge, which is not repeated, around the last three dims: as many elements on each side
 * as `padding` says, one number for all or 6 of them, the last dim's first.
 */
export class ReflectionPad3d extends padding("ReflectionPad3d", 3, "reflect") {}
/**
 * Puts the nearest element of the edge around the last dim: as many elements on each side as `padding` says, one number
 * for all or 2 of them, the last dim's first.
 */
export class ReplicationPad1d extends padding("ReplicationPad1d", 1, "replicate") {}
/**
 * Puts the nearest element of the edge around the last two dims: as many elements on each side as `padding` says, one
 * number for all or 4 of them, the last dim's first.
 */
export class ReplicationPad2d extends padding("ReplicationPad2d", 2, "replicate") {}
/**
 * Puts the nearest element of the edge around the last three dims: as many elements on each side as `padding` says, one
 * number for all or 6 of them, the last dim's first.
 */
export class ReplicationPad3d extends padding("ReplicationPad3d", 3, "replicate") {}
/**
 * Puts the input again, as if it went round, around the last dim: as many elements on each side as `padding` says, one
 * number for all or 2 of them, the last dim's first.
 */
export class CircularPad1d extends padding("CircularPad1d", 1, "circular") {}
/**
 * Puts the input again, as if it went round, around the last two dims: as many elements on each side as `padding` says,
 * one number for all or 4 of them, the last dim's first.
 */
export class CircularPad2d extends padding("CircularPad2d", 2, "circular") {}
/**
 * Puts the input again, as if it went round, around the last three dims: as many elements on each side as `padding`
 * says, one number for all or 6 of them, the last dim's first.
 */
export class CircularPad3d extends padding("CircularPad3d", 3, "circular") {}
