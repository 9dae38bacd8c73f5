/** New projects, made by the published command, with the packages of this workspace in place of the registry's. */
import { readdirSync, readFileSync, realpathSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { launch } from "@taeda/browser"
import { preview } from "vite"
import { expect, test, vi } from "vitest"
import { link, project, run } from "./project.ts"

vi.setConfig({ testTimeout: 180_000 })

const require = createRequire(import.meta.url)
const folderOf = (name: string): string => dirname(realpathSync(require.resolve(`${name}/package.json`)))
const TSC = join(folderOf("typescript"), "bin", "tsc")
const VITE = join(folderOf("vite"), "bin", "vite.js")

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** Puts in place what the manifest asks for, as an install would. */
function installed(folder: string): Manifest {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest
  for (const name of Object.keys(manifest.dependencies)) link(folder, name)
  for (const name of Object.keys(manifest.devDependencies)) link(folder, name, folderOf(name))
  return manifest
}

test("node: the training script runs at once, and learns", async () => {
  using own = project()
  expect(await own.taeda(["create", "my-app"])).toMatchObject({ code: 0, stderr: "" })
  const folder = join(own.folder, "my-app")
  expect(installed(folder).scripts.train).toBe("tsc && node dist/train.js")
  expect(await run(folder, [TSC])).toEqual({ code: 0, stdout: "", stderr: "" })
  const { code, stdout, stderr } = await run(folder, [join("dist", "train.js")])
  expect([code, stderr]).toEqual([0, ""])
  expect(Number(/Accuracy on new points: ([\d.]+) %/.exec(stdout)?.[1])).toBeGreaterThan(95)
  // Nothing but the project was left.
  expect(readdirSync(own.folder).sort()).toEqual(["my-app", "package.json"])
})

test("vite: the page is checked and built, and learns in a browser", async () => {
  using own = project()
  expect(await own.taeda(["create", "my-page", "--template", "vite"])).toMatchObject({ code: 0, stderr: "" })
  const folder = join(own.folder, "my-page")
  expect(installed(folder).scripts.build).toBe("tsc && vite build")
  expect(await run(folder, [TSC])).toEqual({ code: 0, stdout: "", stderr: "" })
  expect(await run(folder, [VITE, "build"])).toMatchObject({ code: 0 })
  // As `npm run preview` serves it.
  const server = await preview({ root: folder, preview: { host: "127.0.0.1", port: 0 } })
  const browser = await launch()
  try {
    const page = await browser.newPage()
    const complaints: string[] = []
    page.on("pageerror", (error) => complaints.push(String(error)))
    await page.goto(server.resolvedUrls!.local[0]!)
    const status = page.getByRole("status")
    await status.filter({ hasText: "Accuracy on new points" }).waitFor({ timeout: 120_000 })
    const text = (await status.textContent()) ?? ""
    expect(complaints).toEqual([])
    expect(text).toMatch(/^Epoch 40 of 40 on wasm, /)
    expect(Number(/Accuracy on new points: ([\d.]+) %/.exec(text)?.[1])).toBeGreaterThan(95)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
  } finally {
    await browser.close()
    await server.close()
  }
})

test("refuses a folder with something in it, and leaves it alone", async () => {
  using own = project()
  const { code, stdout, stderr } = await own.taeda(["create", "."])
  expect([code, stdout]).toEqual([1, ""])
  expect(stderr).toMatch(/^taeda: .* is not empty: it has package\.json, for one\. Name a new folder, or empty it\n$/)
  expect(readdirSync(own.folder)).toEqual(["package.json"])
})
