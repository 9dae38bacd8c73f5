/** A project and a PATH of its own, on which package managers and nvidia-smi are small scripts that do as they are told. */
import { type ChildProcess, spawn } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join, relative } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

export const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url))
const ROOT = fileURLToPath(new URL("../../..", import.meta.url))
const WINDOWS = process.platform === "win32"

/** How a manager behaves. */
export type Behaviour =
  /** Adds packages to the manifest, writes a lockfile, and links the workspace's taeda. */
  | "installs"
  /** Likewise, but taeda is one whose device cuda has a native part that does not load. */
  | "installs-broken"
  /** Likewise, but its products are off by one. */
  | "installs-wrong"
  /** Likewise, but opening a device takes the process down. */
  | "installs-crashing"
  /** Writes half a manifest and half a lockfile, and then finds no network. */
  | "offline"
  /** Writes as much, and then waits. */
  | "hangs"
  /** Does, and does not listen when it is asked to end. */
  | "hangs-on"

const MANAGER = `
const fs = require("node:fs")
const path = require("node:path")
const [name, ...args] = process.argv.slice(2)
const { STAND_IN_LOG: log, STAND_IN_BEHAVIOUR: behaviour, STAND_IN_LIBRARY: library } = process.env
if (args[0] === "--version") {
  console.log({ yarn: "1.22.22" }[name] ?? "11.0.0")
  process.exit()
}
fs.appendFileSync(log, JSON.stringify([name, ...args]) + "\\n")
const lockfile = { npm: "package-lock.json", pnpm: "pnpm-lock.yaml", yarn: "yarn.lock", bun: "bun.lock", deno: "deno.lock" }[name]
const manifest = name === "deno" ? "deno.json" : "package.json"
const packages = args.slice(1).filter((arg) => !arg.startsWith("-")).map((arg) => arg.replace(/^npm:/, ""))
if (packages.length === 0) {
  console.log("tidied")
  process.exit()
}
if (/^(offline|hangs)/.test(behaviour)) {
  fs.writeFileSync(manifest, '{ "dependencies": { "tae')
  fs.writeFileSync(lockfile, '{ "lockfileVersion":')
  fs.mkdirSync("node_modules/.partial", { recursive: true })
}
if (behaviour === "offline") {
  console.error("npm error code ECONNREFUSED")
  console.error("npm error FetchError: request to http://127.0.0.1:9/taeda failed")
  process.exit(1)
}
if (behaviour.startsWith("hangs")) {
  if (behaviour === "hangs-on") for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => console.log("no"))
  fs.appendFileSync(log, JSON.stringify(["pid", process.pid]) + "\\n")
  setInterval(() => {
    if (behaviour === "hangs-on") fs.writeFileSync(lockfile, String(Date.now()))
  }, 20)
} else {
  const json = fs.existsSync(manifest) ? JSON.parse(fs.readFileSync(manifest, "utf8")) : {}
  json.dependencies = { ...json.dependencies, ...Object.fromEntries(packages.map((each) => [each, "^0.0.0"])) }
  fs.writeFileSync(manifest, JSON.stringify(json, null, 2))
  fs.writeFileSync(lockfile, JSON.stringify({ packages }))
  for (const each of packages) {
    const folder = path.join("node_modules", each)
    fs.mkdirSync(path.dirname(folder), { recursive: true })
    if (each === "taeda") fs.symlinkSync(library, folder, "junction")
    else {
      fs.mkdirSync(folder, { recursive: true })
      fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: each, version: "0.0.0" }))
    }
  }
  console.log("added " + packages.length + " packages")
}
`

const TAEDA = JSON.stringify(pathToFileURL(join(ROOT, "packages", "taeda", "src", "index.ts")).href)

/** Libraries that fail in ways that taeda's own does where a machine or an installation is bad. */
const LIBRARIES: Readonly<Partial<Record<Behaviour, string>>> = {
  "installs-broken": `
    export * from ${TAEDA}
    import { createRequire } from "node:module"
    import * as real from ${TAEDA}
    export async function setDefaultDevice(name) {
      if (name !== "cuda") return real.setDefaultDevice(name)
      try {
        createRequire(import.meta.url)("./broken.node")
      } catch (error) {
        throw new Error("cuda: the native part does not load on this machine (" + error.message + "). Delete node_modules and install again.")
      }
    }`,
  "installs-wrong": `
    export * from ${TAEDA}
    import { Tensor } from ${TAEDA}
    const { matmul } = Tensor.prototype
    Tensor.prototype.matmul = function (other) { return matmul.call(this, other).add(1) }`,
  "installs-crashing": `
    export * from ${TAEDA}
    export const setDefaultDevice = () => process.kill(process.pid, "SIGKILL")`,
}

/** Runs under a Node that believes that a person sits before it, at a terminal of 100 columns. */
const AT_A_TERMINAL = `
Object.assign(process.stdin, { isTTY: true, setRawMode: () => process.stdin })
Object.assign(process.stdout, { isTTY: true, columns: 100, rows: 40, getColorDepth: () => 1, hasColors: () => false })
`

/** Runs under a Node that says it is an old one. */
const OLD_NODE = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.20.8" } })`

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly behaviour?: Behaviour
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly old?: boolean
  /** What is typed, each once the output has its text. */
  readonly types?: readonly (readonly [after: string, keys: string])[]
  /** The user, where it is not this one. */
  readonly uid?: number
  /** Is given the process when it runs. */
  readonly while?: (child: ChildProcess) => Promise<void>
}

/** The files of a folder with what they hold, links as where they lead. */
export function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [relative(folder, path), entry.isFile() ? `${statSync(path).mode} ${readFileSync(path, "utf8")}` : "-"]
    }),
  )
}

export class Stand {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "taeda-stand-")))
  readonly project = join(this.folder, "project")
  private readonly bin = join(this.folder, "bin")
  private readonly log = join(this.folder, "log")

  constructor(manifest: object | null = { name: "mine", private: true, type: "module" }) {
    for (const each of [this.project, this.bin, join(this.folder, "home")]) mkdirSync(each)
    if (manifest) this.write("package.json", JSON.stringify(manifest))
    for (const [name, text] of Object.entries({ terminal: AT_A_TERMINAL, old: OLD_NODE }))
      writeFileSync(join(this.folder, `${name}.cjs`), text)
    writeFileSync(join(this.folder, "manager.cjs"), MANAGER)
    for (const [name, text] of Object.entries(LIBRARIES)) {
      const library = join(this.folder, name)
      mkdirSync(library)
      writeFileSync(
        join(library, "package.json"),
        JSON.stringify({ name: "taeda", type: "module", exports: "./index.js" }),
      )
      writeFileSync(join(library, "index.js"), text)
      writeFileSync(join(library, "broken.node"), "no library at all")
    }
    this.command("node", `exec ${JSON.stringify(process.execPath)} "$@"`, `"${process.execPath}" %*`)
    for (const name of ["npm", "pnpm", "yarn", "bun", "deno"]) this.manager(name)
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.project, name), text)
  }

  /** Puts a command on the PATH. */
  command(name: string, shell: string, cmd: string): void {
    const file = join(this.bin, WINDOWS ? `${name}.cmd` : name)
    writeFileSync(file, WINDOWS ? `@${cmd}\r\n` : `#!/bin/sh\n${shell}\n`)
    chmodSync(file, 0o755)
  }

  private manager(name: string): void {
    const script = join(this.folder, "manager.cjs")
    const [node, file] = [process.execPath, script].map((each) => JSON.stringify(each))
    this.command(name, `exec ${node} ${file} ${name} "$@"`, `"${process.execPath}" "${script}" ${name} %*`)
  }

  without(name: string): void {
    rmSync(join(this.bin, WINDOWS ? `${name}.cmd` : name))
  }

  /** nvidia-smi that answers with these lines, or fails with those words. */
  nvidiaSmi(lines: readonly string[], failing = false): void {
    const script = join(this.folder, "nvidia-smi.cjs")
    const text = JSON.stringify(`${lines.join("\n")}\n`)
    writeFileSync(script, `process.stdout.write(${text}); process.exitCode = ${failing ? 9 : 0}`)
    const [node, file] = [process.execPath, script].map((each) => JSON.stringify(each))
    this.command("nvidia-smi", `exec ${node} ${file}`, `"${process.execPath}" "${script}"`)
  }

  /** What managers were asked to do, apart from their versions. */
  asked(): string[][] {
    if (!existsSync(this.log)) return []
    const lines = readFileSync(this.log, "utf8").trim().split("\n")
    return lines.map((line) => JSON.parse(line) as string[])
  }

  contents(): Record<string, string> {
    return contents(this.project)
  }

  /** The command, from its sources, in the project. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const { behaviour = "installs", env = {}, cwd = this.project, old, types, uid } = options
    const needed = [...(types ? ["terminal"] : []), ...(old ? ["old"] : [])]
    const preloads = needed.flatMap((name) => ["--require", join(this.folder, `${name}.cjs`)])
    const library = LIBRARIES[behaviour] ? join(this.folder, behaviour) : join(ROOT, "packages", "taeda")
    const child = spawn(process.execPath, ["--conditions=@taeda/source", ...preloads, CLI, ...args], {
      cwd,
      uid,
      env: {
        PATH: [this.bin, "/usr/bin", "/bin"].join(delimiter),
        HOME: join(this.folder, "home"),
        NO_COLOR: "1",
        SystemRoot: process.env.SystemRoot,
        STAND_IN_LOG: this.log,
        STAND_IN_BEHAVIOUR: behaviour,
        STAND_IN_LIBRARY: library,
        ...env,
      },
    })
    let [stdout, stderr] = ["", ""]
    const waiting = [...(types ?? [])]
    child.stdout.setEncoding("utf8").on("data", (text) => {
      stdout += text
      while (waiting.length > 0 && stdout.includes(waiting[0][0])) {
        child.stdin.write(waiting.shift()![1])
        // Unlike a terminal, a pipe keeps a process alive.
        if (waiting.length === 0) child.stdin.end()
      }
    })
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text))
    if (!types) child.stdin.end()
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
    await options.while?.(child)
    return { code: await ended, stdout, stderr }
  }

  /** Resolves once a manager has written its half. */
  async hanging(): Promise<number> {
    for (;;) {
      const pid = this.asked().find(([word]) => word === "pid")
      if (pid) return Number(pid[1])
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Makes a link as a package manager does. */
export const link = (target: string, path: string): void => symlinkSync(target, path, "junction")
