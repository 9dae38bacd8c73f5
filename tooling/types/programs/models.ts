/** Models that are written with no annotation but the batch's, inferred throughout. */
import * as torch from "taeda"
import { nn, type Tensor } from "taeda"
import { type Float, is } from "./equal.ts"

const n: number = 4

// ---- a perceptron ----
const mlp = new nn.Sequential(new nn.Linear(784, 256), new nn.ReLU(), new nn.Dropout(0.1), new nn.Linear(256, 10))
is<Float<[32, 10]>>()(mlp(torch.rand(32, 784)), true)
is<Float<[number, 10]>>()(mlp(torch.rand(n, 784)), true)

// ---- a convolutional network, as layers in a row and as a class ----
const convolutions = new nn.Sequential(
  new nn.Conv2d(1, 32, 3),
  new nn.BatchNorm2d(32),
  new nn.ReLU(),
  new nn.Conv2d(32, 64, 3, { padding: 1 }),
  new nn.MaxPool2d(2),
  new nn.Flatten(),
  new nn.Linear(10816, 128),
  new nn.ReLU(),
  new nn.Linear(128, 10),
)
is<Float<[2, 10]>>()(convolutions(torch.rand(2, 1, 28, 28)), true)

class ConvNet extends nn.Module {
  conv1 = new nn.Conv2d(1, 8, 3)
  conv2 = new nn.Conv2d(8, 16, 3)
  pool = new nn.MaxPool2d(2)
  fc1 = new nn.Linear(2304, 64)
  fc2 = new nn.Linear(64, 10)

  override forward<N extends number>(x: Tensor<[N, 1, 28, 28], "float32">) {
    const h = this.pool(this.conv2(this.conv1(x).relu()).relu())
    return this.fc2(this.fc1(h.flatten(1)).relu())
  }
}
const net = new ConvNet()
is<Float<[number, 10]>>()(net(torch.rand(2, 1, 28, 28)), true)
is<Float<[2, 10]>>()(net.forward(torch.rand(2, 1, 28, 28)), true)

// ---- a block of attention ----
const heads = (x: Tensor<[number, 16, 64], "float32">) => x.reshape([-1, 16, 8, 8]).transpose(1, 2)

class Block extends nn.Module {
  norm = new nn.LayerNorm(64)
  qkv = new nn.Linear(64, 192)
  proj = new nn.Linear(64, 64)
  mlp = new nn.Sequential(new nn.Linear(64, 256), new nn.GELU(), new nn.Linear(256, 64))

  override forward(x: Tensor<[number, 16, 64], "float32">) {
    const [q, k, v] = this.qkv(this.norm(x)).chunk(3, -1)
    const scores = heads(q).matmul(heads(k).transpose(-2, -1)).div(Math.sqrt(8))
    const mixed = scores.softmax(-1).matmul(heads(v))
    const y = x.add(this.proj(mixed.transpose(1, 2).reshape([-1, 16, 64])))
    return y.add(this.mlp(y))
  }
}
is<Float<[number, 16, 64]>>()(new Block()(torch.rand(2, 16, 64)), true)

// ---- words in, logits out ----
const words = new nn.Embedding(100, 64)
const head = new nn.Linear(64, 100)
const logits = head(words(torch.randint(100, [4, 16])))
is<Tensor<[4, 16, 100], any>>()(logits, true)
is<Tensor<[], any>>()(new nn.CrossEntropyLoss()(logits.flatten(0, 1), torch.randint(100, [64])), true)

// ---- a step of training, over typed batches ----
const dataset = new torch.utils.data.TensorDataset(torch.rand(20, 1, 28, 28), torch.randint(10, [20]))
const loader = new torch.utils.data.DataLoader(dataset, { batchSize: 4 })
const optimizer = new torch.optim.SGD(net.parameters(), { lr: 0.1 })
for await (const [x, y] of loader) {
  is<Float<[number, 1, 28, 28]>>()(x, true)
  is<Tensor<[number], "int32">>()(y, true)
  optimizer.zeroGrad()
  const loss = new nn.CrossEntropyLoss()(net(x), y)
  is<Float<[]>>()(loss, true)
  loss.backward()
  optimizer.step()
}
