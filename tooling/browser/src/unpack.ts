/** Unpacks the Chromium that the package @sparticuz/chromium carries, once, into a folder that all processes share. */

import { randomUUID } from "node:crypto"
import { createReadStream, createWriteStream, existsSync } from "node:fs"
import { mkdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { createBrotliDecompress } from "node:zlib"
import { extract } from "tar-fs"

export interface UnpackedChromium {
  readonly executable: string
  /** Shared libraries for a machine that has none of its own. */
  readonly libraries: string
}

/** What is in the package's folder `bin`, and how it is written out. SwiftShader is looked for beside the executable. */
const ARCHIVES: Readonly<Record<string, (folder: string) => NodeJS.WritableStream>> = {
  "chromium.br": (folder) => createWriteStream(join(folder, "chromium"), { mode: 0o755 }),
  "swiftshader.tar.br": (folder) => extract(folder),
  "al2023.tar.br": (folder) => extract(folder),
}

async function unpackInto(folder: string, archives: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await Promise.all(
    Object.entries(ARCHIVES).map(([name, open]) =>
      pipeline(createReadStream(join(archives, name)), createBrotliDecompress(), open(folder)),
    ),
  )
}

/**
 * Unpacks the archives in one folder to another unless that is there. It appears under its name only when it is whole, so
 * that an interrupted unpacking leaves nothing half done, and of several processes that unpack at once the first wins.
 */
export async function unpack(archives: string, folder: string): Promise<UnpackedChromium> {
  if (!existsSync(folder)) {
    const partial = `${folder}.${randomUUID()}`
    try {
      await unpackInto(partial, archives)
      await rename(partial, folder)
    } catch (error) {
      await rm(partial, { recursive: true, force: true })
      if (!existsSync(folder)) throw error
    }
  }
  return { executable: join(folder, "chromium"), libraries: join(folder, "lib") }
}
