/** Removes the current package's built files, so that what its sources no longer have does not stay published. */
import { rmSync } from "node:fs"

rmSync("dist", { recursive: true, force: true })
