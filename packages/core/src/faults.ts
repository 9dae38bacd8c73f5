/** Faults of kernels (values that they may not meet, found while they run) as errors of the op that launched them. */
import { KernelFault } from "./backend.ts"

/**
 * Runs `body`; a fault of one of its kernels becomes a RangeError with what `message` makes of the kernel's own words.
 * Where reads are not synchronous the fault comes later, with the next read, and is not seen here.
 */
export function withFaults<T>(message: (fault: string) => string, body: () => T): T {
  try {
    return body()
  } catch (error) {
    if (!(error instanceof KernelFault)) throw error
    throw new RangeError(message(error.message), { cause: error })
  }
}

/**
 * `withFaults` for indices outside of a tensor, in PyTorch's words: names the op and, as `operands` says them, its tensors.
 * `dim` is the dim that the index speaks of, where the kernel sees it alone.
 */
export function withIndexErrors<T>(op: string, operands: () => string, body: () => T, dim?: number): T {
  return withFaults((fault) => {
    const plain = fault.replace(/ \(operand \d+\)$/, "")
    const where = dim === undefined ? plain : plain.replace(/dimension \d+/, `dimension ${dim}`)
    return `${op}: ${where} (${operands()})`
  }, body)
}
