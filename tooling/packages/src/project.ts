/** A fresh project, as a person who knows nothing of this repository has it. */
import { existsSync, realpathSync } from "node:fs"
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { command } from "./command.ts"
import { HOST_NODE, type Manifest } from "./places.ts"

/** What projects of a person share: the home, with caches of package managers, and the commands. */
export interface Person extends AsyncDisposable {
  readonly home: string
  /** The whole environment of what runs there. */
  readonly env: Readonly<Record<string, string>>
}

/** Where a command is that is found by the PATH. */
function commandPath(name: string): string {
  const file = (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync)
  if (!file) throw new Error(`there is no ${name} in the PATH`)
  return realpathSync(file)
}

/** Node and npm, and what they start themselves; nothing else. */
async function linkCommands(bin: string): Promise<void> {
  await mkdir(bin)
  await symlink(HOST_NODE, join(bin, "node"))
  for (const name of ["npm", "npx"]) await symlink(commandPath(name), join(bin, name))
  // Installers start shell scripts and look into archives.
  for (const name of ["sh", "env", "uname", "ldd", "getconf", "tar", "gzip"])
    if (existsSync(`/bin/${name}`) || existsSync(`/usr/bin/${name}`)) await symlink(commandPath(name), join(bin, name))
}

/** A person with an empty home, whose package managers use a registry. */
export async function newPerson(registry: string): Promise<Person> {
  const home = await mkdtemp(join(tmpdir(), "taeda-person-"))
  const bin = join(home, "bin")
  await linkCommands(bin)
  // npm, pnpm, Bun and Deno read the first, yarn the others.
  await writeFile(
    join(home, ".npmrc"),
    `registry=${registry}\naudit=false\nfund=false\nupdate-notifier=false\nomit-lockfile-registry-resolved=false\n`,
  )
  return {
    home,
    env: { PATH: bin, HOME: home, TMPDIR: tmpdir(), npm_config_registry: registry, NO_COLOR: "1" },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true, maxRetries: 3 }),
  }
}

export class Project {
  readonly folder: string
  readonly env: Person["env"]

  private constructor(folder: string, env: Person["env"]) {
    this.folder = folder
    this.env = env
  }

  /** An empty one, of ES modules. */
  static async create(person: Person, manifest: Readonly<Record<string, unknown>> = {}): Promise<Project> {
    const project = new Project(await mkdtemp(join(person.home, "project-")), person.env)
    await project.write({ "package.json": JSON.stringify({ private: true, type: "module", ...manifest }) })
    return project
  }

  /** Writes files by their paths in the project. */
  async write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.folder, path)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    }
  }

  /** Runs a command there and resolves to what it wrote to stdout. */
  run(file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    return command(file, args, { cwd: this.folder, env: { ...this.env, ...env } })
  }

  /** Installs with npm, from the registry. */
  async install(...packages: readonly string[]): Promise<void> {
    await this.run("npm", ["install", ...packages])
  }
}

export type { Manifest }
