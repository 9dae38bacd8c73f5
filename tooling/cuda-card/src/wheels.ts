/** NVIDIA's libraries as PyTorch's wheels bring them, each in a folder of its own: together in one, where taeda finds them. */
import { spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, symlinkSync } from "node:fs"
import { join, resolve } from "node:path"

const SCRIPT = `
import glob, os, nvidia
for root in nvidia.__path__:
    for folder in glob.glob(os.path.join(root, "*", "lib")):
        print(folder)
`

/** The folders of a Python's packages that have NVIDIA's libraries; none where it has no such packages. */
export function wheelFolders(python: string): string[] {
  const { status, stdout } = spawnSync(python, ["-c", SCRIPT], { encoding: "utf8", timeout: 30_000 })
  return status === 0 ? stdout.split("\n").filter(Boolean) : []
}

/** Links what is in the folders into a new one. Gives its path; undefined where there is no cuBLASLt among it. */
export function linkLibraries(folders: readonly string[], to: string): string | undefined {
  const files = new Map(
    folders.flatMap((folder) =>
      readdirSync(folder)
        .filter((file) => /\.so(\.|$)/.test(file))
        .map((file) => [file, join(folder, file)]),
    ),
  )
  if (![...files.keys()].some((file) => file.startsWith("libcublasLt.so"))) return undefined
  mkdirSync(to, { recursive: true })
  for (const [file, from] of files) symlinkSync(from, join(to, file))
  return resolve(to)
}
