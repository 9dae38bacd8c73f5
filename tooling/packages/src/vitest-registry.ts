/** vitest's global setup: one registry for all test files. */
import type { TestProject } from "vitest/node"
import { openRegistry } from "./registry.ts"

declare module "vitest" {
  interface ProvidedContext {
    registry: string
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const registry = await openRegistry()
  project.provide("registry", registry.url)
  return async () => registry[Symbol.asyncDispose]()
}
