/** Where and in which dtype a layer makes its parameters. */
import { type Device, type DType, empty, ones, Parameter, zeros } from "@taeda/core"

export interface Placement {
  /** The device; by default the default device. */
  device: string | Device | null
  /** The dtype; by default the default float. */
  dtype: DType | null
}

/** A parameter that is still to be filled. */
export const emptyParameter = (size: readonly number[], placement: Partial<Placement>): Parameter =>
  new Parameter(empty(size, placement))
export const onesParameter = (size: readonly number[], placement: Partial<Placement>): Parameter =>
  new Parameter(ones(size, placement))
export const zerosParameter = (size: readonly number[], placement: Partial<Placement>): Parameter =>
  new Parameter(zeros(size, placement))
