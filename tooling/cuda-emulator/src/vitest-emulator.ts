/** vitest's global setup of the emulator's own tests, so that it is built once and not by each of their files. */

import { buildRunner } from "./build.ts"

export async function setup(): Promise<void> {
  await buildRunner()
}
