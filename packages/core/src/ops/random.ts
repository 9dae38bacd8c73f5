/**
 * Random tensors. On devices whose stream is the host's mt19937 (cpu-js, wasm) the same seed gives PyTorch's CPU numbers, in
 * the same order; elsewhere Philox makes them on the device, the same numbers on each such device.
 */
import { type Args, op } from "../args.ts"
import { checkInPlace, recordInPlace } from "../autograd/inplace.ts"
import { OpNode, type Rule } from "../autograd/node.ts"
import { type Device, deviceByName } from "../device.ts"
import { computeType, DEFAULT_INT, DTYPES, type DType, getDefaultDtype, isFloating, type TypedArray } from "../dtype.ts"
import { tensorText, valueText } from "../errors.ts"
import { constant, type Expr, where } from "../expr.ts"
import { encodeHalf } from "../half.ts"
import { type Argument, runMap } from "../kernels.ts"
import { denseStrides } from "../layout.ts"
import { Generator } from "../random/generator.ts"
import { philox, unitInterval } from "../random/philox.ts"
import {
  bernoulliFrom,
  type FloatArray,
  type FloatDType,
  fillBernoulli,
  fillCauchy,
  fillExponential,
  fillGeometric,
  fillLogNormal,
  fillNormal,
  fillNormalSingly,
  fillRandint,
  fillRandom,
  fillUniform,
  multinomial as multinomialOf,
  permutation,
} from "../random/sampling.ts"
import { contiguousStrides, numelOf, type Sizes } from "../shape.ts"
import { allocate, isTensor, needsGrad, Tensor } from "../tensor.ts"
import type { IsKnown } from "../types/arithmetic.ts"
import type { Factory, Like, Wanted, WantedIn } from "../types/creation.ts"
import type { DefaultFloat, DefaultInt, PromoteTypes } from "../types/dtype.ts"
import type { Elementwise } from "../types/patterns.ts"
import type { Arg, Broadcast, Known, Ok, Shape } from "../types/shape.ts"
import type { Family, FunctionOf, MethodsOf, OwnShape } from "../types/signature.ts"
import { add, mul } from "./arithmetic.ts"
import { checkDtype, to } from "./conversion.ts"
import { writeInto } from "./copying.ts"
import { checkSizes, deviceFor, type TensorOptions } from "./creation.ts"
import { dataSync, fromBits } from "./host.ts"
import { detach, expand } from "./views.ts"

export { Generator } from "../random/generator.ts"

export interface Draw {
  /** The stream to draw from; by default the one that `manualSeed` seeds. */
  generator?: Generator | null
}
type RandomOptions<E extends DType = DType> = TensorOptions<E> & Draw

export interface RandomOps {
  /** Fills with uniform numbers of [from, to). */
  uniform_: Elementwise<"same", Args<[["from", number], ["to", number]], Draw>>
  normal_: Elementwise<"same", Args<[["mean", number], ["std", number]], Draw>>
  /** Draws of exp(a normal number of that mean and standard deviation). */
  logNormal_: Elementwise<"same", Args<[["mean", number], ["std", number]], Draw>>
  /** Draws of the exponential distribution of rate `lambd`. */
  exponential_: Elementwise<"same", Args<[["lambd", number]], Draw>>
  /** Draws of the Cauchy distribution around `median`, of width `sigma`. */
  cauchy_: Elementwise<"same", Args<[["median", number], ["sigma", number]], Draw>>
  /** Draws of the number of trials up to the first success of probability `p`. */
  geometric_: Elementwise<"same", Args<[["p", number]], Draw>>
  /** Fills with ones of probability `p` (a number, or a tensor of probabilities) and zeros. */
  bernoulli_: Elementwise<"same", Args<[["p", number | Tensor]], Draw>>
  /** Fills with integers of [from, to), by default all that the dtype represents from 0 on. */
  random_: Elementwise<"same", Args<[["from", number], ["to", number | null]], Draw>>
  /** Ones with the probabilities that the input holds, and zeros. */
  bernoulli: Elementwise<"same", Args<[], Draw>>
  /** `numSamples` indices per row, drawn by the weights in the row. */
  multinomial: Multinomial
}

// biome-ignore-start lint/suspicious/noExplicitAny: what is not known to the compiler
interface Multinomial {
  method: <
    Self extends Tensor,
    const N extends number | { numSamples: number; replacement?: boolean } =
      | number
      | { numSamples: number; replacement?: boolean },
  >(
    this: Self,
    numSamples: N,
    ...args: Args<[["replacement", boolean]], Draw>
  ) => Tensor<Samples<OwnShape<Self>, N>, "int32">
  function: <S extends Shape, D extends DType, const N extends number | { numSamples: number; replacement?: boolean }>(
    input: Tensor<S, D>,
    numSamples: N,
    ...args: Args<[["replacement", boolean]], Draw>
  ) => Tensor<Samples<S, N>, "int32">
}
type Samples<S extends Shape, N> = number extends S["length"]
  ? any
  : S extends readonly [...infer B extends Shape, number]
    ? [...B, N extends number ? (IsKnown<N> extends true ? N : number) : number]
    : any

// biome-ignore-end lint/suspicious/noExplicitAny: as above

export interface RandomMethods extends MethodsOf<RandomOps> {}

// ---- the default streams ----

let hostGenerator: Generator | null = null
const philoxState = { seed: 0n, offset: 0 }

/** The generator behind every random op that is given none. */
export const defaultGenerator = (): Generator => (hostGenerator ??= new Generator())

/** Seeds the default generator of every device and returns it. */
export function manualSeed(seed: number | bigint): Generator {
  const generator = defaultGenerator().manualSeed(seed)
  philoxState.seed = generator.initialSeed()
  philoxState.offset = 0
  return generator
}

/** Seeds with a number that cannot be foreseen, and returns it. */
export function seed(): bigint {
  const value = defaultGenerator().seed()
  manualSeed(value)
  return value
}

/** The seed of the default generator. */
export const initialSeed = (): bigint => defaultGenerator().initialSeed()
/** The default generator's state, PyTorch's bytes: uint8[5056]. */
export const getRngState = (): Uint8Array => defaultGenerator().getState()
/** Puts the default generator into a state that `getRngState` gave. */
export const setRngState = (state: Uint8Array): void => void defaultGenerator().setState(state)

// ---- distributions: on the host and on the device ----

interface Distribution {
  readonly name: string
  readonly parameters: readonly number[]
  /** Fills host memory; `contiguous` is the tensor's own. */
  host(generator: Generator, out: TypedArray, dtype: DType, contiguous: boolean): void
  /** From four random words and the parameters. */
  device(words: readonly [Expr, Expr, Expr, Expr], parameters: readonly Expr[], type: "float32" | "float64"): Expr
}

/** Uniform on (0, 1], so that its logarithm is finite. */
const positiveUnit = (w: Expr, type: "float32" | "float64"): Expr => constant(1, type).sub(unitInterval(w, type))
const gaussian = (w: readonly Expr[], type: "float32" | "float64"): Expr =>
  positiveUnit(w[0]!, type)
    .log()
    .mul(-2)
    .sqrt()
    .mul(
      unitInterval(w[1]!, type)
        .mul(2 * Math.PI)
        .cos(),
    )

const uniform = (from: number, to: number): Distribution => ({
  name: "uniform",
  parameters: [from, to],
  host: (g, out, dtype) => fillUniform(g, out as FloatArray, from, to, dtype as FloatDType),
  device: (w, [a, b], t) => a!.add(unitInterval(w[0], t).mul(b!.sub(a!))),
})
const normalDistribution = (mean: number, std: number): Distribution => ({
  name: "normal",
  parameters: [mean, std],
  host: (g, out, dtype, contiguous) =>
    contiguous
      ? fillNormal(g, out as FloatArray, mean, std, dtype as FloatDType)
      : fillNormalSingly(g, out as FloatArray, mean, std),
  device: (w, [m, s], t) => m!.add(gaussian(w, t).mul(s!)),
})
const logNormal = (mean: number, std: number): Distribution => ({
  name: "logNormal",
  parameters: [mean, std],
  host: (g, out) => fillLogNormal(g, out as FloatArray, mean, std),
  device: (w, [m, s], t) => m!.add(gaussian(w, t).mul(s!)).exp(),
})
const exponential = (lambd: number): Distribution => ({
  name: "exponential",
  parameters: [lambd],
  host: (g, out) => fillExponential(g, out as FloatArray, lambd),
  device: (w, [l], t) => positiveUnit(w[0], t).log().neg().div(l!),
})
const cauchy = (median: number, sigma: number): Distribution => ({
  name: "cauchy",
  parameters: [median, sigma],
  host: (g, out) => fillCauchy(g, out as FloatArray, median, sigma),
  device: (w, [m, s], t) => m!.add(s!.mul(unitInterval(w[0], t).sub(0.5).mul(Math.PI).tan())),
})
const geometric = (p: number): Distribution => ({
  name: "geometric",
  parameters: [p],
  host: (g, out) => fillGeometric(g, out, p),
  device: (w, [q], t) => positiveUnit(w[0], t).log().div(q!.neg().log1p()).ceil(),
})
const bernoulliDistribution = (p: number): Distribution => ({
  name: "bernoulli",
  parameters: [p],
  host: (g, out) => fillBernoulli(g, out, p),
  device: (w, [q], t) => unitInterval(w[0], t).lt(q!).cast(t),
})
const integers = (low: number, high: number | null): Distribution => ({
  name: "randint",
  parameters: [low, high ?? 2 ** 24],
  host: (g, out, dtype) => fillRandint(g, out, low, high, dtype),
  device: (w, [a, b], t) => a!.add(unitInterval(w[0], t).mul(b!.sub(a!)).floor()),
})
const allIntegers: Distribution = {
  ...integers(0, null),
  name: "random",
  host: (g, out, dtype) => fillRandom(g, out, dtype),
}

function checkGenerator(name: string, generator: unknown): Generator | null {
  if (generator === undefined || generator === null) return null
  if (!(generator instanceof Generator))
    throw new TypeError(`${name}: generator must be a Generator, got ${valueText(generator)}`)
  return generator
}

/** Memory that a fill function takes: half types as float32, rounded afterwards. */
const hostMemory = (dtype: DType, n: number): TypedArray => new DTYPES[computeType(dtype)].array(n)
const bitsOf = (values: TypedArray, dtype: DType): TypedArray =>
  dtype === "float16" || dtype === "bfloat16" ? encodeHalf(values as Float32Array, dtype) : values

/** Overwrites `out` with draws; nothing is recorded. */
function drawInto(out: Tensor, d: Distribution, generator: Generator | null): Tensor {
  const { device } = out
  if (device.backend.capabilities.random === "philox") {
    drawOnDevice(out, d, generator)
    return out
  }
  const values = hostMemory(out.dtype, out.numel())
  d.host(generator ?? defaultGenerator(), values, out.dtype, out.isContiguous())
  // PyTorch draws in the order of memory, whatever the order of the dims.
  const order = out.shape.map((_, dim) => dim).sort((a, b) => out.strides[b]! - out.strides[a]! || a - b)
  const inMemory = new Tensor(
    out.storage,
    order.map((dim) => out.shape[dim]!),
    order.map((dim) => out.strides[dim]!),
    out.offset,
    out.dtype,
  )
  writeInto(inMemory, fromBits(device, bitsOf(values, out.dtype), inMemory.shape, out.dtype))
  return out
}

function drawOnDevice(out: Tensor, d: Distribution, generator: Generator | null): void {
  const type = out.dtype === "float64" ? "float64" : "float32"
  // A generator of one's own seeds the stream of each draw; the default one counts the draws.
  const key = generator ? generator.random64() : philoxState.seed
  const offset = generator ? 0 : philoxState.offset++
  const scalars: Argument[] = [
    { value: Number(key & 0xffffffffn), dtype: "uint32" as DType },
    { value: Number(key >> 32n), dtype: "uint32" as DType },
    { value: offset >>> 0, dtype: "uint32" as DType },
    ...d.parameters.map((value): Argument => ({ value, dtype: type })),
    ...out.shape.map((value): Argument => ({ value, dtype: "int32" })),
  ]
  runMap([out], { key: `random ${d.name}`, scalars, coordinates: true }, ({ scalars: s, at }) => {
    const sizes = s.slice(3 + d.parameters.length)
    const linear = at.reduce<Expr>((sum, i, k) => sum.mul(sizes[k]!).add(i), constant(0, "int32")).cast("uint32")
    const none = constant(0, "uint32")
    return d.device(philox([linear, none, s[2]!, none], [s[0]!, s[1]!]), s.slice(3, 3 + d.parameters.length), type)
  })
}

function drawNew(
  device: Device,
  shape: Sizes,
  strides: Sizes,
  dtype: DType,
  d: Distribution,
  generator: Generator | null,
): Tensor {
  device.requireDtype(d.name, dtype)
  const contiguous = contiguousStrides(shape)
  if (device.backend.capabilities.random === "philox" || strides.some((s, i) => s !== contiguous[i]))
    return drawInto(allocate(device, shape, strides, dtype), d, generator)
  const values = hostMemory(dtype, numelOf(shape))
  d.host(generator ?? defaultGenerator(), values, dtype, true)
  return fromBits(device, bitsOf(values, dtype), shape, dtype)
}

function withGrad(x: Tensor, requiresGrad: unknown): Tensor {
  if (requiresGrad) x.requiresGrad = true
  return x
}

function floatType(name: string, dtype: unknown): DType {
  const kind = checkDtype(name, dtype) ?? getDefaultDtype()
  if (!isFloating(kind)) throw new TypeError(`${name}: needs a floating dtype, got ${kind}; for integers use randint`)
  return kind
}

const OPTIONS = "*, generator?, dtype?, device?, requiresGrad?"

const factory = (name: string, d: Distribution): Factory<Draw> =>
  op(
    `${name}(...size, ${OPTIONS})`,
    (size: unknown, generator: unknown, dtype: unknown, device: unknown, requiresGrad: unknown) => {
      const shape = checkSizes(name, size ?? [])
      const kind = floatType(name, dtype)
      return withGrad(
        drawNew(deviceFor(name, device), shape, contiguousStrides(shape), kind, d, checkGenerator(name, generator)),
        requiresGrad,
      )
    },
  )

/** Uniform numbers of [0, 1): `rand(2, 3)` or `rand([2, 3], { generator, dtype, device, requiresGrad })`. */
export const rand = factory("rand", uniform(0, 1))
/** Normal numbers of mean 0 and standard deviation 1. */
export const randn = factory("randn", normalDistribution(0, 1))

const like = (name: string, d: Distribution): Like<Draw> =>
  op(
    `${name}(input, ${OPTIONS})`,
    (x: Tensor, generator: unknown, dtype: unknown, device: unknown, requiresGrad: unknown) => {
      const kind = floatType(name, dtype ?? x.dtype)
      const where = device === undefined || device === null ? x.device : deviceByName(name, device as string | Device)
      return withGrad(
        drawNew(where, x.shape, denseStrides(x.shape, x.strides), kind, d, checkGenerator(name, generator)),
        requiresGrad,
      )
    },
  )

/** Uniform draws from [0, 1), in the input's shape, dtype and device. */
export const randLike = like("randLike", uniform(0, 1))
/** Standard normal draws, in the input's shape, dtype and device. */
export const randnLike = like("randnLike", normalDistribution(0, 1))

function checkRange(name: string, low: unknown, high: unknown): void {
  for (const v of [low, high])
    if (typeof v !== "number" || !Number.isInteger(v))
      throw new TypeError(`${name}: low and high must be integers, got ${valueText(low)} and ${valueText(high)}`)
  if ((low as number) >= (high as number))
    throw new RangeError(`${name}: random_ expects 'from' to be less than 'to', but got from=${low} >= to=${high}`)
}

type RandintArgs =
  | readonly [high: number, size: readonly number[], options?: RandomOptions]
  | readonly [low: number, high: number, size: readonly number[], options?: RandomOptions]
type SizeIn<A extends readonly unknown[]> = Extract<A[number], readonly number[]>

const RANDINT = op<(...args: unknown[]) => Tensor>(
  `randint(low, high, size, ${OPTIONS})`,
  (
    low: number,
    high: number,
    size: unknown,
    generator: unknown,
    dtype: unknown,
    device: unknown,
    requiresGrad: unknown,
  ) => {
    checkRange("randint", low, high)
    const shape = checkSizes("randint", size)
    const kind = checkDtype("randint", dtype) ?? DEFAULT_INT
    return withGrad(
      drawNew(
        deviceFor("randint", device),
        shape,
        contiguousStrides(shape),
        kind,
        integers(low, high),
        checkGenerator("randint", generator),
      ),
      requiresGrad,
    )
  },
)

/** Integers of [low, high), int32: `randint(10, [2, 3])` or `randint(5, 10, [2, 3])`. */
export const randint = <const A extends RandintArgs>(...args: A): Tensor<Known<SizeIn<A>>, WantedIn<A, DefaultInt>> =>
  Array.isArray(args[1]) ? RANDINT(0, ...args) : RANDINT(...args)

/** Integers of [low, high) in the shape and dtype of the input. */
export const randintLike = <S extends Shape, D extends DType>(
  input: Tensor<S, D>,
  ...args: [high: number] | [low: number, high: number]
): Tensor<S, D> => {
  const [low, high] = args.length === 1 ? [0, args[0]] : args
  checkRange("randintLike", low, high)
  return drawNew(
    input.device,
    input.shape,
    denseStrides(input.shape, input.strides),
    input.dtype,
    integers(low, high),
    null,
  ) as Tensor<S, D>
}

type Permutation = <const A extends Args<[["n", number]], RandomOptions>>(
  ...args: A
) => Tensor<Known<[A extends readonly [infer N extends number, ...unknown[]] ? N : number]>, WantedIn<A, DefaultInt>>
/** The integers 0 to n − 1 in random order, int32. */
export const randperm: Permutation = op(
  `randperm(n, ${OPTIONS})`,
  (n: number, generator: unknown, dtype: unknown, device: unknown) => {
    const kind = checkDtype("randperm", dtype) ?? DEFAULT_INT
    const order = permutation(checkGenerator("randperm", generator) ?? defaultGenerator(), n)
    const out = fromBits(deviceFor("randperm", device), order, [n], "int32")
    return kind === "int32" ? out : to(out, kind)
  },
)

// biome-ignore-start lint/suspicious/noExplicitAny: what is not known to the compiler
type Normal = <
  const M extends number | Tensor | NormalByName = 0,
  const N extends number | Tensor | Omit<NormalByName, "mean"> = 1,
  const S extends readonly number[] | Omit<NormalByName, "mean" | "std"> = [],
  E extends DType = never,
>(
  mean?: M,
  std?: Arg<NormalShape<M, N, S>, N>,
  size?: S,
  options?: RandomOptions<E>,
) => Tensor<Ok<NormalShape<M, N, S>>, NormalDType<M, N, S, E>>
type NormalByName = { mean?: number | Tensor; std?: number | Tensor; size?: readonly number[] } & RandomOptions
type ShapeOf<X> = X extends Tensor<infer S, infer _D> ? S : X extends number ? [] : any
/** Of numbers the size says how many; anything by name is left to the run. */
type NormalShape<M, N, S> = [M, N] extends [number, number]
  ? S extends readonly number[]
    ? Known<S>
    : any
  : Broadcast<ShapeOf<M>, ShapeOf<N>, "add">
type NormalDType<M, N, S, E extends DType> = [M, N] extends [number, number]
  ? S extends readonly number[]
    ? Wanted<E, DefaultFloat>
    : any
  : M extends Tensor<infer _S, infer D>
    ? N extends Tensor<infer _R, infer F>
      ? PromoteTypes<D, F>
      : D
    : N extends Tensor<infer _R, infer F>
      ? F
      : any

// biome-ignore-end lint/suspicious/noExplicitAny: as above
/**
 * Normal numbers of the means and standard deviations given, numbers or tensors that broadcast; with two numbers `size` says
 * how many.
 */
export const normal: Normal = op(
  `normal(mean?, std?, size?, ${OPTIONS})`,
  (
    mean: number | Tensor = 0,
    std: number | Tensor = 1,
    size: unknown,
    generator: unknown,
    dtype: unknown,
    device: unknown,
  ) => {
    const g = checkGenerator("normal", generator)
    if (!isTensor(mean) && !isTensor(std)) {
      if (std < 0) throw new RangeError(`normal: expects std >= 0.0, but found std ${std}`)
      const shape = checkSizes("normal", size)
      return drawNew(
        deviceFor("normal", device),
        shape,
        contiguousStrides(shape),
        floatType("normal", dtype),
        normalDistribution(mean, std),
        g,
      )
    }
    const model = isTensor(mean) && isTensor(std) ? add(mean, std) : isTensor(mean) ? mean : (std as Tensor)
    const unit = drawNew(
      model.device,
      model.shape,
      contiguousStrides(model.shape),
      model.dtype,
      normalDistribution(0, 1),
      g,
    )
    return detach(add(mul(unit, std), mean))
  },
)

const rule = (name: string): Rule => ({ name, backward: () => [null] })

/** An in-place fill with draws, recorded as one that forgets what was there. */
function inPlace<N extends keyof RandomOps>(
  name: N extends `${infer M}_` ? M : never,
  parameters: string,
  node: string,
  make: (...args: number[]) => Distribution,
  accepts: (dtype: DType) => boolean = isFloating,
) {
  const by = rule(node)
  const count = parameters.split(",").length
  return op<FunctionOf<RandomOps[N]>>(
    `${name}_(input, ${parameters}, *, generator?)`,
    (x: Tensor, ...args: unknown[]) => {
      const generator = checkGenerator(`${name}_`, args[count])
      if (!accepts(x.dtype)) throw new TypeError(`${name}_: takes floating tensors, got ${tensorText(x)}`)
      checkInPlace(name, x)
      const d = make(...(args.slice(0, count) as number[]))
      const recorded = needsGrad([x]) ? new OpNode(by, [x], [], null) : null
      if (recorded) recorded.outputs = [{ shape: x.shape, dtype: x.dtype, device: x.device }]
      drawInto(x, d, generator)
      recordInPlace(x, recorded)
      return x
    },
  )
}

export const uniform_ = inPlace<"uniform_">("uniform", "from?, to?", "UniformBackward0", (from = 0, to = 1) =>
  uniform(from, to),
)
export const normal_ = inPlace<"normal_">("normal", "mean?, std?", "NormalBackward0", (mean = 0, std = 1) => {
  if (std < 0) throw new RangeError(`normal_: expects std >= 0.0, but found std ${std}`)
  return normalDistribution(mean, std)
})
export const logNormal_ = inPlace<"logNormal_">("logNormal", "mean?, std?", "LogNormalBackward0", (mean = 1, std = 2) =>
  logNormal(mean, std),
)
export const exponential_ = inPlace<"exponential_">("exponential", "lambd?", "ExponentialBackward0", (lambd = 1) =>
  exponential(lambd),
)
export const cauchy_ = inPlace<"cauchy_">("cauchy", "median?, sigma?", "CauchyBackward0", (median = 0, sigma = 1) =>
  cauchy(median, sigma),
)
export const geometric_ = inPlace<"geometric_">(
  "geometric",
  "p",
  "GeometricBackward0",
  (p: number) => geometric(p),
  () => true,
)
export const random_ = inPlace<"random_">(
  "random",
  "from?, to?",
  "RandomBackward0",
  (from?: number, to?: number | null) =>
    from === undefined ? allIntegers : to === undefined ? integers(0, from) : integers(from, to),
  () => true,
)

const bernoulliNumber_ = inPlace<"bernoulli_">(
  "bernoulli",
  "p?",
  "BernoulliBackward1",
  (p = 0.5) => bernoulliDistribution(p),
  () => true,
)

export const bernoulli_: FunctionOf<RandomOps["bernoulli_"]> = op(
  "bernoulli_(input, p?, *, generator?)",
  (x: Tensor, p: number | Tensor = 0.5, generator?: Generator) => {
    if (!isTensor(p)) return bernoulliNumber_(x, p, { generator: generator ?? null })
    checkInPlace("bernoulli", x)
    writeInto(x, bernoulliLike(expand(p, x.shape), checkGenerator("bernoulli_", generator)))
    recordInPlace(x, null)
    return x
  },
)

function bernoulliLike(p: Tensor, generator: Generator | null): Tensor {
  if (!p.isFloatingPoint())
    throw new TypeError(`bernoulli: expected probabilities of a floating dtype, got ${tensorText(p)}`)
  if (p.device.backend.capabilities.random === "philox") {
    const u = drawNew(p.device, p.shape, contiguousStrides(p.shape), p.dtype, uniform(0, 1), generator)
    const out = allocate(p.device, p.shape, contiguousStrides(p.shape), p.dtype)
    runMap([out], { key: "bernoulli", inputs: [u, p] }, ({ inputs: [a, b] }) =>
      where(a!.lt(b!), constant(1, a!.dtype), constant(0, a!.dtype)),
    )
    return out
  }
  const probs = dataSync(p, "bernoulliSync") as FloatArray
  const values = hostMemory(p.dtype, p.numel())
  bernoulliFrom(generator ?? defaultGenerator(), values, probs)
  return fromBits(p.device, bitsOf(values, p.dtype), p.shape, p.dtype)
}

export const bernoulli: FunctionOf<RandomOps["bernoulli"]> = op(
  "bernoulli(input, *, generator?)",
  (x: Tensor, generator?: Generator) => bernoulliLike(x, checkGenerator("bernoulli", generator)),
)

export const multinomial: FunctionOf<RandomOps["multinomial"]> = op(
  "multinomial(input, numSamples, replacement?, *, generator?)",
  (x: Tensor, numSamples: number, replacement = false, generator?: Generator) => {
    if (!x.isFloatingPoint())
      throw new TypeError(`multinomial: only supports floating-point dtypes for input, got ${tensorText(x)}`)
    if (x.ndim !== 1 && x.ndim !== 2)
      throw new RangeError(`multinomial: prob_dist must be 1 or 2 dim, got ${tensorText(x)}`)
    const rows = x.ndim === 2 ? x.shape[0]! : 1
    const columns = x.shape[x.ndim - 1]!
    const picked = multinomialOf(
      checkGenerator("multinomial", generator) ?? defaultGenerator(),
      dataSync(x, "multinomialSync") as FloatArray,
      rows,
      columns,
      numSamples,
      replacement,
      x.dtype,
    )
    return fromBits(x.device, picked, x.ndim === 2 ? [rows, numSamples] : [numSamples], DEFAULT_INT)
  },
)

export const randomMethods: Family = {
  uniform_,
  normal_,
  logNormal_,
  exponential_,
  cauchy_,
  geometric_,
  random_,
  bernoulli_,
  bernoulli,
  multinomial,
}
