/** The programs of `programs/`, as files of a project. */
import { readFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { join } from "node:path"

/** A program in TypeScript. */
export const typescript = (name: string): string =>
  readFileSync(join(import.meta.dirname, "programs", `${name}.ts`), "utf8")

/** A program in JavaScript, which imports others as files that end in `.mjs`. */
export const javascript = (name: string): string =>
  stripTypeScriptTypes(typescript(name)).replaceAll(/(from "\.\/\w+)\.ts"/g, '$1.mjs"')
