/** MNIST as tensors: Y. LeCun, C. Cortes, C. Burges, "The MNIST database". */
import type { LabelledImages } from "./idx.ts"
import type { Library, Tensor } from "./library.ts"

/** The files' names, by set. */
export const FILES = {
  train: { images: "train-images-idx3-ubyte", labels: "train-labels-idx1-ubyte" },
  test: { images: "t10k-images-idx3-ubyte", labels: "t10k-labels-idx1-ubyte" },
} as const

/** Mean and standard deviation of the training set's pixels, which go from 0 to 255. */
const MEAN = 33.318
const STD = 78.567

export interface Split {
  /** uint8 [count, 1, rows, columns], from 0 to 255. */
  readonly pixels: Tensor
  /** int32 [count], digits from 0 to 9. */
  readonly labels: Tensor
}

/** A set on the default device, a byte for each pixel. */
export function splitOf(torch: Library, { images, labels }: LabelledImages): Split {
  const [count, rows, columns] = images.sizes
  return {
    pixels: torch.tensor(images.data).view(count, 1, rows, columns),
    labels: torch.tensor(labels.data).to("int32"),
  }
}

/** Pixels from 0 to 255 as networks take them: float32 with the training set's mean 0 and standard deviation 1. */
export const normalized = (pixels: Tensor): Tensor => pixels.to("float32").sub_(MEAN).div_(STD)
