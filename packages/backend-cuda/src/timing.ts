/** Points in a device's work, and the time between them. */
import type { CudaContext, DriverEvent } from "./driver.ts"

/** PyTorch's `torch.cuda.Event`. */
export class CudaEvent {
  private readonly context: CudaContext
  private readonly event: DriverEvent

  constructor(context: CudaContext) {
    this.context = context
    this.event = context.createEvent()
  }

  /** Marks the point that the device's work is at: after everything that was launched so far. */
  record(): void {
    this.context.record(this.event)
  }

  /** Whether the device has passed the point; true where none was recorded. */
  query(): boolean {
    return this.context.isDone(this.event)
  }

  /** Waits, blocking, until the device has passed the point. */
  synchronize(): void {
    this.context.waitFor(this.event)
  }

  /** Milliseconds from this point to another, both of which the device must have passed. */
  elapsedTime(end: CudaEvent): number {
    return this.context.elapsed(this.event, end.event)
  }

  /** Gives the driver's event back; without that the garbage collector does. */
  dispose(): void {
    this.context.destroyEvent(this.event)
  }
}
