/** Optimisers and loaders: what they take, what they remember and what they give. */
import * as torch from "taeda"
import { nn, optim, type Tensor } from "taeda"
import { type Float, is } from "./equal.ts"

const model = new nn.Sequential(new nn.Linear(4, 3), new nn.ReLU(), new nn.Linear(3, 2))

// ---- groups and options ----
const sgd = new optim.SGD(
  [{ params: model.parameters(), lr: 0.1 }, { params: new nn.Linear(2, 2).namedParameters() }],
  { lr: 0.01, momentum: 0.9 },
)
is<number>()(sgd.paramGroups[0].momentum, true)
is<readonly [number, number]>()(new optim.Adam(model.parameters()).paramGroups[0].betas, true)

/** Nothing here is called: it is refused. */
export const refused = () => {
  const parameters = model.parameters()
  // @ts-expect-error: Adam has no momentum
  new optim.Adam(parameters, { lr: 0.1, momentum: 0.9 })
  // @ts-expect-error: a misspelt option
  new optim.SGD(parameters, { lr: 0.1, momentun: 0.9 })
  // @ts-expect-error: a misspelt option of a group
  new optim.SGD([{ params: parameters, momentun: 0.9 }], { lr: 0.1 })
  // @ts-expect-error: an option of another type
  new optim.SGD([{ params: parameters, lr: "0.1" }])
  // @ts-expect-error: no such option
  sgd.addParamGroup({ params: parameters, amsgrad: true })
  // @ts-expect-error: a model is no list of parameters
  new optim.SGD(model, { lr: 0.1 })
  // @ts-expect-error: a loader has no such option
  new torch.utils.data.DataLoader(dataset, { batchsize: 4 })
}

// ---- a step, and what is remembered ----
const loss = () => {
  sgd.zeroGrad()
  const value = model(torch.rand(5, 4)).square().mean()
  value.backward()
  return value
}
is<Float<[]>>()(sgd.step(loss), true)
is<undefined>()(sgd.step(), true)
is<Tensor | undefined>()(sgd.state.get(sgd.paramGroups[0].params[0])?.momentumBuffer, true)
const takesAny = (optimizer: optim.Optimizer) => optimizer.paramGroups.length
is<number>()(takesAny(sgd), true)

// ---- loaders ----
const { DataLoader, TensorDataset, randomSplit, Subset } = torch.utils.data
const dataset = new TensorDataset(torch.rand(10, 1, 4), torch.randint(10, [10]))
for await (const [x, y] of new DataLoader(dataset, { batchSize: 4, dropLast: true })) {
  is<Float<[4, 1, 4]>>()(x, true)
  is<Tensor<[4], "int32">>()(y, true)
}
for await (const [x] of new DataLoader(dataset, 4, true, { dropLast: false })) is<Float<[number, 1, 4]>>()(x, true)
for await (const [x] of new DataLoader(dataset)) is<Float<[number, 1, 4]>>()(x, true)
const size: number = 4
for await (const [x] of new DataLoader(dataset, { batchSize: size, dropLast: true }))
  is<Float<[number, 1, 4]>>()(x, true)

const [train, test] = randomSplit(dataset, [0.8, 0.2])
for await (const [x] of new DataLoader(train, { batchSize: 2, dropLast: true })) is<Float<[2, 1, 4]>>()(x, true)
for await (const [, y] of new DataLoader(new Subset(test, [0]))) is<Tensor<[number], "int32">>()(y, true)

const names = new DataLoader(["a", "b"], { batchSize: 2, collateFn: (words: string[]) => words.join(" ") })
for await (const both of names) is<string>()(both, true)
const open: torch.utils.data.DataLoader<[Tensor, Tensor]> = new DataLoader(dataset, { batchSize: 4, dropLast: true })
for await (const [x] of open) is<Tensor>()(x, true)
