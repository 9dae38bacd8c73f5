/** The operating system that a browser names. */
import type { SystemChoice } from "@taeda/choices"

/** The first that fits: phones name Linux and macOS too. */
const SIGNS: readonly (readonly [RegExp, SystemChoice["name"]])[] = [
  [/Android|iPhone|iPad|CrOS/, "other"],
  [/Windows/, "windows"],
  [/Mac/, "macos"],
  [/Linux|X11/, "linux"],
]

export const systemOf = (userAgent: string): SystemChoice["name"] =>
  SIGNS.find(([sign]) => sign.test(userAgent))?.[1] ?? "other"
