/**
 * `build.mjs TARGET FOLDER` puts the addon for a target into the folder of its package. `build.mjs --all` builds all, and
 * says how large they are and what they need. Both fail where an addon is not what its target promises. `build.mjs
 * --checked` builds the one for this machine with checks for undefined behaviour, and prints its path, for
 * TAEDA_CUDA_ADDON in tests; `--address` with checks of addresses as well, and prints too what LD_PRELOAD must be.
 */

import { copyFileSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { addressRuntime, buildAddon } from "./build.ts"
import { needsOf, problemsOf } from "./inspect.ts"
import { TARGETS, type Target, targetHere, targetNamed } from "./targets.ts"

/** The path of a target's addon. @throws Error where it is not what it should be. */
async function checkedAddon(target: Target): Promise<string> {
  const file = await buildAddon(target)
  const problems = problemsOf(target, readFileSync(file))
  if (problems.length > 0) throw new Error(`the addon for ${target.name} is no good: ${problems.join("; ")}`)
  return file
}

async function report(target: Target): Promise<void> {
  const began = performance.now()
  const bytes = readFileSync(await checkedAddon(target))
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  console.log(
    `${target.name}: ${(bytes.length / 1024).toFixed(0)} KiB in ${seconds} s; needs ${needsOf(target, bytes)}`,
  )
}

const [name, folder] = process.argv.slice(2)

if (name === "--all") for (const target of TARGETS) await report(target)
else if (name === "--checked") console.log(await buildAddon(targetHere(), "undefined"))
else if (name === "--address") console.log(`${await buildAddon(targetHere(), "address")}\n${addressRuntime()}`)
else if (name && folder) copyFileSync(await checkedAddon(targetNamed(name)), join(folder, "taeda-cuda.node"))
else {
  console.error(
    `usage: build.mjs TARGET FOLDER | --all | --checked | --address; targets: ${TARGETS.map((t) => t.name).join(", ")}`,
  )
  process.exitCode = 2
}
