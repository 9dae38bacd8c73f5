/** Errors that a device tells of later: kept until somebody waits for the device, who is told. */
import { HOW_TO_FREE, KernelFault, OutOfMemoryError } from "@taeda/core"
import type { ErrorFilter, GpuDevice, GpuErrorEvent } from "./gpu.ts"

/** Something went wrong inside of WebGPU; the message names the kernel. */
export class WebGpuError extends Error {
  override name = "WebGpuError"
}

const ERRORS: Readonly<Record<ErrorFilter, (doing: string, said: string) => Error>> = {
  validation: (doing, said) => new WebGpuError(`webgpu: ${doing} was refused: ${said.trim()}`),
  internal: (doing, said) => new WebGpuError(`webgpu: ${doing} failed inside of the driver: ${said.trim()}`),
  // Dawn goes on with where it was.
  "out-of-memory": (doing, said) =>
    new OutOfMemoryError(`webgpu: ${doing} found no memory: ${said.split("\n")[0]}. ${HOW_TO_FREE}`),
}

/** The classes of WebGPU's errors, which are globals in browsers only. */
const FILTER_OF: Readonly<Record<string, ErrorFilter>> = {
  GPUInternalError: "internal",
  GPUOutOfMemoryError: "out-of-memory",
}

const CAUSES =
  "Drivers that were updated or reset, a machine that slept, and kernels that ran for too long are common causes."

/** What was done, and what the device says of it later. */
export interface Asked<T> {
  readonly value: T
  readonly told: Promise<Error | null>
}

/** How often a device is asked: a question takes about a tenth of a millisecond. */
const QUESTIONS = 16

export class DeviceErrors {
  private readonly device: GpuDevice
  /** The first error of something that was named; only then what came of it is of no interest. */
  private first: Error | null = null
  private uncaptured: Error | null = null
  private lost: Error | null = null
  private closed = false
  /** Resolves when the device has gone away. */
  private readonly gone: Promise<void>
  private readonly scopes = new Set<Promise<void>>()

  constructor(device: GpuDevice) {
    this.device = device
    device.addEventListener("uncapturederror", (event: GpuErrorEvent) => {
      event.preventDefault?.()
      const filter = FILTER_OF[event.error.constructor.name] ?? "validation"
      this.uncaptured ??= ERRORS[filter]("a command", event.error.message)
    })
    this.gone = device.lost.then(({ reason, message }) => {
      this.lost = new WebGpuError(
        this.closed
          ? "webgpu: the backend was disposed before this was done"
          : `webgpu: the device was lost (${message.trim() || reason || "no reason given"}), and with it the values of all tensors on it. Open a new one (await setDefaultDevice("webgpu")) and make the tensors again. ${CAUSES}`,
      )
    })
  }

  /** From now on the device goes away because it is no longer wanted. */
  close(): void {
    this.closed = true
  }

  /** Runs `body`; `told` resolves to what the device has to say of it, if anything. `doing` is how a message begins. */
  ask<T>(filter: ErrorFilter, doing: () => string, body: () => T): Asked<T> {
    const told = (): Promise<Error | null> =>
      this.device.popErrorScope().then(
        (error) => error && ERRORS[filter](doing(), error.message),
        // A lost device says so itself.
        () => null,
      )
    this.device.pushErrorScope(filter)
    try {
      const value = body()
      return { value, told: told() }
    } catch (error) {
      void told()
      throw error
    }
  }

  /** Runs `body`, and remembers what the device will say of it. `failed` is told the error. */
  scoped<T>(filter: ErrorFilter, doing: () => string, body: () => T, failed?: (error: Error) => void): T {
    const { value, told } = this.ask(filter, doing, body)
    const scope = told.then((error) => {
      if (!error) return
      this.first ??= error
      failed?.(error)
    })
    this.scopes.add(scope)
    scope.finally(() => this.scopes.delete(scope))
    return value
  }

  /**
   * The promise, whose device is asked for news a few times until it is kept. Chromium looks whether work is done when it is
   * asked anything, and else every few milliseconds, which short work does not take.
   */
  async soon(work: Promise<void>): Promise<void> {
    let pending = true
    const kept = work.finally(() => {
      pending = false
    })
    const ask = async (): Promise<void> => {
      for (let times = 0; pending && times < QUESTIONS; times++) {
        this.device.pushErrorScope("validation")
        await this.device.popErrorScope()
      }
    }
    // A lost device answers the work itself.
    ask().catch(() => {})
    await kept
  }

  get isLost(): boolean {
    return this.lost !== null && !this.closed
  }

  /** @throws Error if the device was lost. */
  checkPresent(): void {
    if (this.lost) throw this.lost
  }

  /** Why the device refused to be waited for: what it has to say of everything so far, or else what it said now. */
  async explain(doing: string, refusal: Error): Promise<Error> {
    try {
      // A device that goes away refuses what is pending first, and only then says that it is lost.
      if (refusal.name === "AbortError") await this.gone
      await this.settle()
    } catch (error) {
      return error as Error
    }
    return new WebGpuError(`webgpu: ${doing} was refused: ${refusal.message}`, { cause: refusal })
  }

  /** Waits for what the device has to say of everything so far. */
  async settle(): Promise<void> {
    await Promise.all(this.scopes)
    this.checkPresent()
    const error = this.first ?? this.uncaptured
    this.first = this.uncaptured = null
    if (error) throw error
  }
}

/** The error that the words of the faults' buffer tell of; undefined where there is none. `nameOf` names kernels by number. */
export function faultIn(words: Uint32Array, nameOf: (kernel: number) => string): KernelFault | undefined {
  if (words[0] === 0) return undefined
  const [, operand, dim, coordinate, size, kernel] = words
  return new KernelFault(
    `index ${coordinate | 0} is out of bounds for dimension ${dim} with size ${size} (operand ${operand} of ${nameOf(kernel)})`,
  )
}
