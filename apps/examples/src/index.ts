/** @taeda/examples: what the command and the playground show, written once. Nothing here knows a platform. */
export { CHAPTERS, type Chapter, tourFunction } from "./chapters.ts"
export { type IdxFile, type LabelledImages, labelledImages, type NamedBytes, parseIdx } from "./idx.ts"
export type { Library, Tensor } from "./library.ts"
export { FILES, normalized, type Split, splitOf } from "./mnist.ts"
export { buildModel, DIGITS, HIDDEN, MODEL_NAMES, MODELS, type Model, type ModelName } from "./models.ts"
export { putInScope } from "./scope.ts"
export { DEFAULT_PLAN, type Look, type TrainingPlan, type TrainingSet, train } from "./training.ts"
export {
  BULK,
  bulk,
  complete,
  labels,
  numbers,
  type Runner,
  type TableWork,
  WORK_NAMES,
  WORKS,
  worksOf,
} from "./works.ts"
