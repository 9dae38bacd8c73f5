/** Marks the current package's built files (`pure.mjs`). */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { marked } from "./pure.mjs"

for (const name of readdirSync("dist", { recursive: true })) {
  if (!name.endsWith(".js")) continue
  const file = join("dist", name)
  const map = JSON.parse(readFileSync(`${file}.map`, "utf8"))
  const { code, mappings } = marked(readFileSync(file, "utf8"), map.mappings)
  writeFileSync(file, code)
  writeFileSync(`${file}.map`, JSON.stringify({ ...map, mappings }))
}
