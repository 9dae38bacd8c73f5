import { execFileSync } from "node:child_process"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { nodeResolve } from "@rollup/plugin-node-resolve"
import { rollup } from "rollup"
import { expect, test } from "vitest"

const folder = dirname(fileURLToPath(import.meta.url))

/** A script as a bundler for the browser makes it of the built packages: one file, nothing left to import. */
async function bundled(code: string): Promise<string> {
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
  const { output } = await bundle.generate({ format: "es", inlineDynamicImports: true })
  expect(output).toHaveLength(1)
  return output[0].code
}

const run = (code: string): string =>
  execFileSync(process.env.TAEDA_HOST_NODE ?? process.execPath, ["--input-type=module", "-"], {
    input: code,
    encoding: "utf8",
  })

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
} as const

for (const [name, [code, output]] of Object.entries(SCRIPTS))
  test(`bundled for a browser, ${name} works and asks for no platform`, async () => {
    const text = await bundled(code)
    expect(text).not.toMatch(/["']node:/)
    expect(run(text)).toBe(output)
  })
