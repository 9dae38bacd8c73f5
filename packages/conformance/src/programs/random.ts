/** Seeded draws: the numbers of PyTorch's CPU generator. */

import * as core from "@taeda/core"
import { Generator, manualSeed, type Tensor } from "@taeda/core"
import { type Program, program } from "./program.ts"

/** Both sides begin with the seed 1. */
const seeded = (python: string, run: () => Tensor): Program =>
  program(`torch.manual_seed(1); ${python}`, () => {
    manualSeed(1)
    return run()
  })

const { ones, rand, randn, tensor, zeros } = core
const f64 = { dtype: "float64" } as const

export const RANDOM: readonly Program[] = [
  seeded("torch.rand(5)", () => rand(5)),
  seeded("torch.rand(2, 3, 4)", () => rand(2, 3, 4)),
  seeded("torch.rand(4, dtype=torch.float64)", () => rand(4, f64)),
  seeded("torch.rand(6, dtype=torch.float16)", () => rand(6, { dtype: "float16" })),
  seeded("torch.rand(6, dtype=torch.bfloat16)", () => rand(6, { dtype: "bfloat16" })),
  seeded("torch.rand(0, 3)", () => rand(0, 3)),
  seeded("torch.rand_like(torch.ones(3, 2).t())", () => core.randLike(ones(3, 2).t())),
  seeded("torch.randn(5)", () => randn(5)),
  seeded("torch.randn(15)", () => randn(15)),
  seeded("torch.randn(16)", () => randn(16)),
  seeded("torch.randn(3, 7)", () => randn(3, 7)),
  seeded("torch.randn(5, dtype=torch.float64)", () => randn(5, f64)),
  seeded("torch.randn(19, dtype=torch.float64)", () => randn(19, f64)),
  seeded("torch.randn(17, dtype=torch.float16)", () => randn(17, { dtype: "float16" })),
  seeded("torch.randn_like(torch.ones(4, 5))", () => core.randnLike(ones(4, 5))),
  seeded("a = torch.randn(3); b = torch.rand(2); torch.cat([a, b, torch.randn(4)])", () =>
    core.cat([randn(3), rand(2), randn(4)]),
  ),
  seeded("torch.randint(10, (8,))", () => core.randint(10, [8])),
  seeded("torch.randint(-5, 5, (2, 3))", () => core.randint(-5, 5, [2, 3])),
  seeded("torch.randint(0, 256, (5,), dtype=torch.uint8)", () => core.randint(0, 256, [5], { dtype: "uint8" })),
  seeded("torch.randint(0, 3, (4,), dtype=torch.float32)", () => core.randint(0, 3, [4], { dtype: "float32" })),
  seeded("torch.randperm(10)", () => core.randperm(10)),
  seeded("torch.randperm(1)", () => core.randperm(1)),
  seeded("torch.bernoulli(torch.tensor([0., 1., .5, .25, .75]))", () =>
    core.bernoulli(tensor([0, 1, 0.5, 0.25, 0.75])),
  ),
  seeded("torch.zeros(9).bernoulli_(0.3)", () => zeros(9).bernoulli_(0.3)),
  seeded("torch.zeros(5).uniform_(-1, 3)", () => zeros(5).uniform_(-1, 3)),
  seeded("torch.zeros(3, 6).normal_(2, 0.5)", () => zeros(3, 6).normal_(2, 0.5)),
  seeded("torch.zeros(6, 2)[:, 0].normal_(2, 0.5)", () => zeros(6, 2).select(1, 0).normal_(2, 0.5)),
  seeded("torch.normal(torch.tensor([0., 10., 100.]), torch.tensor([1., 2., 3.]))", () =>
    core.normal(tensor([0, 10, 100]), tensor([1, 2, 3])),
  ),
  seeded("torch.normal(1., 2., (4,))", () => core.normal(1, 2, [4])),
  seeded("torch.zeros(5).exponential_(2)", () => zeros(5).exponential_(2)),
  seeded("torch.zeros(5).log_normal_(0.5, 0.25)", () => zeros(5).logNormal_(0.5, 0.25)),
  seeded("torch.zeros(5).cauchy_(1, 2)", () => zeros(5).cauchy_(1, 2)),
  seeded("torch.zeros(5).geometric_(0.4)", () => zeros(5).geometric_(0.4)),
  seeded("torch.zeros(5).random_(7)", () => zeros(5).random_(7)),
  seeded("torch.multinomial(torch.tensor([.1, .2, .3, .4]), 3)", () =>
    core.multinomial(tensor([0.1, 0.2, 0.3, 0.4]), 3),
  ),
  seeded("torch.multinomial(torch.tensor([[.1, .9, 0.], [1., 2., 3.]]), 6, replacement=True)", () =>
    core.multinomial(
      tensor([
        [0.1, 0.9, 0],
        [1, 2, 3],
      ]),
      6,
      { replacement: true },
    ),
  ),
  seeded("F.dropout(torch.arange(1., 13.), 0.5)", () => core.dropout(core.arange(1, 13).to("float32"), 0.5)),
  seeded("F.dropout(torch.ones(2, 5, dtype=torch.float64), 0.2)", () => core.dropout(ones([2, 5], f64), 0.2)),
  seeded("F.dropout1d(torch.ones(2, 3, 2), 0.5)", () => core.dropout1d(ones(2, 3, 2), 0.5)),
  seeded("F.dropout2d(torch.ones(2, 3, 2, 2), 0.25)", () => core.dropout2d(ones(2, 3, 2, 2), 0.25)),
  seeded("F.dropout3d(torch.ones(2, 3, 1, 2, 2), 0.5)", () => core.dropout3d(ones(2, 3, 1, 2, 2), 0.5)),
  seeded("F.dropout(torch.ones(4), 0.5, training=False)", () => core.dropout(ones(4), 0.5, false)),
  program("g = torch.Generator().manual_seed(7); torch.rand(3, generator=g)", () =>
    rand(3, { generator: new Generator().manualSeed(7) }),
  ),
  program("g = torch.Generator().manual_seed(7); torch.rand(3, generator=g); torch.randperm(6, generator=g)", () => {
    const generator = new Generator().manualSeed(7)
    rand(3, { generator })
    return core.randperm(6, { generator })
  }),
]
