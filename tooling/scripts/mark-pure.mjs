/** Marks the current package's built files (`pure.mjs`). */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { marked } from "./pure.mjs"

for (const name of readdirSync("dist", { recursive: true })) {
  if (!name.endsWith(".js")) continue
  const file = join("dist", name)
  const { code, map } = marked(readFileSync(file, "utf8"), JSON.parse(readFileSync(`${file}.map`, "utf8")))
  writeFileSync(file, code)
  writeFileSync(`${file}.map`, JSON.stringify(map))
}
