/** The licences of the packages whose code is in a bundle. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, sep } from "node:path"

export interface Bundled {
  readonly name: string
  readonly version: string
  /** As an SPDX expression. */
  readonly license: string
  /** The text that comes with it. */
  readonly text: string
}

const FILE = /^(licen[cs]e|copying)/i

/** The folder of the package that a module belongs to. */
function folderOf(module: string): string {
  let folder = dirname(module)
  // A folder inside of a package may have a manifest that only says what its modules are.
  while (!existsSync(join(folder, "package.json")) || !manifestOf(folder).name) folder = dirname(folder)
  return folder
}

const manifestOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { name: string; version: string; license?: string }

/** The packages from the registry that the modules belong to, by name. @throws where one has no licence's text. */
export function packagesOf(modules: readonly string[]): Bundled[] {
  const foreign = modules.filter((id) => id.includes(`${sep}node_modules${sep}`))
  const folders = [...new Set(foreign.map(folderOf))]
  return folders
    .map((folder) => {
      const { name, version, license } = manifestOf(folder)
      const file = readdirSync(folder).find((each) => FILE.test(each))
      if (!license || !file) throw new Error(`${name}@${version} comes without a licence: it cannot be bundled`)
      return { name, version, license, text: readFileSync(join(folder, file), "utf8").trim() }
    })
    .sort((a, b) => a.name.localeCompare(b.name))
}

const RULE = "-".repeat(80)

/** The text that goes along with the bundle. */
export function licencesText(packages: readonly Bundled[]): string {
  const parts = packages.map(
    ({ name, version, license, text }) => `${RULE}\n${name} ${version} (${license})\n\n${text}`,
  )
  const head = "The command `taeda` contains code of these packages, under their licences:"
  return `${[head, ...parts].join("\n\n")}\n`
}
