/** Lets one through at a time, in the order in which they asked. */
export interface Turnstile {
  /** Resolves when it is the caller's turn, to what ends the turn; ending it again does nothing. */
  take(): Promise<() => void>
}

export function turnstile(): Turnstile {
  let last = Promise.resolve()
  return {
    async take() {
      const { promise, resolve } = Promise.withResolvers<void>()
      const before = last
      last = promise
      await before
      return resolve
    },
  }
}
