/** @taeda/data: datasets, samplers and the loader. Written in terms of Tensor alone. */
export { defaultCollate, defaultConvert } from "./collate.ts"
export { DataLoader, type DataLoaderOptions } from "./dataloader.ts"
export { ConcatDataset, Dataset, type DatasetLike, randomSplit, Subset, TensorDataset } from "./dataset.ts"
export {
  BatchSampler,
  RandomSampler,
  type Sampler,
  SequentialSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
} from "./sampler.ts"
