/** How a launch is planned: what is known of its operands, what goes into its frame, and its units of work. */

/** An operand whose buffer has been found: the byte address of its first element; strides count elements. */
export interface PlacedOperand {
  readonly address: number
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
}

/** How a launch is done. */
export interface LaunchPlan {
  /** Integers to be written into the frame's first 8-byte slots; what an epilogue needs of its own stands behind them. */
  readonly slots: readonly number[]
  /** The slot of each operand's address: nothing else of a plan depends on the addresses. */
  readonly addresses: readonly number[]
  /** How many independent units of work there are. */
  readonly units: number
  /** How many units a thread had better claim at once. */
  readonly grain: number
}

/** Work that is worth a claim, in multiplications. */
const WORTHWHILE = 1 << 18

/** How many units of so many multiplications a thread had better claim at once. */
export const grainOf = (multiplicationsPerUnit: number): number =>
  Math.max(1, Math.floor(WORTHWHILE / Math.max(1, multiplicationsPerUnit)))
