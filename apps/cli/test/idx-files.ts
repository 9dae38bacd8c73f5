/** Small made idx files, in the format of MNIST's. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FILES } from "@taeda/examples"

/** An idx file of unsigned bytes. */
export function idx(sizes: readonly number[], data: Iterable<number>): Uint8Array {
  const values = Uint8Array.from(data)
  const header = new DataView(new ArrayBuffer(4 + 4 * sizes.length))
  header.setUint8(2, 0x08)
  header.setUint8(3, sizes.length)
  for (const [i, size] of sizes.entries()) header.setUint32(4 + 4 * i, size)
  return Uint8Array.from([...new Uint8Array(header.buffer), ...values])
}

/** Places of the marks in an image, in each direction. */
const PLACES = 4

/** Images that say their label: the place of that number is bright, a neighbour somewhat, depending on the image. */
function images(count: number, side: number): Uint8Array {
  const data = new Uint8Array(count * side * side)
  const mark = side / PLACES
  const paint = (image: number, place: number, brightness: number): void => {
    const [top, left] = [Math.floor(place / PLACES) * mark, (place % PLACES) * mark]
    for (let row = top; row < top + mark; row++)
      for (let column = left; column < left + mark; column++) data[(image * side + row) * side + column] |= brightness
  }
  for (let i = 0; i < count; i++) {
    paint(i, i % 10, 255)
    paint(i, (i * 7) % 16, 40)
  }
  return idx([count, side, side], data)
}

const labels = (count: number): Uint8Array =>
  idx(
    [count],
    Array.from({ length: count }, (_, i) => i % 10),
  )

/** A folder with the four files, `changes` in place of some of them; a side is a multiple of 4. */
export function madeFolder(
  changes: Readonly<Record<string, Uint8Array>> = {},
  side = PLACES,
): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "taeda-mnist-"))
  const files: Record<string, Uint8Array> = {
    [FILES.train.images]: images(200, side),
    [FILES.train.labels]: labels(200),
    [FILES.test.images]: images(50, side),
    [FILES.test.labels]: labels(50),
    ...changes,
  }
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(path, name), bytes)
  return { path, remove: () => rmSync(path, { recursive: true }) }
}
