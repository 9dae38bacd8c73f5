/** Writes the command into the package `taeda`, whose bin loads it from there. */
import { join } from "node:path"
import { bundleCommand } from "./bundle.ts"

await bundleCommand(join(import.meta.dirname, "..", "..", "..", "packages", "taeda", "dist", "cli"))
