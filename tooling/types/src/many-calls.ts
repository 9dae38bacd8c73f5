/** A program of 500 calls, of the kinds that training code is made of, no two blocks with the same sizes. */

/** The 25 calls of a block; `n` is the batch, `d` the features, `h` the heads and `c` the channels. */
const block = (k: number): string => {
  const [n, d, c] = [k + 2, 8 * (k + 1), k + 3]
  const heads = 8
  return `
{
  const x = torch.randn(${n}, ${d})
  const w = torch.randn(${d}, ${3 * d})
  const b = torch.zeros(${3 * d})
  const h = x.matmul(w).add(b)
  const [q, k, v] = h.chunk(3, -1)
  const scores = q.reshape([${n}, ${heads}, -1]).matmul(k.reshape([${n}, ${heads}, -1]).transpose(1, 2))
  const mixed = scores.div(2).softmax(-1).matmul(v.reshape([${n}, ${heads}, -1])).flatten(1)
  const normal = mixed.sub(mixed.mean(-1, true)).div(mixed.var({ dim: -1, keepdim: true }).add(1e-5).sqrt())
  const image = torch.randn(${n}, ${c}, 32, 32)
  const features = F.maxPool2d(F.conv2d(image, torch.randn(16, ${c}, 3, 3), { padding: 1 }), 2)
}
`
}

const CALLS_IN_BLOCK = 25

export const CALLS = 500

export const manyCalls = (calls = CALLS): string =>
  `import * as torch from "taeda"\nconst F = torch.nn.functional\n${Array.from({ length: calls / CALLS_IN_BLOCK }, (_, k) => block(k)).join("")}`
