/** Small made idx files, in the format of MNIST's. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FILES } from "../src/mnist.ts"

/** An idx file of unsigned bytes. */
export function idx(sizes: readonly number[], data: Iterable<number>): Uint8Array {
  const values = Uint8Array.from(data)
  const header = new DataView(new ArrayBuffer(4 + 4 * sizes.length))
  header.setUint8(2, 0x08)
  header.setUint8(3, sizes.length)
  for (const [i, size] of sizes.entries()) header.setUint32(4 + 4 * i, size)
  return Uint8Array.from([...new Uint8Array(header.buffer), ...values])
}

/** Side of the made images. */
const SIDE = 4

/** Images that say their label: the pixel of that number is bright, a neighbour somewhat, depending on the image. */
function images(count: number): Uint8Array {
  const data = new Uint8Array(count * SIDE * SIDE)
  for (let i = 0; i < count; i++) {
    data[i * SIDE * SIDE + (i % 10)] = 255
    data[i * SIDE * SIDE + ((i * 7) % 16)] |= 40
  }
  return idx([count, SIDE, SIDE], data)
}

const labels = (count: number): Uint8Array =>
  idx(
    [count],
    Array.from({ length: count }, (_, i) => i % 10),
  )

/** A folder with the four files, `changes` in place of some of them, that is removed when disposed of. */
export function madeFolder(changes: Readonly<Record<string, Uint8Array>> = {}): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "taeda-mnist-"))
  const files: Record<string, Uint8Array> = {
    [FILES.train.images]: images(200),
    [FILES.train.labels]: labels(200),
    [FILES.test.images]: images(50),
    [FILES.test.labels]: labels(50),
    ...changes,
  }
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes)
  return { path, remove: () => rmSync(path, { recursive: true }) }
}
