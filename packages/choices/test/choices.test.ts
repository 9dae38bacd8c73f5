import { existsSync, readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { BACKENDS, backendOfDevice, deviceAdvice, importLines, installCommand, PACKAGE_MANAGERS } from "../src/index.ts"

const manifest = (name: string) => new URL(`../../${name}/package.json`, import.meta.url)
const read = (name: string) => JSON.parse(readFileSync(manifest(name), "utf8"))

describe("the table agrees with the packages", () => {
  for (const backend of BACKENDS)
    test(backend.name, () => {
      const folder = backend.package.replace("@taeda/", "")
      expect(existsSync(manifest(folder)), `${backend.package} is ${backend.published ? "published" : "planned"}`).toBe(
        backend.published,
      )
      if (!backend.published) return
      expect(read(folder).name).toBe(backend.package)
      const { dependencies, peerDependencies, peerDependenciesMeta } = read("taeda")
      expect(dependencies[backend.package] !== undefined).toBe(backend.included)
      // What stands beside it is a peer that may be missing: package managers that are strict link no other to it.
      expect(peerDependencies[backend.package] !== undefined).toBe(!backend.included)
      expect(peerDependenciesMeta[backend.package]).toEqual(backend.included ? undefined : { optional: true })
    })
})

test("ranks are all different and what is included needs no other package or driver", () => {
  expect(new Set(BACKENDS.map((b) => b.rank)).size).toBe(BACKENDS.length)
  expect(BACKENDS.filter((b) => b.included).map((b) => b.name)).toEqual(["wasm-simd", "cpu-js"])
})

test("commands", () => {
  const cpu = backendOfDevice("cpu")!
  const cuda = backendOfDevice("cuda:1")!
  expect(cuda.name).toBe("cuda")
  expect(PACKAGE_MANAGERS.map((m) => installCommand(cpu, m.name))).toEqual([
    "npm install taeda",
    "pnpm add taeda",
    "yarn add taeda",
    "bun add taeda",
    "deno add npm:taeda",
  ])
  expect(installCommand(cuda, "pnpm")).toBe("pnpm add taeda @taeda/backend-cuda")
  expect(installCommand(backendOfDevice("webgpu")!, "npm", "node")).toBe(
    "npm install taeda @taeda/backend-webgpu webgpu",
  )
  expect(installCommand(backendOfDevice("webgpu")!, "npm", "browser")).toBe("npm install taeda @taeda/backend-webgpu")
  expect(importLines(cpu)).toBe('import * as torch from "taeda"')
  expect(importLines(cuda)).toContain('setDefaultDevice("cuda")')
  const webgpu = backendOfDevice("webgpu")!
  const [first, last] = ['import * as torch from "taeda"', 'await torch.setDefaultDevice("webgpu")']
  expect(importLines(webgpu, "node")).toBe(`${first}\n${last}`)
  expect(importLines(webgpu, "browser")).toBe(
    `${first}\ntorch.registerBackend("webgpu", async () => (await import("@taeda/backend-webgpu")).open())\n${last}`,
  )
  expect(importLines(backendOfDevice("wasm")!, "browser")).toBe(`${first}\nawait torch.setDefaultDevice("wasm")`)
})

test("advice for a device that is not there", () => {
  expect(deviceAdvice("cuda:1")).toBe("install it with: npm install taeda @taeda/backend-cuda")
  expect(deviceAdvice("tpu")).toBe("known devices: cuda, webgpu, wasm, cpu")
})
