/** Launches as the addon reads them: numbers written into memory that it shares (`Command` in native/context.h), and one call. */
import type { CudaContext } from "./driver.ts"
import { MOST_PARAM_BYTES } from "./pack.ts"

const MOST_POINTERS = MOST_PARAM_BYTES / 8
/** Doubles before those of the pointers, and of each of these. */
const HEAD = 6
const POINTER = 4
const PARAMETERS_AT = 8 * (HEAD + POINTER * MOST_POINTERS)

export class Command {
  private readonly context: CudaContext
  private readonly numbers: Float64Array
  private readonly words: Uint32Array

  constructor(context: CudaContext) {
    this.context = context
    this.numbers = new Float64Array(context.command, 0, HEAD + POINTER * MOST_POINTERS)
    this.words = new Uint32Array(context.command, PARAMETERS_AT, MOST_PARAM_BYTES / 4)
  }

  /** Which kernel, in how many blocks. `parameters`: the words of its block behind the addresses of so many pointers. */
  kernel(
    kernel: number,
    [x, y, z]: readonly [number, number, number],
    pointers: number,
    parameters: Uint32Array,
  ): void {
    const { numbers, words } = this
    const { length } = parameters
    numbers[0] = kernel
    numbers[1] = x
    numbers[2] = y
    numbers[3] = z
    numbers[4] = 8 * pointers + 4 * length
    numbers[5] = pointers
    for (let i = 0, at = 2 * pointers; i < length; i++) words[at + i] = parameters[i]
  }

  /** What pointer `i` is: a memory, where in it it begins, and the bytes from which up to which the kernel may touch it. */
  pointer(i: number, memory: number, begin: number, low: number, high: number): void {
    const { numbers } = this
    const at = HEAD + POINTER * i
    numbers[at] = memory
    numbers[at + 1] = begin
    numbers[at + 2] = low
    numbers[at + 3] = high
  }

  launch(): void {
    this.context.launchCommand()
  }
}
