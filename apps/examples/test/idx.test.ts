import { gzipSync } from "node:zlib"
import { expect, test } from "vitest"
import { parseIdx } from "../src/idx.ts"

/** An idx file of unsigned bytes. */
function idx(sizes: readonly number[], data: readonly number[]): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * sizes.length))
  header.setUint8(2, 0x08)
  header.setUint8(3, sizes.length)
  for (const [i, size] of sizes.entries()) header.setUint32(4 + 4 * i, size)
  return Uint8Array.from([...new Uint8Array(header.buffer), ...data])
}

test("sizes and elements are read", () => {
  expect(parseIdx(idx([2, 1, 3], [1, 2, 3, 4, 5, 255]), 3, "a")).toEqual({
    sizes: [2, 1, 3],
    data: Uint8Array.of(1, 2, 3, 4, 5, 255),
  })
})

test("a part of a larger buffer is read as it lies", () => {
  const file = idx([2], [7, 8])
  const around = new Uint8Array(file.length + 5)
  around.set(file, 3)
  expect(parseIdx(around.subarray(3, 3 + file.length), 1, "a").data).toEqual(Uint8Array.of(7, 8))
})

const good = idx([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8])
const changed = (at: number, byte: number): Uint8Array => good.map((b, i) => (i === at ? byte : b))

test.each<[string, Uint8Array, string]>([
  ["empty", new Uint8Array(0), "it has 0 bytes, too few for its header of 16 (truncated)"],
  ["cut in the header", good.subarray(0, 10), "it has 10 bytes, too few for its header of 16 (truncated)"],
  ["cut in the data", good.subarray(0, 20), "its header says 2 × 2 × 2 = 8 bytes of data, but 4 follow (truncated)"],
  ["too long", Uint8Array.of(...good, 0), "its header says 2 × 2 × 2 = 8 bytes of data, but 9 follow (too long)"],
  ["a size that is wrong", changed(7, 3), "its header says 3 × 2 × 2 = 12 bytes of data, but 8 follow (truncated)"],
  ["a huge size", changed(4, 255), "= 17112760328 bytes of data, but 8 follow (truncated)"],
  ["no images", idx([0, 28, 28], []), "its header says 0 × 28 × 28: it is empty"],
  ["another element type", changed(2, 0x0d), "it begins with the bytes 0 0 13 3, expected 0 0 8 3"],
  ["other dims", changed(3, 1), "it begins with the bytes 0 0 8 1, expected 0 0 8 3"],
  [
    "text",
    new TextEncoder().encode("<!doctype html><html>"),
    "it begins with the bytes 60 33 100 111, expected 0 0 8 3",
  ],
  ["gzip", gzipSync(good), "it is compressed; unpack it first (gzip -d)"],
  ["zip", Uint8Array.of(0x50, 0x4b, 3, 4), "it is compressed; unpack it first (unzip)"],
])("%s is refused by name", (_, bytes, why) => {
  expect(() => parseIdx(bytes, 3, "images.idx")).toThrow(/^images\.idx is no readable idx file: /)
  expect(() => parseIdx(bytes, 3, "images.idx")).toThrow(why)
})
