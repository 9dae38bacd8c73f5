/** `build.mjs TARGET FOLDER` puts the addon for a target into the folder of its package; `--all` builds all, and says how large. */

import { copyFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { buildAddon } from "./build.ts"
import { TARGETS, targetNamed } from "./targets.ts"

const [name, folder] = process.argv.slice(2)

if (name === "--all") {
  for (const target of TARGETS) {
    const began = performance.now()
    const { size } = statSync(await buildAddon(target))
    console.log(`${target.name}: ${(size / 1024).toFixed(0)} KiB, ${((performance.now() - began) / 1000).toFixed(0)} s`)
  }
} else if (name && folder) {
  copyFileSync(await buildAddon(targetNamed(name)), join(folder, "taeda-cuda.node"))
} else {
  console.error(`usage: build.mjs TARGET FOLDER | --all; targets: ${TARGETS.map((t) => t.name).join(", ")}`)
  process.exitCode = 2
}
