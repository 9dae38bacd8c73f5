/** What the compiler infers, to the letter. It runs too: none of it fails. */
import * as torch from "taeda"
import { type Dim, slice, type Tensor } from "taeda"
import { type Float, is, type Open } from "./equal.ts"

const { rand, zeros, ones, tensor } = torch
const n: number = 4
const sizes: number[] = [2, 3]
const dynamic: Tensor = rand(2, 3)

// ---- made ----
is<Float<[2, 3]>>()(
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]),
  true,
)
is<Tensor<[2], "bool">>()(tensor([true, false]), true)
is<Float<[]>>()(tensor(3), true)
is<Float<[2, 3]>>()(zeros([2, 3]), true)
is<Float<[2, 3]>>()(rand(2, 3), true)
is<Float<[number, 3]>>()(zeros([n, 3]), true)
is<Open<"float32">>()(zeros(sizes), true)
is<Tensor<[2], "int64">>()(zeros([2], { dtype: "int64" }), true)
is<Tensor<[3], "int32">>()(torch.arange(3), true)
is<Float<[4, 5]>>()(rand([4, 5] as const), true)
is<Float<[2, 3]>>()(torch.zerosLike(rand(2, 3)), true)
is<Float<[3, 3]>>()(torch.eye(3), true)
is<Float<[2]>>()(torch.full([2], 7), true)
is<Tensor<[4, 2], "int32">>()(torch.randint(10, [4, 2]), true)

is<Tensor<[2], "int32">>()(tensor({ data: [1, 2], dtype: "int32" }), true)
is<Tensor<[2, 1], "float64">>()(
  rand(3)
    .double()
    .newTensor({ data: [[1], [2]] }),
  true,
)
is<Tensor<[3], "float64">>()(rand(3).double().newTensor(torch.arange(3)), true)

const a = rand(2, 3)
const b = rand(3, 4)
const images = rand(8, 3, 32, 32)
const batch = zeros([n, 784])

// ---- element by element ----
is<Float<[2, 3]>>()(a.relu().exp().neg(), true)
is<Float<[2, 3]>>()(a.add(1).mul(2), true)
is<Float<[2, 3]>>()(torch.pow({ self: 2, exponent: a }), true)
is<Float<[2, 3]>>()(torch.xlogy({ self: a, other: rand(3) }), true)
is<Tensor<[2, 3], "float64">>()(torch.floatPower({ self: a, exponent: 2 }), true)
is<Float<[2, 3]>>()(torch.polygamma({ n: 1, input: a }), true)
is<Tensor<[1], "int32">>()(tensor([true]).sub(1), true)
is<Float<[2]>>()(rand(2).lerp(rand(2), rand(2)), true)
is<Float<[2, 3]>>()(a.add(rand(3)), true)
is<Float<[5, 2, 3]>>()(a.add(rand(5, 1, 1)), true)
is<Float<[number, 784]>>()(batch.add(rand(784)), true)
is<Tensor<[2, 3], "bool">>()(a.lt(0), true)

// ---- dtypes ----
is<Float<[2, 3]>>()(a.add(torch.randint(5, [3])), true)
const doubles = zeros([3], { dtype: "float64" })
is<Tensor<[3], "float64">>()(rand(3).add(doubles), true)
is<Tensor<[3], "int32">>()(torch.randint(5, [3]).add(1), true)
is<Float<[3]>>()(torch.randint(5, [3]).add(1.5), true)
is<Float<[3]>>()(torch.randint(5, [3]).div(2), true)
is<Tensor<[2, 3], "float64">>()(a.to("float64"), true)
is<Tensor<[2, 3], "int32">>()(a.int(), true)
is<Float<[2, 3]>>()(torch.randint(5, [2, 3]).sqrt(), true)

// ---- products ----
is<Float<[2, 4]>>()(a.matmul(b), true)
is<Float<[2]>>()(a.matmul(rand(3)), true)
is<Float<[]>>()(rand(3).matmul(rand(3)), true)
is<Float<[8, 5, 2, 4]>>()(rand(8, 1, 2, 3).matmul(rand(5, 3, 4)), true)
is<Float<[number, 10]>>()(batch.matmul(rand(784, 10)), true)
is<Tensor<any, any>>()(dynamic.matmul(dynamic.t()), true)
is<Float<[2, 4]>>()(torch.mm(a, b), true)
is<Float<[6, 2, 4]>>()(rand(6, 2, 3).bmm(rand(6, 3, 4)), true)

// ---- reductions ----
is<Float<[]>>()(a.sum(), true)
is<Float<[2]>>()(a.sum(-1), true)
is<Float<[2, 1]>>()(a.sum(-1, true), true)
is<Float<[8, 32]>>()(images.mean([1, -1]), true)
is<Float<[8, 1, 1, 32]>>()(images.mean({ dim: [1, 2], keepdim: true }), true)
is<Float<[3]>>()(a.sum({ dim: 0 }), true)
is<Open<"float32">>()(a.sum(n - 4), true)
is<Tensor<[2], "int32">>()(a.argmax(1), true)
is<Float<[2]>>()(a.max(1).values, true)
is<Tensor<[2], "int32">>()(a.max(1).indices, true)
is<Float<[2, 3]>>()(a.softmax(-1), true)
is<Float<[2, 3]>>()(a.cumsum(0), true)
is<Float<[3]>>()(a.var(0), true)

// ---- views ----
is<Float<[6]>>()(a.reshape([6]), true)
is<Float<[3, 2]>>()(a.reshape(3, -1), true)
is<Float<[8, 3, 1024]>>()(images.view(8, 3, -1), true)
is<Float<[8, 3072]>>()(images.flatten(1), true)
is<Float<[number, 3072]>>()(zeros([n, 3, 32, 32]).flatten(1), true)
is<Float<[3, 2]>>()(a.transpose(0, 1), true)
is<Float<[8, 32, 32, 3]>>()(images.permute([0, 2, 3, 1]), true)
is<Float<[2, 3]>>()(rand(1, 2, 1, 3).squeeze(), true)
is<Float<[2, 3]>>()(rand(2, 1, 3).squeeze(1), true)
is<Float<[2, 1, 3]>>()(a.unsqueeze(1), true)
is<Float<[4, 2, 3]>>()(a.expand([4, 2, 3]), true)
is<Float<[2, 5]>>()(rand(2, 1).expand([-1, 5]), true)

// ---- joined and taken apart ----
is<Float<[7, 3]>>()(torch.cat([a, rand(5, 3)]), true)
is<Float<[2, 9]>>()(torch.cat([a, a, a], -1), true)
is<Float<[3, 2, 3]>>()(torch.stack([a, a, a]), true)
is<Float<[2, 3, 2]>>()(torch.stack([a, a], -1), true)
const [q, k] = rand(8, 192).chunk(3, -1)
is<Float<[8, 64]>>()(q, true)
is<Float<[8, 64]>>()(k, true)

// ---- indices ----
is<Float<[3]>>()(a.at(0), true)
is<Float<[2]>>()(a.at("...", 0), true)
is<Float<[1, 2]>>()(a.at(slice(0, 1), slice(null, -1)), true)
is<Float<[2, 1, 3]>>()(a.at(slice(), null), true)
is<Float<[8, 3, 32]>>()(images.at("...", -1), true)
is<Float<[5, 3]>>()(a.at(torch.randint(2, [5])), true)
is<Float<[3]>>()(a.at(n - 4), true)
is<Float<[2, 2]>>()(a.indexSelect(1, torch.tensor([0, 2], { dtype: "int32" })), true)

// ---- gradients ----
const w = rand([2, 3], { requiresGrad: true })
is<Float<[2, 3]> | null>()(w.grad, true)

// ---- names for sizes, and leaving the types ----
type B = Dim<"batch">
const some = rand(n, 784) as Tensor<[B, 784], "float32">
is<Float<[B, 10]>>()(some.matmul(rand(784, 10)).add(rand(10)), true)
is<Float<[B, 784]>>()(some.add(some), true)
is<Float<[2, 3]>>()(dynamic.to("float32").expect([2, 3]), true)
is<Open<"float32">>()(a.dynamic(), true)
let x: Tensor = a
x = x.t()
x = x.sum()
is<Tensor<any, any>>()(x, true)

// ---- functions ----
function classify<N extends number>(input: Tensor<[N, 784], "float32">) {
  return input.matmul(rand(784, 10)).add(rand(10)).softmax(-1)
}
is<Float<[32, 10]>>()(classify(rand(32, 784)), true)
is<Float<[number, 10]>>()(classify(batch), true)
is<Float<[B, 10]>>()(classify(some), true)
is<Float<[3, 3]>>()(ones(3, 3).mm(ones(3, 3)), true)

// ---- tensors of several shapes at once ----
const several = [rand(2, 3), rand(4), tensor([true])]
is<Tensor<[2, 3] | [4] | [1], "float32" | "bool">[]>()(
  several.map((each) => each.clone()),
  true,
)
for (const each of several) each.mul(2).sum(-1).reshape([-1])

// ---- sizes of many digits; the tensors themselves are never made ----
is<() => Float<[38597376]>>()(() => zeros(50257, 768).flatten(), true)
is<() => Float<[16777216]>>()(() => zeros(4096, 4096).reshape([-1]), true)
is<() => Float<[50257, 768]>>()(() => zeros(38597376).reshape([-1, 768]), true)
is<() => Float<[1000, 2147483]>>()(() => zeros(2147483000).reshape([1000, -1]), true)
is<() => Float<[124245]>>()(() => torch.cat([zeros(123456), zeros(789)]), true)
is<() => Float<[1, 1, 99999]>>()(
  () => torch.nn.functional.conv1d(zeros(1, 1, 100000), zeros(1, 1, 4), { padding: 1 }),
  true,
)
is<() => Float<[0, 3]>>()(() => zeros(0).reshape([-1, 3]), true)
