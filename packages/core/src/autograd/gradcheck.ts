/** Gradients against finite differences, in float64: PyTorch's `torch.autograd.gradcheck` and `gradgradcheck`. */
import { tensorText } from "../errors.ts"
import { tensor } from "../ops/creation.ts"
import { data } from "../ops/host.ts"
import { detach, view } from "../ops/views.ts"
import { isTensor, type Tensor } from "../tensor.ts"
import { grad } from "./engine.ts"
import { enableGrad as enabled, raw } from "./mode.ts"

/** What `gradcheck` and `gradgradcheck` can be given by name. */
export interface GradcheckOptions {
  /** The step of the differences. */
  eps?: number
  atol?: number
  rtol?: number
  /** Throws with the place and both values (default), or gives false. */
  raiseException?: boolean
}

// biome-ignore lint/suspicious/noExplicitAny: any function of tensors
type Fn = (...inputs: any[]) => Tensor | readonly Tensor[]

const outputsOf = (result: Tensor | readonly Tensor[]): Tensor[] =>
  (isTensor(result) ? [result] : [...result]).filter((t) => isTensor(t) && t.isFloatingPoint())

/** A copy of `x` with one element (row-major) moved. */
function moved(x: Tensor, values: Float64Array, at: number, by: number): Tensor {
  const copy = values.slice()
  copy[at]! += by
  return view(tensor(copy, { dtype: x.dtype, device: x.device }), x.shape)
}

/**
 * Compares the gradients of `fn`, which takes the inputs (one tensor, or an array of anything) and gives a tensor or several, with central differences. Inputs
 * that require gradients must be float64: float32 has not the digits. Resolves to true; a difference beyond
 * `atol + rtol·|numeric|` rejects, naming input, output and element.
 */
export async function gradcheck(
  fn: Fn,
  given: Tensor | readonly unknown[],
  options: GradcheckOptions = {},
): Promise<boolean> {
  const inputs = isTensor(given) ? [given] : given
  const { eps = 1e-6, atol = 1e-5, rtol = 1e-3, raiseException = true } = options
  const wanted = inputs.flatMap((x, i) => (isTensor(x) && x.requiresGrad ? [i] : []))
  if (wanted.length === 0)
    throw new Error(
      "gradcheck: expects at least one input tensor that requires gradient, but none of the inputs have requiresGrad: true",
    )
  for (const i of wanted) {
    const x = inputs[i] as Tensor
    if (x.dtype !== "float64")
      throw new TypeError(`gradcheck: input ${i} is ${tensorText(x)}; finite differences need float64`)
  }
  const outs = outputsOf(fn(...inputs))
  const perturbed = async (i: number, values: Float64Array, at: number, by: number): Promise<Float64Array[]> => {
    const args = inputs.map((x, k) => (k === i ? moved(x as Tensor, values, at, by) : isTensor(x) ? detach(x) : x))
    return Promise.all(outputsOf(raw(() => fn(...args))).map(async (o) => (await data(o)) as Float64Array))
  }
  for (const i of wanted) {
    const x = inputs[i] as Tensor
    const values = (await data(x)) as Float64Array
    const numeric: Float64Array[][] = []
    for (let at = 0; at < values.length; at++) {
      const [plus, minus] = [await perturbed(i, values, at, eps), await perturbed(i, values, at, -eps)]
      numeric.push(plus.map((p, o) => p.map((v, k) => (v - minus[o]![k]!) / (2 * eps))))
    }
    for (let o = 0; o < outs.length; o++) {
      const out = outs[o]!
      const size = out.numel()
      for (let k = 0; k < size; k++) {
        const unit = new Float64Array(size)
        unit[k] = 1
        const gradOutputs = view(tensor(unit, { dtype: out.dtype, device: out.device }), out.shape)
        const [g] = out.requiresGrad ? grad(out, x, { gradOutputs, retainGraph: true, allowUnused: true }) : [null]
        const analytic = g ? ((await data(g)) as Float64Array) : new Float64Array(values.length)
        for (let at = 0; at < values.length; at++) {
          const n = numeric[at]![o]![k]!
          const a = analytic[at]!
          if (Math.abs(a - n) <= atol + rtol * Math.abs(n)) continue
          if (!raiseException) return false
          throw new Error(
            `gradcheck: Jacobian mismatch for output ${o} with respect to input ${i}: at output element ${k}, input element ${at}: numerical ${n}, analytical ${a}`,
          )
        }
      }
    }
  }
  return true
}

/** As `gradcheck` for the gradients themselves: second derivatives, with fixed gradients of the outputs. */
export async function gradgradcheck(
  fn: Fn,
  given: Tensor | readonly unknown[],
  gradOutputs: readonly Tensor[] | null = null,
  options: GradcheckOptions = {},
): Promise<boolean> {
  const inputs = isTensor(given) ? [given] : given
  const outs = outputsOf(fn(...inputs)).filter((o) => o.requiresGrad)
  const seeds = gradOutputs ?? outs.map((o) => seedOf(o))
  const wanted = inputs.flatMap((x, i) => (isTensor(x) && x.requiresGrad ? [i] : []))
  const first = (...args: unknown[]): Tensor[] => {
    const inner = args.slice(0, inputs.length)
    const cotangents = args.slice(inputs.length) as Tensor[]
    const live = inner.map((x, i) =>
      isTensor(x) && wanted.includes(i) && !x.requiresGrad ? detach(x).requiresGrad_() : x,
    )
    const results = enabled(() => outputsOf(fn(...live))).filter((o) => o.requiresGrad)
    const xs = wanted.map((i) => live[i] as Tensor)
    return enabled(() => grad(results, xs, { gradOutputs: cotangents, createGraph: true, materializeGrads: true }))
  }
  return gradcheck(first, [...inputs, ...seeds.map((s) => detach(s).requiresGrad_())], options)
}

/** Fixed numbers of modest size, all different. */
function seedOf(o: Tensor): Tensor {
  const values = Float64Array.from({ length: o.numel() }, (_, i) => 0.5 + (((i * 7919) % 97) + 1) / 97)
  return view(tensor(values, { dtype: o.dtype, device: o.device }), o.shape)
}
