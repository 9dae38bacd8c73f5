/** What the driver's errors are told as: which kernel was refused, and what is left of a device that an error took down. */
import type { CudaContext } from "./driver.ts"
import { cudaErrorOf, DeviceLostError, libraryErrorOf } from "./errors.ts"

export class Loss {
  private readonly context: CudaContext
  private readonly device: string
  private lost: DeviceLostError | null = null
  /** Names the kernel that was launched last; null where none was since the device was waited for. */
  lastLaunched: (() => string) | null = null

  /** `device` is what errors call it: "cuda:0". */
  constructor(context: CudaContext, device: string) {
    this.context = context
    this.device = device
  }

  get isLost(): boolean {
    return this.lost !== null || this.context.isLost()
  }

  /** @throws DeviceLostError if the device was lost. */
  checkPresent(): void {
    if (this.lost) throw this.lost
  }

  /** What an error of `doing` is told as. */
  told(error: unknown, doing: string): unknown {
    const said = cudaErrorOf(error)
    if (!said) {
      const theirs = libraryErrorOf(error)
      return theirs ? new Error(`cuda: ${doing} was refused: ${theirs.message}`, { cause: theirs }) : error
    }
    if (!this.context.isLost()) return new Error(`cuda: ${doing} was refused: ${said.message}`, { cause: said })
    this.lost ??= new DeviceLostError(
      `cuda: ${this.device} was lost: ${said.message}. It was noticed in ${doing}; ${this.suspects()} The values of all tensors on it are gone with it: await open(${JSON.stringify(this.device)}) opens it anew, and the tensors have to be made again.`,
      { cause: said },
    )
    return this.lost
  }

  private suspects(): string {
    if (!this.lastLaunched) return "no kernel was launched since the device was last waited for."
    return `the error came of that, or of what was launched before since the device was last waited for, of which the last was ${this.lastLaunched()}.`
  }

  /** Runs `body`; `doing` says what for. */
  guard<T>(doing: string, body: () => T): T {
    this.checkPresent()
    try {
      return body()
    } catch (error) {
      throw this.told(error, doing)
    }
  }

  async guardAsync<T>(doing: string, body: () => Promise<T>): Promise<T> {
    this.checkPresent()
    try {
      return await body()
    } catch (error) {
      throw this.told(error, doing)
    }
  }
}
