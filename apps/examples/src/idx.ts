/**
 * The idx files of MNIST: a big-endian magic number (two zero bytes, the element type, the number of dims), one 32-bit
 * size per dim, then the elements in row-major order. Y. LeCun, C. Cortes, C. Burges, "The MNIST database".
 */
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
  if (wrong !== null) throw new Error(`${name} is no readable idx file: ${wrong}`)
  return { sizes: sizesOf(bytes, dims), data: bytes.subarray(4 + 4 * dims) }
}

export interface LabelledImages {
  /** Pixels from 0 to 255, [count, rows, columns]. */
  readonly images: IdxFile
  /** Digits from 0 to 9, [count]. */
  readonly labels: IdxFile
}

/** A file's bytes, and what to call it in an error. */
export interface NamedBytes {
  readonly name: string
  readonly bytes: Uint8Array
}

/** Images with their labels. Throws, besides what `parseIdx` throws, when the counts differ or a label is no digit. */
export function labelledImages(imagesFile: NamedBytes, labelsFile: NamedBytes): LabelledImages {
  const images = parseIdx(imagesFile.bytes, 3, imagesFile.name)
  const labels = parseIdx(labelsFile.bytes, 1, labelsFile.name)
  if (images.sizes[0] !== labels.sizes[0])
    throw new Error(
      `${imagesFile.name} has ${images.sizes[0]} images, but ${labelsFile.name} has ${labels.sizes[0]} labels`,
    )
  const wrong = labels.data.findIndex((label) => label > 9)
  if (wrong >= 0)
    throw new Error(`${labelsFile.name}: the label at ${wrong} is ${labels.data[wrong]}, no digit from 0 to 9`)
  return { images, labels }
}
