/** taeda and the backend cuda as people get them: packed, installed into an empty project, without a compiler or a script. */

import { execFileSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { emulated, targetHere } from "@taeda/cuda-addon"
import { afterAll, beforeAll, describe, expect, test } from "vitest"

const ROOT = join(import.meta.dirname, "..", "..", "..")

/** The Node that the person's npm runs under. The tests' own is newer, and one binary serves both. */
const HOST = process.env.TAEDA_HOST_NODE ?? process.execPath

interface Manifest {
  readonly name: string
  readonly version: string
  readonly packageManager?: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

const manifestIn = (...folder: string[]): Manifest => JSON.parse(readFileSync(join(...folder, "package.json"), "utf8"))

/** The folders of a package and of all that it depends on, by their names. */
function closure(name: string, found = new Map<string, string>()): Map<string, string> {
  if (found.has(name)) return found
  const folder = join(ROOT, "packages", name.replace("@taeda/", ""))
  found.set(name, folder)
  for (const dependency of Object.keys(manifestIn(folder).dependencies ?? {})) closure(dependency, found)
  return found
}

/** Where a command is that is found by the PATH. */
function commandPath(name: string): string {
  const files = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name))
  return realpathSync(files.find(existsSync)!)
}

const TRAINED = `
import * as torch from "taeda"
await torch.setDefaultDevice("cuda")
const a = torch.tensor([[1, 2], [3, 4]], { dtype: "float32", requiresGrad: true })
const b = torch.tensor([[5, 6], [7, 8]], { dtype: "float32" })
const product = a.matmul(b)
product.sum().backward()
const values = async (tensor) => Array.from(await tensor.data())
console.log(JSON.stringify({ device: product.device.name, product: await values(product), grad: await values(a.grad) }))
`

const REFUSED = `
import * as torch from "taeda"
const { message } = await torch.setDefaultDevice("cuda").catch((error) => error)
const { reason } = (await torch.devices()).find(({ choice }) => choice.name === "cuda")
console.log(JSON.stringify({ message, reason, sum: await torch.ones(3).sum().item() }))
`

// The project finds its Node and the driver as Linux does: by links, and by LD_LIBRARY_PATH.
describe.runIf(process.platform === "linux")("packed and installed into an empty project", () => {
  const { name: target } = targetHere()
  const native = `@taeda/backend-cuda-${target}`
  const folder = mkdtempSync(join(tmpdir(), "taeda-packed-"))
  const [tarballs, project, bin] = ["tarballs", "project", "bin"].map((name) => join(folder, name))
  const addon = join(ROOT, "packages", "backend-cuda", "platforms", target, "taeda-cuda.node")

  /** Runs what is there for a person who has Node and npm, and nothing else. */
  const inProject = (file: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string =>
    execFileSync(file, args, {
      cwd: project,
      encoding: "utf8",
      env: { PATH: bin, HOME: folder, CUDA_EMULATOR_QUIET: "1", ...env },
    })
  const evaluated = (node: string, code: string, libraries: string): unknown =>
    JSON.parse(inProject(node, ["--input-type=module", "--eval", code], { LD_LIBRARY_PATH: libraries }))

  beforeAll(() => {
    for (const each of [tarballs, project, bin]) mkdirSync(each)
    symlinkSync(HOST, join(bin, "node"))
    symlinkSync(commandPath("npm"), join(bin, "npm"))

    const names = [...closure("@taeda/backend-cuda", closure("taeda")).keys(), native]
    const filters = names.map((name) => `--filter=${name}`)
    const { packageManager } = manifestIn(ROOT)
    // Its prepack builds the addon into the package's folder in the repository, where other tests would find it.
    const wasThere = existsSync(addon)
    execFileSync("npx", ["--yes", packageManager!, ...filters, "pack", "--pack-destination", tarballs], {
      cwd: ROOT,
      stdio: "pipe",
    })
    if (!wasThere) rmSync(addon)

    const files = readdirSync(tarballs).map((file) => join(tarballs, file))
    expect(files).toHaveLength(names.length)
    writeFileSync(join(project, "package.json"), `{ "private": true }`)
    inProject("npm", ["install", "--offline", "--ignore-scripts", "--no-audit", "--no-update-notifier", ...files])
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  test("names no registry, and has no script that an installation would run", () => {
    expect(readFileSync(join(project, "package-lock.json"), "utf8")).not.toMatch(/https?:\/\/|hasInstallScript/)
    expect(readFileSync(join(project, "package.json"), "utf8")).not.toMatch(/https?:/)
    for (const name of readdirSync(join(project, "node_modules", "@taeda"))) {
      const { scripts = {} } = manifestIn(project, "node_modules", "@taeda", name)
      expect(Object.keys(scripts).filter((script) => /install|^prepare$/.test(script))).toEqual([])
    }
  })

  test("has the native part of this platform alone, which states the platform, and workspace's ranges nowhere", () => {
    const installed = readdirSync(join(project, "node_modules", "@taeda"))
    expect(installed.filter((name) => name.startsWith("backend-cuda-"))).toEqual([`backend-cuda-${target}`])
    const folderOf = (name: string): string => join(project, "node_modules", name)
    expect(manifestIn(folderOf(native))).toMatchObject({ os: [process.platform], cpu: [process.arch] })
    expect(readdirSync(folderOf(native))).toContain("taeda-cuda.node")
    expect(readFileSync(join(folderOf("@taeda/backend-cuda"), "package.json"), "utf8")).not.toContain("workspace:")
  })

  test.each([
    ["its own Node", HOST],
    ["the newest", process.execPath],
  ])("multiplies and differentiates on cuda, under %s", async (_, node) => {
    const { driver } = await emulated()
    expect(evaluated(node, TRAINED, dirname(driver))).toEqual({
      device: "cuda:0",
      product: [19, 22, 43, 50],
      grad: [11, 15, 11, 15],
    })
  })

  test("says in words that there is no driver, and computes on what there is", () => {
    // A machine may well have one: a file in its place that is none comes before it.
    const libraries = join(folder, "no-driver")
    mkdirSync(libraries)
    writeFileSync(join(libraries, "libcuda.so.1"), "")
    const said = expect.stringMatching(
      /there is no NVIDIA driver here \([^;]*libcuda\.so\.1: [^;]*\)\. Install it from/,
    )
    expect(evaluated(HOST, REFUSED, libraries)).toEqual({ message: said, reason: said, sum: 3 })
  })
})
