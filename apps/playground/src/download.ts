/** The digits, from beside the page. */
import { FILES, type LabelledImages, labelledImages, type NamedBytes } from "@taeda/examples"

const GZIP = [0x1f, 0x8b]

/** A host may have unpacked a file on the way. */
async function unpacked(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  if (GZIP.some((byte, i) => bytes[i] !== byte)) return bytes
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

async function download(folder: string, name: string): Promise<NamedBytes> {
  const url = new URL(`${name}.gzip`, folder)
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} is not there (${response.status}): build the page again`)
  return { name, bytes: await unpacked(new Uint8Array(await response.arrayBuffer())) }
}

/** A set. Rejects, naming the file, where one is not there or is no idx file. */
export async function downloadSet(folder: string, set: keyof typeof FILES): Promise<LabelledImages> {
  const { images, labels } = FILES[set]
  return labelledImages(...(await Promise.all([download(folder, images), download(folder, labels)])))
}
