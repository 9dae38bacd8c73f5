/** Functions that are generic in sizes: they compile as they would be written, and every call of them is inferred. It runs too. */
import * as torch from "taeda"
import { slice, type Tensor } from "taeda"
import { type Float, is } from "./equal.ts"

const { rand } = torch
const F = torch.nn.functional
const n: number = 4

// ---- joined ----
function pairOf<N extends number>(a: Float<[N, 3]>, b: Float<[N, 3]>) {
  return torch.stack([a, b])
}
is<Float<[2, 4, 3]>>()(pairOf(rand(4, 3), rand(4, 3)), true)
is<Float<[2, number, 3]>>()(pairOf(rand(n, 3), rand(n, 3)), true)

function sideBySide<N extends number>(a: Float<[N, 3]>, b: Float<[N, 5]>) {
  return torch.cat([a, b], 1)
}
is<Float<[4, 8]>>()(sideBySide(rand(4, 3), rand(4, 5)), true)

function below<N extends number>(a: Float<[N, 3]>) {
  return torch.cat([a, rand(2, 3)])
}
is<Float<[6, 3]>>()(below(rand(4, 3)), true)

// ---- layers over [batch, features] ----
function layer<B extends number, D extends number, K extends number>(
  x: Float<[B, D]>,
  weight: Float<[K, D]>,
  bias: Float<[K]>,
) {
  return F.linear(x, weight, bias).add(x.matmul(weight.t())).relu()
}
is<Float<[32, 10]>>()(layer(rand(32, 784), rand(10, 784), rand(10)), true)

function standardised<B extends number, D extends number>(x: Float<[B, D]>) {
  return x.sub(x.mean(-1, true)).div(x.std(-1, { keepdim: true }).add(1e-5))
}
is<Float<[32, 784]>>()(standardised(rand(32, 784)), true)

function affine<B extends number, D extends number>(x: Float<[B, D]>, weight: Float<[D]>, bias: Float<[D]>) {
  return torch.addcmul(bias, x, weight).lerp(x, 0.5)
}
is<Float<[32, 8]>>()(affine(rand(32, 8), rand(8), rand(8)), true)

function chosen<B extends number>(condition: Tensor<[B, 1], "bool">, x: Float<[B, 4]>) {
  return torch.where(condition, x, 0).clamp(0, 1).max(1).values
}
is<Float<[2]>>()(chosen(rand(2, 1).gt(0.5), rand(2, 4)), true)

function picked<B extends number>(logits: Float<[B, 10]>, labels: Tensor<[B], "int32">) {
  return logits.gather(1, labels.unsqueeze(1)).squeeze(1).neg()
}
is<Float<[4]>>()(picked(rand(4, 10), torch.randint(10, [4])), true)

function score<B extends number>(logits: Float<[B, 10]>, labels: Tensor<[B], "int32">) {
  const right = logits.argmax(1).eq(labels).to("float32").mean()
  return [F.crossEntropy(logits, labels), right] as const
}
is<readonly [Float<[]>, Float<[]>]>()(score(rand(4, 10), torch.randint(10, [4])), true)

// ---- over pairs ----
function distances<N extends number, M extends number, D extends number>(x: Float<[N, D]>, y: Float<[M, D]>) {
  return x.unsqueeze(1).sub(y).square().sum(-1)
}
is<Float<[2, 5]>>()(distances(rand(2, 3), rand(5, 3)), true)

function similarities<N extends number, M extends number>(x: Float<[N, 4]>, y: Float<[M, 4]>) {
  return F.normalize(x).matmul(F.normalize(y).t())
}
is<Float<[2, 5]>>()(similarities(rand(2, 4), rand(5, 4)), true)

function products<B extends number, M extends number, K extends number, N extends number>(
  x: Float<[B, M, K]>,
  y: Float<[B, K, N]>,
) {
  return [x.bmm(y), torch.einsum("bmk,bkn->bmn", x, y), torch.baddbmm(torch.zeros(1), x, y)] as const
}
is<readonly [Float<[2, 3, 5]>, Float<[2, 3, 5]>, Float<[2, 3, 5]>]>()(products(rand(2, 3, 4), rand(2, 4, 5)), true)

// ---- attention ----
function attention<B extends number, T extends number>(
  q: Float<[B, 8, T, 64]>,
  k: Float<[B, 8, T, 64]>,
  v: Float<[B, 8, T, 64]>,
  mask: Tensor<[T, T], "bool">,
) {
  const scores = q.matmul(k.transpose(-2, -1)).div(8)
  return scores.maskedFill(mask, Number.NEGATIVE_INFINITY).softmax(-1).matmul(v).transpose(1, 2).flatten(2)
}
const heads = rand(2, 8, 5, 64)
is<Float<[2, 5, 512]>>()(attention(heads, heads, heads, torch.ones(5, 5).triu(1).to("bool")), true)

function intoHeads<B extends number, T extends number>(x: Float<[B, T, 512]>) {
  return x.unflatten(-1, [8, 64]).transpose(1, 2)
}
is<Float<[2, 8, 5, 64]>>()(intoHeads(rand(2, 5, 512)), true)

function rotated<B extends number, T extends number>(x: Float<[B, T, 64]>, cos: Float<[T, 32]>, sin: Float<[T, 32]>) {
  const a = x.narrow(-1, 0, 32)
  const b = x.narrow(-1, 32, 32)
  return torch.cat([a.mul(cos).sub(b.mul(sin)), a.mul(sin).add(b.mul(cos))], -1)
}
is<Float<[2, 5, 64]>>()(rotated(rand(2, 5, 64), rand(5, 32), rand(5, 32)), true)

function embedded<B extends number, T extends number>(
  words: Tensor<[B, T], "int32">,
  table: Float<[100, 64]>,
  places: Float<[T, 64]>,
) {
  return F.embedding(words, table).add(places)
}
is<Float<[2, 5, 64]>>()(embedded(torch.randint(100, [2, 5]), rand(100, 64), rand(5, 64)), true)

function first<B extends number, T extends number>(x: Float<[B, T, 64]>) {
  return x.at(slice(), 0)
}
is<Float<[2, 64]>>()(first(rand(2, 5, 64)), true)

function counted<T extends number>(x: Float<[T, 4]>) {
  return torch.arange(x.shape[0])
}
is<Tensor<[5], "int32">>()(counted(rand(5, 4)), true)

// ---- reshaped; the result may be written down ----
function unfolded<B extends number>(x: Float<[B, 12]>): Float<[B, 3, 4]> {
  return x.reshape([x.shape[0], 3, 4])
}
is<Float<[2, 3, 4]>>()(unfolded(rand(2, 12)), true)

function rows<B extends number>(x: Float<[B, 4, 8]>) {
  return x.reshape([-1, 8])
}
is<Float<[8, 8]>>()(rows(rand(2, 4, 8)), true)

function weighed<B extends number, C extends number, H extends number, W extends number>(x: Float<[B, C, H, W]>) {
  return x.flatten(2).mean(-1).unsqueeze(-1).unsqueeze(-1).mul(x)
}
is<Float<[2, 3, 4, 5]>>()(weighed(rand(2, 3, 4, 5)), true)

// ---- over any shape and dtype ----
function centred<S extends readonly number[]>(x: Float<S>) {
  return x.sub(x.mean()).div(x.std())
}
is<Float<[2, 3]>>()(centred(rand(2, 3)), true)

function difference<S extends readonly number[]>(x: Float<S>, y: Float<S>) {
  return F.mseLoss(x, y).add(x.sub(y).abs().sum(-1))
}
is<Float<[2]>>()(difference(rand(2, 3), rand(2, 3)), true)

function twice<D extends torch.DType>(x: Tensor<[2, 3], D>) {
  return x.add(x).relu()
}
is<Tensor<[2, 3], "int32">>()(twice(torch.randint(5, [2, 3])), true)
