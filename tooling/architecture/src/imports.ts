import { parseSync } from "oxc-parser"

/** One module that a source file asks for. */
export interface Import {
  readonly from: string
  /** "static" for imports and re-exports at the top of the file, "type" when these are types only, "dynamic" for `import()`. */
  readonly kind: "static" | "type" | "dynamic"
}

const literal = (text: string): string | undefined => /^["'`]([^"'`$]*)["'`]$/.exec(text.trim())?.[1]

/**
 * The imports of a TypeScript source, in the file's order within each kind, less dynamic imports of anything but a plain
 * string: what these load is known only when they run.
 *
 * @throws {SyntaxError} naming the file when it does not parse.
 */
export const importsOf = (file: string, source: string): Import[] => {
  const { module, errors } = parseSync(file, source)
  if (errors.length > 0) throw new SyntaxError(`${file}: ${errors[0]?.message}`)
  const isTypeOnly = (entries: readonly { isType: boolean }[]) =>
    entries.length > 0 && entries.every((entry) => entry.isType)
  return [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({
      from: moduleRequest.value,
      kind: isTypeOnly(entries) ? ("type" as const) : ("static" as const),
    })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) =>
        moduleRequest ? [{ from: moduleRequest.value, kind: isType ? ("type" as const) : ("static" as const) }] : [],
      ),
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest }) => {
      const from = literal(source.slice(moduleRequest.start, moduleRequest.end))
      return from === undefined ? [] : [{ from, kind: "dynamic" as const }]
    }),
  ]
}
