/** Layers that are made, changed and called in unusual ways. */
import * as torch from "taeda"
import { nn, type Tensor } from "taeda"
import { type Float, is, type Open } from "./equal.ts"

const anything: any = 2
const size: number = 2
const flag = size > 1
const x = torch.rand(2, 6, 8, 8)

// ---- settings that only the run knows ----
is<any>()(new nn.MaxPool2d(anything)(x), true)
is<Float<[2, number, number, number]>>()(new nn.ConvTranspose2d(6, size, size)(x), true)
is<Float<[2, 4, 16, 16]>>()(new nn.ConvTranspose2d(6, 4, 2, 2)(x), true)
is<Float<[2, 6, number, number]>>()(new nn.ReflectionPad2d(size)(x), true)
is<Float<[2, 6, number, number]>>()(new nn.ReflectionPad2d(anything)(x), true)
is<Open<"float32">>()(new nn.Flatten(anything)(x), true)
is<any>()(new nn.MaxPool2d(2, { returnIndices: flag })(x), true)
is<Open<"float32">>()(new nn.MSELoss({ reduction: flag ? "mean" : "none" })(x, x), true)

// ---- a pair of results ----
const [values, places] = new nn.MaxPool2d(2, { returnIndices: true })(x)
is<Float<[2, 6, 4, 4]>>()(values, true)
is<Tensor<[2, 6, 4, 4], "int32">>()(places, true)

// ---- unknown inputs ----
const open: Tensor = x
is<Tensor<any, any>>()(new nn.ConvTranspose2d(6, 4, 2)(open), true)
is<Tensor<any, any>>()(new nn.ReflectionPad2d(1)(open), true)
is<Tensor<[], any>>()(new nn.BCELoss()(open, open), true)
is<Tensor<[], any>>()(new nn.MarginRankingLoss()(torch.rand(3), torch.rand(3) as Tensor, torch.ones(3)), true)

// ---- what a call wants ----
is<Float<[2, 4, 17, 17]>>()(new nn.ConvTranspose2d(6, 4, 2, 2)(x, [17, 17]), true)
is<Float<[2, 4, number, number]>>()(new nn.ConvTranspose2d(6, 4, 2, 2)(x, [16 as number, 16 as number]), true)

// ---- anything passes through ----
is<number>()(new nn.Identity()(size), true)
is<string>()(new nn.Identity().forward("words") as string, true)

// ---- classes that compute something else ----
class Doubled extends nn.Linear {
  override forward(input: any) {
    return torch.cat([super.forward(input), super.forward(input)])
  }
}
is<Tensor<any, any>>()(new Doubled(8, 3)(x).dynamic(), true)

class Twice extends nn.MSELoss {
  override forward(input: Tensor, target: Tensor) {
    return super.forward(input, target).mul(2).unsqueeze(0)
  }
}
is<Tensor<any, any>>()(new Twice()(x, x).dynamic(), true)
