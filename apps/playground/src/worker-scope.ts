/** The inside of a worker, with its messages typed. */

export interface WorkerScope<In, Out> {
  onmessage: ((event: { readonly data: In }) => void) | null
  postMessage(message: Out, transfer?: Transferable[]): void
  close(): void
}

/** This worker's global scope. */
export const workerScope = <In, Out>(): WorkerScope<In, Out> => globalThis as unknown as WorkerScope<In, Out>

/** The next task: messages that have come are heard before. Timers would be held back by 4 ms. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}

/** An error in one line, as a person reads it. */
export const errorText = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : `Error: ${String(error)}`
