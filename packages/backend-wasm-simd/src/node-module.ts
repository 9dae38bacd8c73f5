/** Node's own modules, where there are any: asked for at run time and by a name that no bundler follows. */

interface Process {
  readonly versions?: { readonly node?: string }
  getBuiltinModule?(name: string): unknown
}

/** Node's module `name`, also in Deno and Bun; null in browsers. */
export async function nodeModule<T>(name: string): Promise<T | null> {
  const { process } = globalThis as { process?: Process }
  if (!process?.versions?.node) return null
  const specifier = `node:${name}`
  const builtin = process.getBuiltinModule?.(specifier)
  if (builtin) return builtin as T
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ specifier)) as T
  } catch {
    // Something that only looks like Node, such as a page with a polyfill.
    return null
  }
}
