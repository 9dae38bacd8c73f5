/** Training from a seed: the losses, each of which hangs on all that a step does and on all steps before. */

import { manualSeed, randint, randn, type Tensor } from "@taeda/core"
import * as nn from "@taeda/nn"
import * as optim from "@taeda/optim"
import type { Closeness } from "../compare.ts"

/** Steps that PyTorch took for the golden values. */
export const STEPS = 200

const BATCH = 16

type Model = nn.Module<(x: Tensor) => Tensor>

/** What a training begins with, drawn from the seed in this order. */
interface Beginning {
  readonly x: Tensor
  readonly y: Tensor
  /** The samples of every step, [steps, batch]. */
  readonly order: Tensor
  readonly model: Model
}

export interface Training {
  readonly name: string
  /** The same in Python, over `torch`; its last line is the losses, [steps]. */
  readonly python: string
  begin(): Beginning
  optimizer(model: Model): Pick<optim.Optimizer, "zeroGrad" | "step" | "state">
  loss(): nn.Module<(output: Tensor, target: Tensor) => Tensor>
  /** How near every loss must come, from the first to the last: what rounding parts, these two trainings bring together again. */
  readonly close: Closeness
}

const orderOf = (count: number): Tensor => randint(count, [STEPS, BATCH])

const python = (begin: string, optimizer: string, loss: string): string => `
${begin.trim()}
optimizer = torch.optim.${optimizer}
loss_of = torch.nn.${loss}
losses = []
for rows in order:
    loss = loss_of(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.detach())
torch.stack(losses)
`

export const TRAINING: readonly Training[] = [
  {
    name: "mlp, SGD with momentum",
    python: python(
      `
torch.manual_seed(1)
x = torch.randn(128, 8)
y = (x @ torch.randn(8, 3)).tanh()
order = torch.randint(128, (${STEPS}, ${BATCH}))
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))`,
      "SGD(model.parameters(), lr=0.05, momentum=0.9)",
      "MSELoss()",
    ),
    begin() {
      manualSeed(1)
      const x = randn(128, 8)
      const y = x.matmul(randn(8, 3)).tanh()
      const order = orderOf(128)
      const model = new nn.Sequential(new nn.Linear(8, 16), new nn.Tanh(), new nn.Linear(16, 3)) as Model
      return { x, y, order, model }
    },
    optimizer: (model) => new optim.SGD(model.parameters(), { lr: 0.05, momentum: 0.9 }),
    loss: () => new nn.MSELoss(),
    // PyTorch's curves with and without vector instructions are up to 2.4e-7 apart, and its float64 curve 7e-8.
    close: { rtol: 0, atol: 1e-6 },
  },
  {
    name: "cnn, Adam",
    python: python(
      `
torch.manual_seed(2)
y = torch.randint(4, (96,))
x = torch.randn(4, 1, 12, 12)[y] + torch.randn(96, 1, 12, 12)
order = torch.randint(96, (${STEPS}, ${BATCH}))
model = torch.nn.Sequential(
    torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
    torch.nn.Conv2d(4, 8, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
    torch.nn.Flatten(), torch.nn.Linear(8, 4))`,
      "Adam(model.parameters(), lr=0.01)",
      "CrossEntropyLoss()",
    ),
    begin() {
      manualSeed(2)
      const y = randint(4, [96])
      const x = randn(4, 1, 12, 12)
        .at(y)
        .add(randn(96, 1, 12, 12))
      const order = orderOf(96)
      const model = new nn.Sequential(
        ...[new nn.Conv2d(1, 4, 3), new nn.ReLU(), new nn.MaxPool2d(2)],
        ...[new nn.Conv2d(4, 8, 3), new nn.ReLU(), new nn.MaxPool2d(2)],
        ...[new nn.Flatten(), new nn.Linear(8, 4)],
      ) as Model
      return { x, y, order, model }
    },
    optimizer: (model) => new optim.Adam(model.parameters(), { lr: 0.01 }),
    loss: () => new nn.CrossEntropyLoss(),
    // PyTorch's curves of its two convolutions (with and without oneDNN) are up to 1.7e-6 apart, and its float64 curve 2.3e-7.
    close: { rtol: 0, atol: 5e-6 },
  },
]
