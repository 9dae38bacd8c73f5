/**
 * Takes the compiler's helper out of the current package's built files: it would give `import(name)` an ending that the compiler
 * gave already, bundlers warn of its `this` at a module's top level, and every file has one of its own.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import remapping from "@jridgewell/remapping"
import { parse } from "acorn"
import MagicString from "magic-string"

const HELPER = "__rewriteRelativeImportExtension"

/** Calls `found` with every node of a tree. */
function visit(node, found) {
  if (Array.isArray(node)) for (const each of node) visit(each, found)
  else if (node && typeof node.type === "string") {
    found(node)
    for (const child of Object.values(node)) if (typeof child === "object") visit(child, found)
  }
}

/** The code without the helper, and its source map to match. */
function plain(code, map) {
  const text = new MagicString(code)
  visit(parse(code, { ecmaVersion: "latest", sourceType: "module" }), (node) => {
    if (node.type === "VariableDeclaration" && node.declarations[0].id.name === HELPER) {
      text.remove(node.start, node.end + (code[node.end] === "\n" ? 1 : 0))
    } else if (node.type === "CallExpression" && node.callee.name === HELPER) {
      // What stays are the argument and the comments before it, which bundlers read.
      text.remove(node.start, node.callee.end + 1).remove(node.end - 1, node.end)
    }
  })
  const moved = text.generateDecodedMap({ hires: true, file: map.file })
  return { code: text.toString(), map: remapping([moved, map], () => null) }
}

for (const name of readdirSync("dist", { recursive: true })) {
  if (!name.endsWith(".js")) continue
  const file = join("dist", name)
  const source = readFileSync(file, "utf8")
  if (!source.includes(HELPER)) continue
  const { code, map } = plain(source, JSON.parse(readFileSync(`${file}.map`, "utf8")))
  if (code.includes(HELPER)) throw new Error(`${file}: ${HELPER} is used in a way that is not known here`)
  writeFileSync(file, code)
  writeFileSync(`${file}.map`, JSON.stringify(map))
}
