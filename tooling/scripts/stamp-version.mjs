/** After `changeset version`: writes core's new version to where core itself says it. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ROOT, readJson } from "./workspace.mjs"

const file = join(ROOT, "packages", "core", "src", "this-core.ts")
const { version } = readJson("packages", "core", "package.json")
const source = readFileSync(file, "utf8")
const stamped = source.replace(/(CORE: Core = \{ version: ")[^"]*/, `$1${version}`)
if (!stamped.includes(`{ version: "${version}" }`)) throw new Error(`${file} has no place for the version`)
writeFileSync(file, stamped)
