/** `pnpm cuda:card [FOLDER]`: packs the folder that runs the suite and the measurements on a GPU. */
import { join, relative } from "node:path"
import { packCard } from "./pack.ts"

const folder = process.argv[2] ?? join(import.meta.dirname, "..", "dist")
const files = await packCard(folder)
const total = [...files.values()].reduce((a, b) => a + b, 0)
for (const [file, bytes] of files) console.log(`${(bytes / 1e6).toFixed(2).padStart(8)} MB  ${file}`)
console.log(`${(total / 1e6).toFixed(2).padStart(8)} MB  in ${folder}`)
console.log(`On a machine with a GPU: sh ${join(relative(process.cwd(), folder), "run.sh")} --out FOLDER`)
