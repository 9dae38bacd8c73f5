/** Where the files of NVIDIA's libraries may be. */
import { existsSync } from "node:fs"
import { posix, win32 } from "node:path"

/** What the search depends on. */
export interface Surroundings {
  readonly platform: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder that alone is searched, where somebody named one. */
  readonly folder?: string | undefined
  readonly exists?: (file: string) => boolean
}

/** A library's file by its major version. */
export type FileName = (major: number) => string

/** A toolkit's folder, as its installers say it. */
const toolkits = (env: Surroundings["env"]): string[] =>
  [env.CUDA_PATH, env.CUDA_HOME].filter((folder): folder is string => Boolean(folder))

/**
 * On Linux: by its name alone, as the linker finds libraries (LD_LIBRARY_PATH, the system's own), then in the toolkit's
 * folders.
 */
function onLinux(names: readonly string[], { env, folder }: Surroundings): string[] {
  if (folder) return names.map((name) => posix.join(folder, name))
  const folders = [...toolkits(env), "/usr/local/cuda"].flatMap((root) => [`${root}/lib64`, `${root}/lib`])
  return names.flatMap((name) => [name, ...folders.map((each) => posix.join(each, name))])
}

/** On Windows: in the toolkit's folders and in those of PATH, never in the one that the program was started in. */
function onWindows(names: readonly string[], { env, folder, exists = existsSync }: Surroundings): string[] {
  const path = (env.PATH ?? env.Path ?? "").split(";").filter((each) => win32.isAbsolute(each))
  const folders = folder
    ? [folder]
    : [...toolkits(env).flatMap((root) => [`${root}\\bin\\x64`, `${root}\\bin`]), ...path]
  return names.flatMap((name) => folders.map((each) => win32.join(each, name))).filter(exists)
}

/** Files that may be a library of one of these major versions, the first version first. */
export function libraryFiles(
  fileNames: Readonly<Record<string, FileName>>,
  majors: readonly number[],
  surroundings: Surroundings,
): string[] {
  const { platform } = surroundings
  const name = Object.hasOwn(fileNames, platform) ? fileNames[platform] : undefined
  if (!name) return []
  return (platform === "win32" ? onWindows : onLinux)(majors.map(name), surroundings)
}
