/** A backend under test: decorated so that stray writes and leaks show, and made the default device while a check runs. */

import { type Backend, type Device, deviceOf, scope, withDevice } from "@taeda/core"
import { counted } from "./decorators/counted.ts"
import { guarded } from "./decorators/guarded.ts"

export interface Session {
  readonly backend: Backend
  readonly device: Device
  /** Runs a body on the device and resolves to what went wrong: what it says, what it throws, and what it left behind. */
  run(body: () => Promise<readonly string[]>): Promise<string[]>
}

/** An error in one line, for a report. */
const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)

export function openSession(backend: Backend): Session {
  const guard = guarded(backend)
  const count = counted(guard)
  const device = deviceOf(count, backend.name)
  return {
    backend,
    device,
    async run(body) {
      const problems: string[] = []
      const before = count.live()
      try {
        problems.push(...(await withDevice(device, () => scope(body))))
        await count.synchronize()
      } catch (error) {
        problems.push(messageOf(error))
      }
      problems.push(...(await guard.verify()))
      const after = count.live()
      if (after.asked > before.asked) problems.push(`${after.asked - before.asked} buffers were not freed`)
      else if (after.held > before.held)
        problems.push(`the backend holds ${after.held - before.held} more live buffers after everything was freed`)
      return problems
    },
  }
}
