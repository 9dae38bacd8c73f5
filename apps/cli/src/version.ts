/** The version of the package that this command came with. */
import { existsSync, readFileSync } from "node:fs"

/** The nearest manifest above this file: bundled, the file lies deeper than among the sources. */
export function version(): string {
  let folder = new URL(".", import.meta.url)
  while (!existsSync(new URL("package.json", folder))) folder = new URL("..", folder)
  return (JSON.parse(readFileSync(new URL("package.json", folder), "utf8")) as { version: string }).version
}
