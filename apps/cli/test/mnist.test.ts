import { rmSync } from "node:fs"
import { join } from "node:path"
import { FILES } from "@taeda/examples"
import * as torch from "taeda"
import { describe, expect, onTestFinished, test } from "vitest"
import { loadMnist } from "../src/mnist.ts"
import { idx, madeFolder } from "./idx-files.ts"

describe("MNIST", () => {
  const made = (changes?: Record<string, Uint8Array>): string => {
    const { path, remove } = madeFolder(changes)
    onTestFinished(remove)
    return path
  }

  test("becomes tensors", async () => {
    const { train, test: testing } = await loadMnist(torch, made())
    expect([train.images.shape, train.labels.shape]).toEqual([[200, 1, 4, 4], [200]])
    expect([testing.images.shape, testing.images.dtype, testing.labels.dtype]).toEqual([
      [50, 1, 4, 4],
      "float32",
      "int32",
    ])
    expect(train.labels.narrow(0, 9, 3).toArraySync()).toEqual([9, 0, 1])
    // (255 − mean) / deviation and (0 − mean) / deviation.
    expect(train.images.max().itemSync()).toBeCloseTo((255 - 33.318) / 78.567, 5)
    expect(train.images.min().itemSync()).toBeCloseTo(-33.318 / 78.567, 5)
  })

  test("the package's own files have the mean and the deviation that are taken away", async () => {
    const { train, test: testing } = await loadMnist(torch)
    expect([train.images.shape, testing.images.shape]).toEqual([
      [60000, 1, 28, 28],
      [10000, 1, 28, 28],
    ])
    expect(train.images.mean().itemSync()).toBeCloseTo(0, 4)
    // Of a part: the whole takes its time.
    expect(Number(train.images.narrow(0, 0, 20000).std().itemSync())).toBeCloseTo(1, 2)
  })

  const bytes = (count: number, value: number) => new Array<number>(count).fill(value)

  test.each<[string, Record<string, Uint8Array>, string | RegExp]>([
    [
      "labels that are no digits",
      { [FILES.test.labels]: idx([50], bytes(50, 10)) },
      "t10k-labels-idx1-ubyte: the label at 0 is 10, no digit from 0 to 9",
    ],
    [
      "fewer labels than images",
      { [FILES.train.labels]: idx([199], bytes(199, 1)) },
      /train-images-idx3-ubyte has 200 images, but .*train-labels-idx1-ubyte has 199 labels/,
    ],
    [
      "test images of another size",
      { [FILES.test.images]: idx([50, 5, 5], bytes(1250, 1)) },
      "t10k-images-idx3-ubyte has images of 5 × 5 pixels, but train-images-idx3-ubyte of 4 × 4",
    ],
    [
      "images in place of labels",
      { [FILES.train.labels]: idx([1, 2, 2], [1, 2, 3, 4]) },
      "train-labels-idx1-ubyte is no readable idx file: it begins with the bytes 0 0 8 3, expected 0 0 8 1",
    ],
  ])("%s are refused", async (_, changes, message) => {
    await expect(loadMnist(torch, made(changes))).rejects.toThrow(message)
  })

  test("a file that is not there is named", async () => {
    const folder = made()
    rmSync(join(folder, FILES.test.labels))
    await expect(loadMnist(torch, folder)).rejects.toThrow(
      `${join(folder, FILES.test.labels)} cannot be read: there is no such file`,
    )
  })
})
