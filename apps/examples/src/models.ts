/** The networks that the training command offers, for images [count, 1, rows, columns] and ten digits. */
import type { Library } from "./library.ts"

export interface ModelSize {
  readonly rows: number
  readonly columns: number
  /** Units of the hidden layer, where there is one. */
  readonly hidden: number
}

export type Model = InstanceType<Library["nn"]["Sequential"]>

export interface ModelChoice {
  /** In a few words. */
  readonly title: string
  /** The least number of rows and of columns that an image must have. */
  readonly least: number
  /** Makes it with fresh weights. */
  readonly build: (nn: Library["nn"], size: ModelSize) => Model
}

export const DIGITS = 10

/** Units of the mlp's hidden layer, unless somebody says otherwise. */
export const HIDDEN = 128

/** Kernel of the convolutions, which lose its size less one, and of the pooling after each, which halves. */
const KERNEL = 5
const POOL = 2
const CHANNELS = [16, 32] as const

/** What one convolution and its pooling leave of a side. */
const shrunk = (side: number): number => Math.floor((side - KERNEL + 1) / POOL)

export type ModelName = "cnn" | "mlp"

export const MODELS: Readonly<Record<ModelName, ModelChoice>> = {
  cnn: {
    title: "two convolutions, after LeNet",
    least: 16,
    build: (nn, { rows, columns }) =>
      new nn.Sequential(
        new nn.Conv2d(1, CHANNELS[0], KERNEL),
        new nn.ReLU(),
        new nn.MaxPool2d(POOL),
        new nn.Conv2d(CHANNELS[0], CHANNELS[1], KERNEL),
        new nn.ReLU(),
        new nn.MaxPool2d(POOL),
        new nn.Flatten(),
        new nn.Linear(CHANNELS[1] * shrunk(shrunk(rows)) * shrunk(shrunk(columns)), DIGITS),
      ),
  },
  mlp: {
    title: "one hidden layer: less exact, and quicker",
    least: 1,
    build: (nn, { rows, columns, hidden }) =>
      new nn.Sequential(
        new nn.Flatten(),
        new nn.Linear(rows * columns, hidden),
        new nn.ReLU(),
        new nn.Linear(hidden, DIGITS),
      ),
  },
}

export const MODEL_NAMES = Object.keys(MODELS) as ModelName[]

/** Makes a network. Throws, saying which one to take, where the images are too small for it. */
export function buildModel(nn: Library["nn"], name: ModelName, size: ModelSize): Model {
  const { least, build } = MODELS[name]
  if (Math.min(size.rows, size.columns) < least)
    throw new Error(
      `the images have ${size.rows} × ${size.columns} pixels, and the model ${name} needs at least ${least} × ${least}: take --model mlp`,
    )
  return build(nn, size)
}
