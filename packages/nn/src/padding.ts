/** Padding of the last dims. */
import { type PadMode, pad, type Tensor, valueText } from "@taeda/core"
import { Module } from "./module.ts"
import { python } from "./repr.ts"
import type { Layer, Open } from "./types/layer.ts"
import type { PadRule } from "./types/rules.ts"

/** A number for all sides, or [left, right, top, bottom, front, back] as far as the dims go. */
export type Padding = number | readonly number[]

type Rank = 1 | 2 | 3

/** A class of layers that pad the last N dims, and know by how much. */
interface PadClass<N extends Rank, Mode extends PadMode> {
  new <const P extends Padding>(padding: P): Layer<PadRule<N, Mode>, [P]> & { padding: readonly number[] }
}

function sides(name: string, padding: unknown, rank: number): number[] {
  const list = Array.isArray(padding) ? padding : new Array<unknown>(2 * rank).fill(padding)
  if (list.length !== 2 * rank || list.some((p) => !Number.isInteger(p)))
    throw new RangeError(
      `${name}: padding must be an integer or ${2 * rank} of them, got ${Array.isArray(padding) ? python(padding) : valueText(padding)}`,
    )
  return list as number[]
}

function padding<N extends Rank, Mode extends PadMode>(name: string, rank: N, mode: Mode): PadClass<N, Mode> {
  class Padded extends Module<(input: Tensor) => Tensor> {
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
  return Padded as unknown as PadClass<N, Mode>
}

interface ConstantPadClass<N extends Rank> {
  new <const P extends Padding>(
    padding: P,
    value: number,
  ): Layer<PadRule<N, "constant">, [P]> & { padding: readonly number[]; value: number }
}

function constantPadding<N extends Rank>(name: string, rank: N): ConstantPadClass<N> {
  class Padded extends Module<(input: Tensor) => Tensor> {
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
  return Padded as unknown as ConstantPadClass<N>
}

/**
 * Puts zeros around the last dim: as many elements on each side as `padding` says, one number for all or 2 of them, the
 * last dim's first.
 */
export class ZeroPad1d<const P extends Padding = Open> extends padding("ZeroPad1d", 1, "constant")<P> {}
/**
 * Puts zeros around the last two dims: as many elements on each side as `padding` says, one number for all or 4 of
 * them, the last dim's first.
 */
export class ZeroPad2d<const P extends Padding = Open> extends padding("ZeroPad2d", 2, "constant")<P> {}
/**
 * Puts zeros around the last three dims: as many elements on each side as `padding` says, one number for all or 6 of
 * them, the last dim's first.
 */
export class ZeroPad3d<const P extends Padding = Open> extends padding("ZeroPad3d", 3, "constant")<P> {}
/**
 * Puts `value` around the last dim: as many elements on each side as `padding` says, one number for all or 2 of them,
 * the last dim's first.
 */
export class ConstantPad1d<const P extends Padding = Open> extends constantPadding("ConstantPad1d", 1)<P> {}
/**
 * Puts `value` around the last two dims: as many elements on each side as `padding` says, one number for all or 4 of
 * them, the last dim's first.
 */
export class ConstantPad2d<const P extends Padding = Open> extends constantPadding("ConstantPad2d", 2)<P> {}
/**
 * Puts `value` around the last three dims: as many elements on each side as `padding` says, one number for all or 6 of
 * them, the last dim's first.
 */
export class ConstantPad3d<const P extends Padding = Open> extends constantPadding("ConstantPad3d", 3)<P> {}
/**
 * Puts the input mirrored at its edge, which is not repeated, around the last dim: as many elements on each side as
 * `padding` says, one number for all or 2 of them, the last dim's first.
 */
export class ReflectionPad1d<const P extends Padding = Open> extends padding("ReflectionPad1d", 1, "reflect")<P> {}
/**
 * Puts the input mirrored at its edge, which is not repeated, around the last two dims: as many elements on each side
 * as `padding` says, one number for all or 4 of them, the last dim's first.
 */
export class ReflectionPad2d<const P extends Padding = Open> extends padding("ReflectionPad2d", 2, "reflect")<P> {}
/**
 * Puts the input mirrored at its edge, which is not repeated, around the last three dims: as many elements on each side
 * as `padding` says, one number for all or 6 of them, the last dim's first.
 */
export class ReflectionPad3d<const P extends Padding = Open> extends padding("ReflectionPad3d", 3, "reflect")<P> {}
/**
 * Puts the nearest element of the edge around the last dim: as many elements on each side as `padding` says, one number
 * for all or 2 of them, the last dim's first.
 */
export class ReplicationPad1d<const P extends Padding = Open> extends padding("ReplicationPad1d", 1, "replicate")<P> {}
/**
 * Puts the nearest element of the edge around the last two dims: as many elements on each side as `padding` says, one
 * number for all or 4 of them, the last dim's first.
 */
export class ReplicationPad2d<const P extends Padding = Open> extends padding("ReplicationPad2d", 2, "replicate")<P> {}
/**
 * Puts the nearest element of the edge around the last three dims: as many elements on each side as `padding` says, one
 * number for all or 6 of them, the last dim's first.
 */
export class ReplicationPad3d<const P extends Padding = Open> extends padding("ReplicationPad3d", 3, "replicate")<P> {}
/**
 * Puts the input again, as if it went round, around the last dim: as many elements on each side as `padding` says, one
 * number for all or 2 of them, the last dim's first.
 */
export class CircularPad1d<const P extends Padding = Open> extends padding("CircularPad1d", 1, "circular")<P> {}
/**
 * Puts the input again, as if it went round, around the last two dims: as many elements on each side as `padding` says,
 * one number for all or 4 of them, the last dim's first.
 */
export class CircularPad2d<const P extends Padding = Open> extends padding("CircularPad2d", 2, "circular")<P> {}
/**
 * Puts the input again, as if it went round, around the last three dims: as many elements on each side as `padding`
 * says, one number for all or 6 of them, the last dim's first.
 */
export class CircularPad3d<const P extends Padding = Open> extends padding("CircularPad3d", 3, "circular")<P> {}
