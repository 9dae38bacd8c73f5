import { describe, expect, test, vi } from "vitest"
import { COMPILERS } from "../src/compilers.ts"

// The compilers that run in JavaScript take their time on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** Functions of a user's library, whose declarations its own users get. */
const LIBRARY = `import * as torch from "taeda"
import { nn, type Tensor } from "taeda"

export function attend<N extends number>(q: Tensor<[N, 16, 8], "float32">, k: Tensor<[N, 16, 8], "float32">) {
  return q.matmul(k.transpose(-2, -1)).softmax(-1)
}
export const model = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Linear(256, 10))
export const logits = model(torch.rand(32, 784))
export const parts = logits.chunk(2, -1)
export const best = logits.max(1)
export const joined = torch.cat([logits, logits], 1)
export function untyped(x: Tensor) {
  return x.reshape([-1, 3]).sum(0)
}
export class Net extends nn.Module {
  fc = new nn.Linear(784, 10)
  forward<N extends number>(x: Tensor<[N, 784], "float32">) {
    return this.fc(x).relu()
  }
}
export const loader = new torch.utils.data.DataLoader(new torch.utils.data.TensorDataset(torch.rand(6, 2)))
`

const USER = `import { attend, best, joined, loader, logits, model, Net, parts, untyped } from "./library.js"
import * as torch from "taeda"
export const scores = attend(torch.rand(2, 16, 8), torch.rand(2, 16, 8))
export const again = model(torch.rand(8, 784))
export const first = parts[0]
export const { indices } = best
export const wide = joined
export const open = untyped(logits)
export const out = new Net().forward(torch.rand(3, 784))
export const batches = loader
`

describe.each(COMPILERS)("TypeScript $name", (compiler) => {
  test("declarations of functions that use the library are written, and say as much", () => {
    const { findings, texts } = compiler.declarations({ "library.ts": LIBRARY })
    expect(findings).toEqual([])
    const declarations = texts.get("library.d.ts") ?? ""
    // The declarations are checked themselves too, all of the library's among them.
    using program = compiler.compile({ "library.d.ts": declarations, "user.ts": USER }, { strictLibrary: true })
    expect(program.findings()).toEqual([])
    expect(Object.fromEntries(program.types("user.ts"))).toMatchObject({
      scores: 'Tensor<[2, 16, 16], "float32">',
      again: 'Tensor<[8, 10], "float32">',
      first: 'Tensor<[32, 5], "float32">',
      indices: 'Tensor<[32], "int32">',
      wide: 'Tensor<[32, 20], "float32">',
      open: "Tensor<[3], any>",
      out: 'Tensor<[3, 10], "float32">',
    })
  })
})
