/** Programs to begin with, each with what there is to see in it. */

export interface TypesExample {
  readonly title: string
  readonly code: string
}

export const TYPES_EXAMPLES: readonly [TypesExample, ...TypesExample[]] = [
  {
    title: "A wrong product",
    code: `import * as torch from "taeda"

const x = torch.rand(32, 784)
const w = torch.rand(512, 10) // 784 is wanted: mend it

const logits = x.matmul(w)
console.log(logits.shape)`,
  },
  {
    title: "A network",
    code: `import * as torch from "taeda"
import { nn } from "taeda"

const model = new nn.Sequential(
  new nn.Linear(784, 256),
  new nn.ReLU(),
  new nn.Linear(256, 10),
)
const images = torch.rand(32, 784)
const labels = torch.randint(10, [32])

const logits = model(images)
const loss = new nn.CrossEntropyLoss()(logits, labels)
loss.backward()
console.log(logits.shape, await loss.item())`,
  },
  {
    title: "Broadcasting",
    code: `import * as torch from "taeda"
import type { Tensor } from "taeda"

/** Rows of mean 0, of any number. */
function centred<N extends number>(x: Tensor<[N, 3], "float32">) {
  return x.sub(x.mean(1, true))
}

const rows = centred(torch.tensor([[1, 2, 3], [4, 5, 9]]))
const table = rows.unsqueeze(1).mul(torch.rand(4, 1))
console.log(table.shape)

rows.add(torch.rand(2)) // [2, 3] and [2]: the last sizes are compared first`,
  },
  {
    title: "Images",
    code: `import * as torch from "taeda"
import { nn } from "taeda"

const features = new nn.Sequential(
  new nn.Conv2d(1, 8, 3),
  new nn.ReLU(),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
)
const x = features(torch.rand(2, 1, 28, 28))

const classify = new nn.Linear(1352, 10)
console.log(classify(x).softmax(1).argmax(1).shape)`,
  },
]
