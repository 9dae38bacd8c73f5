/** Indices outside of a tensor, found while a kernel ran, as errors of the op that launched it. */
import { KernelFault } from "./backend.ts"

/**
 * Runs `body`; a fault of one of its kernels becomes a RangeError in PyTorch's words that names the op and, as `operands`
 * says them, its tensors; `dim` is the dim that the index speaks of, where the kernel sees it alone. Where reads are not synchronous the fault comes later, with the next read, and is not seen here.
 */
export function withIndexErrors<T>(op: string, operands: () => string, body: () => T, dim?: number): T {
  try {
    return body()
  } catch (error) {
    if (!(error instanceof KernelFault)) throw error
    const plain = error.message.replace(/ \(operand \d+\)$/, "")
    const where = dim === undefined ? plain : plain.replace(/dimension \d+/, `dimension ${dim}`)
    throw new RangeError(`${op}: ${where} (${operands()})`, { cause: error })
  }
}
