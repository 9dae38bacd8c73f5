/** Errors that a device tells of later: kept until somebody waits for the device, who is told. */
import { KernelFault, OutOfMemoryError } from "@taeda/core"
import type { ErrorFilter, GpuDevice, GpuErrorEvent } from "./gpu.ts"

/** Something went wrong inside of WebGPU; the message names the kernel. */
export class WebGpuError extends Error {
  override name = "WebGpuError"
}

const ERRORS: Readonly<Record<ErrorFilter, (doing: string, said: string) => Error>> = {
  validation: (doing, said) => new WebGpuError(`webgpu: ${doing} was refused: ${said}`),
  internal: (doing, said) => new WebGpuError(`webgpu: ${doing} failed inside of the driver: ${said}`),
  "out-of-memory": (doing, said) => new OutOfMemoryError(`webgpu: ${doing} found no memory: ${said}`),
}

export class DeviceErrors {
  private readonly device: GpuDevice
  /** The first error of something that was named; only then what came of it is of no interest. */
  private first: Error | null = null
  private uncaptured: Error | null = null
  private lost: Error | null = null
  private readonly scopes = new Set<Promise<void>>()

  constructor(device: GpuDevice) {
    this.device = device
    device.addEventListener("uncapturederror", (event: GpuErrorEvent) => {
      event.preventDefault?.()
      this.uncaptured ??= ERRORS.validation("a command", event.error.message)
    })
    device.lost.then(({ reason, message }) => {
      if (reason === "destroyed") return
      this.lost = new WebGpuError(
        `webgpu: the device was lost (${message || reason || "no reason given"}), and with it the values of all tensors on it. Open a new one and make the tensors again: drivers that were updated or reset, a machine that slept, and kernels that ran for too long are common causes.`,
      )
    })
  }

  /** Runs `body`, and remembers what the device will say of it. `doing` is how a message begins. */
  scoped<T>(filter: ErrorFilter, doing: () => string, body: () => T): T {
    this.device.pushErrorScope(filter)
    try {
      return body()
    } finally {
      const scope = this.device.popErrorScope().then(
        (error) => {
          if (error) this.first ??= ERRORS[filter](doing(), error.message)
        },
        // A lost device says so itself.
        () => {},
      )
      this.scopes.add(scope)
      scope.finally(() => this.scopes.delete(scope))
    }
  }

  get isLost(): boolean {
    return this.lost !== null
  }

  /** @throws Error if the device was lost. */
  checkPresent(): void {
    if (this.lost) throw this.lost
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
