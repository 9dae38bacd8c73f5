import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type ConvGeometry, convForward, convInputGrad, convWeightGrad, type Triple } from "../src/convolution.ts"

type FloatType = Float32ArrayConstructor | Float64ArrayConstructor

interface Spec {
  batch: number
  groups: number
  /** Channels per group. */
  ins: number
  outs: number
  inSize: Triple
  kernel: Triple
  stride?: Triple
  padding?: Triple
  dilation?: Triple
  /** Where the padding behind differs from that before. */
  outSize?: Triple
}

const [ones, none]: [Triple, Triple] = [
  [1, 1, 1],
  [0, 0, 0],
]

function geometryOf({ batch, groups, ins, outs, inSize, kernel, ...rest }: Spec): ConvGeometry {
  const { stride = ones, padding = none, dilation = ones } = rest
  const out = (d: number) =>
    Math.max(0, Math.floor((inSize[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1)
  const outSize = rest.outSize ?? ([out(0), out(1), out(2)] as const)
  const [inChannels, outChannels] = [groups * ins, groups * outs]
  return { batch, groups, inChannels, outChannels, inSize, kernel, outSize, stride, padding, dilation }
}

const volume = (size: Triple) => size[0] * size[1] * size[2]

function lengths(g: ConvGeometry) {
  return {
    x: g.batch * g.inChannels * volume(g.inSize),
    w: g.outChannels * (g.inChannels / g.groups) * volume(g.kernel),
    y: g.batch * g.outChannels * volume(g.outSize),
  }
}

/** Visits every product of a convolution: the places of its input, weight and output. */
function forEachProduct(geometry: ConvGeometry, visit: (x: number, w: number, y: number) => void): void {
  const { batch, groups, inChannels, outChannels, inSize, kernel, outSize, stride, padding, dilation } = geometry
  const [ins, outs] = [inChannels / groups, outChannels / groups]
  const at = (size: Triple, [z, y, x]: number[]) => (z * size[1] + y) * size[2] + x
  const places = (size: Triple) =>
    Array.from({ length: volume(size) }, (_, i) => [
      Math.floor(i / (size[1] * size[2])),
      Math.floor(i / size[2]) % size[1],
      i % size[2],
    ])
  const [pixels, taps] = [places(outSize), places(kernel)]
  for (const pixel of pixels) {
    for (const tap of taps) {
      const from = pixel.map((p, d) => p * stride[d] + tap[d] * dilation[d] - padding[d])
      if (from.some((p, d) => p < 0 || p >= inSize[d])) continue
      const [source, weight, target] = [at(inSize, from), at(kernel, tap), at(outSize, pixel)]
      for (let b = 0; b < batch; b++) {
        for (let o = 0; o < outChannels; o++) {
          for (let i = 0; i < ins; i++) {
            const channel = Math.floor(o / outs) * ins + i
            visit(
              (b * inChannels + channel) * volume(inSize) + source,
              (o * ins + i) * taps.length + weight,
              (b * outChannels + o) * pixels.length + target,
            )
          }
        }
      }
    }
  }
}

/** Numbers in [-1, 1) that depend on the seed alone. */
function noise(type: FloatType, length: number, seed: number) {
  let state = seed | 0
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return state / 2 ** 31
  }
  return new type(Array.from({ length }, next))
}

const SENTINEL = -77

/** Runs with the arrays at odd places of bigger ones, and with sentinels around the result. */
function inPlace(type: FloatType, length: number, run: (result: Float32Array | Float64Array, offset: number) => void) {
  const result = new type(length + 7).fill(SENTINEL)
  result.fill(Number.NaN, 3, 3 + length)
  run(result, 3)
  for (const place of [0, 1, 2, length + 3, length + 4, length + 5, length + 6]) {
    expect(result[place], `sentinel ${place} of ${length}`).toBe(SENTINEL)
  }
  return result.slice(3, 3 + length)
}

function shifted<A extends Float32Array | Float64Array>(array: A, by: number, type: FloatType) {
  const result = new type(array.length + by + 2).fill(Number.NaN)
  result.set(array, by)
  return result
}

function results(g: ConvGeometry, type: FloatType, x: Arr, w: Arr, gy: Arr, bias?: Arr) {
  const size = lengths(g)
  const [xs, ws, gs] = [shifted(x, 5, type), shifted(w, 2, type), shifted(gy, 4, type)]
  const b = bias === undefined ? undefined : { data: bias, offset: bias.length - 1, stride: -1 }
  return {
    y: inPlace(type, size.y, (out, at) => convForward(g, xs, 5, ws, 2, out, at, b)),
    dx: inPlace(type, size.x, (dx, at) => convInputGrad(g, gs, 4, ws, 2, dx, at)),
    dw: inPlace(type, size.w, (dw, at) => convWeightGrad(g, xs, 5, gs, 4, dw, at)),
  }
}

type Arr = Float32Array | Float64Array

function check(spec: Spec, type: FloatType, seed: number): void {
  const g = geometryOf(spec)
  const size = lengths(g)
  const [x, w, gy] = [noise(type, size.x, seed), noise(type, size.w, seed + 1), noise(type, size.y, seed + 2)]
  const bias = seed % 2 === 0 ? noise(type, g.outChannels, seed + 3) : undefined
  const want = { y: new Float64Array(size.y), dx: new Float64Array(size.x), dw: new Float64Array(size.w) }
  if (bias !== undefined) {
    for (let i = 0; i < size.y; i++) {
      const channel = Math.floor(i / volume(g.outSize)) % g.outChannels
      want.y[i] = bias[g.outChannels - 1 - channel]
    }
  }
  forEachProduct(g, (i, j, k) => {
    want.y[k] += x[i] * w[j]
    want.dx[i] += w[j] * gy[k]
    want.dw[j] += x[i] * gy[k]
  })
  const got = results(g, type, x, w, gy, bias)
  // The bound for sums of that many products below 1 in float64, in any order on both sides, and for float32 the
  // rounding of the partial sums that are stored (at most four in these sizes).
  const taps = volume(g.kernel)
  const terms = { y: spec.ins * taps + 1, dx: spec.outs * taps, dw: g.batch * volume(g.outSize) }
  for (const name of ["y", "dx", "dw"] as const) {
    const tolerance = terms[name] ** 2 * 2 ** -52 + (type === Float32Array ? 4 * terms[name] * 2 ** -24 : 0)
    want[name].forEach((value, i) => {
      if (!(Math.abs(got[name][i] - value) <= tolerance)) {
        expect.fail(`${name}[${i}]: got ${got[name][i]}, want ${value}, ${JSON.stringify(g)}`)
      }
    })
  }
}

const whole = (min: number, max: number) => fc.integer({ min, max })
const dimension = fc.record({
  size: whole(1, 8),
  kernel: whole(1, 4),
  stride: whole(1, 3),
  padding: whole(0, 3),
  dilation: whole(1, 3),
})
const flat = fc.constant({ size: 1, kernel: 1, stride: 1, padding: 0, dilation: 1 })

function specs(...dimensions: (typeof dimension)[]): fc.Arbitrary<Spec> {
  const [depth, height, width] = [...Array.from({ length: 3 - dimensions.length }, () => flat), ...dimensions]
  return fc
    .record({
      batch: whole(1, 3),
      groups: whole(1, 3),
      ins: whole(1, 5),
      outs: whole(1, 5),
      dims: fc.tuple(depth, height, width),
    })
    .map(({ dims, ...rest }) => {
      const of = (name: keyof (typeof dims)[0]): Triple => [dims[0][name], dims[1][name], dims[2][name]]
      return {
        ...rest,
        inSize: of("size"),
        kernel: of("kernel"),
        stride: of("stride"),
        padding: of("padding"),
        dilation: of("dilation"),
      }
    })
}

describe.each([["Float32Array", Float32Array] as const, ["Float64Array", Float64Array] as const])("%s", (_, type) => {
  it.each([
    ["1d", specs(dimension), 150] as const,
    ["2d", specs(dimension, dimension), 100] as const,
    ["3d", specs(dimension, dimension, dimension), 60] as const,
  ])("random geometries, %s", (_, spec, numRuns) => {
    fc.assert(
      fc.property(spec, fc.integer(), (s, seed) => check(s, type, seed)),
      { numRuns },
    )
  })

  const cases: Record<string, Spec> = {
    "more channels than a block is deep": {
      batch: 2,
      groups: 1,
      ins: 70,
      outs: 131,
      inSize: [1, 5, 6],
      kernel: [1, 3, 3],
      padding: [0, 1, 1],
    },
    "the same with strides": {
      batch: 1,
      groups: 1,
      ins: 67,
      outs: 70,
      inSize: [1, 9, 8],
      kernel: [1, 3, 3],
      padding: [0, 1, 1],
      stride: [1, 2, 2],
    },
    "the same without padding": {
      batch: 2,
      groups: 1,
      ins: 66,
      outs: 530,
      inSize: [1, 3, 4],
      kernel: [1, 2, 3],
    },
    "a row longer than a block": { batch: 1, groups: 1, ins: 2, outs: 4, inSize: [1, 1, 5003], kernel: [1, 1, 3] },
    "a kernel longer than a block": {
      batch: 1,
      groups: 1,
      ins: 3,
      outs: 4,
      inSize: [1, 1, 700],
      kernel: [1, 1, 600],
      padding: [0, 0, 5],
    },
    "many rows": {
      batch: 1,
      groups: 1,
      ins: 3,
      outs: 5,
      inSize: [1, 90, 61],
      kernel: [1, 3, 3],
      padding: [0, 1, 1],
      dilation: [1, 1, 2],
    },
    depthwise: {
      batch: 2,
      groups: 7,
      ins: 1,
      outs: 1,
      inSize: [1, 71, 69],
      kernel: [1, 3, 3],
      padding: [0, 1, 1],
    },
    "depthwise, one channel to two, strides": {
      batch: 2,
      groups: 5,
      ins: 1,
      outs: 2,
      inSize: [1, 11, 13],
      kernel: [1, 5, 3],
      padding: [0, 2, 1],
      stride: [1, 2, 3],
    },
    "depthwise, long kernel": {
      batch: 1,
      groups: 2,
      ins: 1,
      outs: 1,
      inSize: [1, 1, 800],
      kernel: [1, 1, 520],
      padding: [0, 0, 9],
    },
    pointwise: { batch: 2, groups: 2, ins: 33, outs: 35, inSize: [2, 9, 9], kernel: [1, 1, 1] },
    "pointwise with strides": {
      batch: 2,
      groups: 1,
      ins: 9,
      outs: 10,
      inSize: [1, 9, 9],
      kernel: [1, 1, 1],
      stride: [1, 2, 3],
    },
    "strides beyond the kernel": {
      batch: 1,
      groups: 1,
      ins: 4,
      outs: 5,
      inSize: [1, 11, 11],
      kernel: [1, 2, 2],
      stride: [1, 4, 3],
      padding: [0, 1, 0],
    },
    "more padding behind than before": {
      batch: 2,
      groups: 1,
      ins: 3,
      outs: 4,
      inSize: [1, 6, 7],
      kernel: [1, 3, 2],
      outSize: [1, 7, 11],
    },
    "pointwise with strides and padding behind": {
      batch: 1,
      groups: 1,
      ins: 3,
      outs: 4,
      inSize: [1, 4, 5],
      kernel: [1, 1, 1],
      stride: [1, 2, 1],
      outSize: [1, 4, 5],
    },
    "strides that leave a rest": {
      batch: 1,
      groups: 1,
      ins: 3,
      outs: 3,
      inSize: [1, 6, 7],
      kernel: [1, 3, 3],
      padding: [0, 3, 2],
      stride: [1, 3, 2],
    },
  }
  it.each(Object.entries(cases))("%s", (_, spec) => {
    check(spec, type, 10)
    check(spec, type, 11)
  })

  it("has zero gradients and no output without pixels or images", () => {
    const empty = geometryOf({ batch: 1, groups: 1, ins: 2, outs: 3, inSize: [1, 2, 2], kernel: [1, 3, 3] })
    const [x, w, y] = [new type(8).fill(1), new type(54).fill(1), new type(0)]
    const got = results(empty, type, x, w, y)
    expect(got).toEqual({ y, dx: new type(8), dw: new type(54) })

    const noImages = {
      ...geometryOf({ batch: 1, groups: 1, ins: 2, outs: 3, inSize: [1, 3, 3], kernel: [1, 3, 3] }),
      batch: 0,
    }
    expect(results(noImages, type, y, w, y)).toEqual({ y, dx: y, dw: new type(54) })
  })

  it("is not disturbed by what an earlier call left in the scratch arrays", () => {
    // One more channel than needed poisons all that the second call leaves unwritten: panels of odd length above all.
    const spec = (ins: number): Spec => ({ batch: 1, groups: 1, ins, outs: 5, inSize: [1, 5, 5], kernel: [1, 3, 3] })
    for (const padding of [none, [0, 1, 1] as Triple]) {
      const g = geometryOf({ ...spec(4), padding })
      const [x, w, y] = Object.values(lengths(g)).map((length) => new type(length).fill(Number.NaN))
      expect(results(g, type, x, w, y).y.every(Number.isNaN)).toBe(true)
      check({ ...spec(3), padding }, type, 1)
    }
  })

  it("confines NaN and infinities to what they touch", () => {
    for (const spec of [cases.depthwise, cases["many rows"], cases.pointwise]) {
      const g = geometryOf(spec)
      const size = lengths(g)
      const [x, w, gy] = [new type(size.x).fill(1), new type(size.w).fill(1), new type(size.y).fill(1)]
      const place = Math.floor(size.x / 2)
      x[place] = Number.NaN
      const touched = new Uint8Array(size.y)
      forEachProduct(g, (i, _, k) => {
        if (i === place) touched[k] = 1
      })
      const { y } = results(g, type, x, w, gy)
      const wrong = touched.findIndex((touch, k) => Number.isNaN(y[k]) !== (touch === 1))
      expect(wrong).toBe(-1)
    }
  })
})

/** Small dyadic numbers, so that every sum below is exact. */
function ramp(length: number, scale: number, shift: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => ((((i * 7 + 3) % 11) - 5) / 4) * scale + shift)
}

/** PyTorch's outputs and gradients for x = ramp, w = 1.5 * ramp + 0.25 and a gradient of -0.5 * ramp + 0.125. */
const golden: Record<string, { spec: Spec; bias?: number[]; y: number[]; dx: number[]; dw: number[] }> = {
  "conv1d, padding 1, stride 2, bias": {
    spec: {
      batch: 1,
      groups: 1,
      ins: 2,
      outs: 2,
      inSize: [1, 1, 5],
      kernel: [1, 1, 3],
      padding: [0, 0, 1],
      stride: [1, 1, 2],
    },
    bias: [0.5, -1],
    y: [-0.03125, 2.0625, 1.03125, -1.34375, 0.375, 0.46875],
    dx: [1.484375, 0.890625, -1.578125, -0.421875, 0.171875, 1.15625, 0.890625, -1.25, -0.140625, 0.125],
    dw: [-0.625, -0.3125, 0.84375, 0.5, -0.375, -0.25, -0.5625, -0.21875, 0.90625, 0.34375, -0.4375, -0.40625],
  },
  "conv2d, dilation 2": {
    spec: { batch: 1, groups: 1, ins: 2, outs: 3, inSize: [1, 4, 4], kernel: [1, 2, 2], dilation: [1, 2, 2] },
    y: [1.4375, -3.4375, -2.59375, -0.59375, 1.15625, -1.5625, 0.59375, -2.46875, 1.90625, 1.34375, 4.8125, -3.3125],
    dx: [
      -0.078125, 0.421875, 1.09375, -2.203125, -0.109375, -0.125, -0.859375, 1, 0.203125, 0.84375, -0.171875, 0.28125,
      0.453125, 0.578125, -0.296875, -0.359375, -0.546875, -1.828125, 0.109375, 0.703125, 1.53125, -0.265625, 0.265625,
      0.34375, -0.265625, 0.140625, 0.390625, 1.125, -0.484375, -0.59375, 0.828125, 1.046875,
    ],
    dw: [
      -0.8125, 0.84375, 0.65625, 0.9375, 0.75, 1.03125, 0.84375, -0.25, 0.96875, -1, 0.65625, -0.96875, -1.03125,
      -0.9375, -1, -0.21875, 0.6875, -0.09375, -1.0625, 0.21875, -0.40625, 0.53125, -0.09375, -0.1875,
    ],
  },
  "conv2d, depthwise, padding 1, stride 2": {
    spec: {
      batch: 2,
      groups: 2,
      ins: 1,
      outs: 1,
      inSize: [1, 3, 3],
      kernel: [1, 2, 2],
      padding: [0, 1, 1],
      stride: [1, 2, 2],
    },
    y: [
      0.4375, 0.5625, -0.71875, 0.1875, -1.71875, -1.3125, 1.6875, -1.125, -0.65625, 0.9375, 0.84375, 1.5625, 0,
      2.28125, -0.75, -3.28125,
    ],
    dx: [
      -0.328125, -0.3125, 0.4375, 0, -0.25, 1.0625, 0, 0.3125, -0.4375, -0.515625, -0.15625, 0.171875, 0.15625, -0.4375,
      -0.0625, 0.859375, 0.3125, -0.34375, -0.21875, 0.46875, -0.65625, -0.265625, -0.1875, 0.796875, 0.109375,
      0.234375, -0.328125, -0.6875, 0, 0, 0.125, -0.65625, -0.09375, 0.6875, 0.46875, -0.515625,
    ],
    dw: [0.3125, 0.40625, -0.71875, -0.84375, 0.40625, 0.65625, -0.40625, 0.9375],
  },
  conv3d: {
    spec: { batch: 1, groups: 1, ins: 1, outs: 3, inSize: [2, 3, 2], kernel: [2, 2, 2] },
    y: [0.75, -3.15625, -4.96875, -0.4375, -1.40625, 0.21875],
    dx: [
      -0.28125, 1.265625, -0.0625, -2.3125, 0.359375, 0.171875, 1.265625, -0.28125, -0.296875, 0.03125, 0.125, 0.453125,
    ],
    dw: [
      -0.3125, 0.84375, -0.40625, -0.28125, -0.25, 0.90625, -0.34375, -0.21875, 0.125, -0.375, 0.5, 0, -0.125, -0.625,
      0.25, -0.25, 0.21875, -0.5625, 0.03125, 0.28125, 0.34375, -0.4375, 0.15625, 0.40625,
    ],
  },
}

describe.each(Object.entries(golden))("PyTorch's %s", (_, { spec, bias, y, dx, dw }) => {
  it.each([["Float32Array", Float32Array] as const, ["Float64Array", Float64Array] as const])("%s", (_, type) => {
    const g = geometryOf(spec)
    const size = lengths(g)
    const [x, w] = [new type(ramp(size.x, 1, 0)), new type(ramp(size.w, 1.5, 0.25))]
    const gy = new type(ramp(size.y, -0.5, 0.125))
    // `results` reads the bias backwards.
    const got = results(g, type, x, w, gy, bias && new type([...bias].reverse()))
    const plain = (values: Iterable<number>) => Array.from(values, (value) => value + 0)
    expect({ y: plain(got.y), dx: plain(got.dx), dw: plain(got.dw) }).toEqual({ y, dx, dw })
  })
})
