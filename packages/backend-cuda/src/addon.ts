/** Finds the native addon: a package of its own for each platform, of which the installer takes this machine's. */
import { createRequire } from "node:module"
import type { Addon } from "./driver.ts"
import { type Platform, packageFor, platformHere } from "./platform.ts"

const fromHere = createRequire(import.meta.url)

const reasonOf = (error: unknown): string => (error as Error).message.split("\n")[0]

/**
 * The addon's file for a platform.
 *
 * @throws Error where its package is missing, with the command that repairs it.
 */
export function addonFile(
  platform: Platform = platformHere(),
  resolve: (name: string) => string = fromHere.resolve,
): string {
  const name = packageFor(platform)
  try {
    return resolve(name)
  } catch (error) {
    throw new Error(
      `cuda: the package ${name} is missing, which has the native part for this machine. It is an optional dependency of @taeda/backend-cuda: the installation left such out, or was made on another platform. Repair it with: npm install ${name}`,
      { cause: error },
    )
  }
}

/**
 * Loads the addon.
 *
 * @throws Error where it does not load on this machine.
 */
export function loadAddon(file: string): Addon {
  try {
    return fromHere(file) as Addon
  } catch (error) {
    throw notLoaded(file, reasonOf(error), error)
  }
}

/** The error that an addon which does not load is told by. */
export function notLoaded(file: string, reason: string, cause?: unknown): Error {
  return new Error(
    `cuda: the native part does not load on this machine (${reason}). On Linux it needs glibc 2.28 (RHEL 8, Debian 10, Ubuntu 20.04) or musl 1.2, whichever ${file} was built for; delete node_modules and install again if it was copied from another machine.`,
    { cause },
  )
}
