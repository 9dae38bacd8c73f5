/** Programs that go on and on: nothing of them may be "excessively deep". Each exports a `result`. */

const repeat = (count: number, write: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => write(i)).join("")

interface Stress {
  readonly name: string
  readonly code: string
  /** The type of the result. */
  readonly result: string
}

export const STRESS: readonly Stress[] = [
  {
    name: "cat of 60 tensors",
    code: `export const result = torch.cat([${repeat(60, (i) => `torch.rand(${i + 1}, 3), `)}])`,
    result: 'Tensor<[1830, 3], "float32">',
  },
  {
    name: "Sequential of 100 layers",
    code: `export const result = new torch.nn.Sequential(${repeat(100, (i) => `new torch.nn.Linear(${i + 1}, ${i + 2}), `)})(torch.rand(4, 1))`,
    result: 'Tensor<[4, 101], "float32">',
  },
  {
    name: "chain of 200 calls",
    code: `export const result = torch.rand(2, 3)${repeat(100, (i) => `.add(${i}).relu()`)}`,
    result: 'Tensor<[2, 3], "float32">',
  },
  {
    name: "12 dims",
    code: `const x = torch.rand(1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2)
export const result = x.add(x).transpose(0, -1).permute([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]).sum([0, 2, 4]).unsqueeze(0).matmul(torch.rand(2, 3)).reshape([2, -1, 3]).flatten()`,
    result: 'Tensor<[24], "float32">',
  },
]
