import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { nodeResolve } from "@rollup/plugin-node-resolve"
import { type OutputChunk, rollup } from "rollup"
import { afterAll, expect, test } from "vitest"

const folder = dirname(fileURLToPath(import.meta.url))

const places: string[] = []
afterAll(() => {
  for (const place of places) rmSync(place, { recursive: true })
})

interface Bundled {
  /** The script, and what it loads when it asks for it. */
  readonly chunks: readonly OutputChunk[]
  /** Where the script lies. */
  readonly path: string
}

/** A script as a bundler for the browser makes it of the built packages. */
async function bundled(code: string): Promise<Bundled> {
  const entry = join(folder, "entry.js")
  const bundle = await rollup({
    input: entry,
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? code : null),
      },
      nodeResolve({ browser: true }),
    ],
  })
  const dir = mkdtempSync(join(tmpdir(), "taeda-bundle-"))
  places.push(dir)
  const names = { entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" }
  const { output } = await bundle.write({ format: "es", dir, ...names })
  return { chunks: output.filter((file) => file.type === "chunk"), path: join(dir, "entry.mjs") }
}

const run = (path: string): string =>
  execFileSync(process.env.TAEDA_HOST_NODE ?? process.execPath, [path], { encoding: "utf8", timeout: 60_000 })

const SCRIPTS = {
  "one function": ['import { ones } from "taeda"\nconsole.log(String(ones(2).add(1)))', "tensor([2., 2.])\n"],
  "the namespace": [
    'import * as torch from "taeda"\nconst x = torch.tensor([1, 2], { requiresGrad: true })\nx.mul(x).sum().backward()\nconsole.log(String(x.grad))',
    "tensor([2., 4.])\n",
  ],
  "a network": [
    'import { manualSeed, nn, ones } from "taeda"\nmanualSeed(0)\nconsole.log(new nn.Linear(2, 3)(ones(1, 2)).shape.join())',
    "1,3\n",
  ],
  "the device wasm": [
    'import * as torch from "taeda"\nconst { name } = await torch.setDefaultDevice("wasm")\nconst x = torch.ones(300, 300)\nconsole.log(name, x.device.backend.name, await x.matmul(x).sum().item())',
    "wasm wasm-simd 27000000\n",
  ],
} as const

for (const [name, [code, output]] of Object.entries(SCRIPTS))
  test(`bundled for a browser, ${name} works and asks for no platform`, async () => {
    const { chunks, path } = await bundled(code)
    const files = chunks.map(({ fileName }) => fileName)
    for (const { imports, dynamicImports } of chunks)
      for (const each of [...imports, ...dynamicImports]) expect(files).toContain(each)
    expect(run(path)).toBe(output)
  })

test("wasm-simd is a part of its own, loaded when it is asked for", async () => {
  const { chunks } = await bundled(SCRIPTS["one function"][0])
  const ofWasm = chunks.filter(({ moduleIds }) => moduleIds.some((id) => id.includes("backend-wasm-simd")))
  expect(ofWasm).toHaveLength(1)
  const [{ fileName }] = ofWasm
  expect(chunks.flatMap(({ imports }) => imports)).not.toContain(fileName)
  expect(chunks.flatMap(({ dynamicImports }) => dynamicImports)).toContain(fileName)
})
