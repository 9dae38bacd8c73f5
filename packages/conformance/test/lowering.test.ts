import {
  accessOf,
  type Backend,
  bfloat16ToNumber,
  type ConvKernel,
  constant,
  DTYPE_NAMES,
  DTYPES,
  type DType,
  type Epilogue,
  Expr,
  float16ToNumber,
  index,
  input,
  isFloating,
  type Kernel,
  KernelFault,
  kernelKey,
  type LoweredKernel,
  left,
  load,
  lower,
  type MatmulKernel,
  numberToBfloat16,
  numberToFloat16,
  type Operand,
  outputAccessOf,
  result,
  right,
  type Scalar,
  type ScanKernel,
  type ScatterKernel,
  type SortKernel,
  scalar,
} from "@taeda/core"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { strict } from "../src/decorators/strict.ts"
import { createMinimal } from "../src/minimal/backend.ts"

const where = (condition: Expr, a: Expr, b: Expr): Expr => Expr.make("where", a.dtype, [condition, a, b])

// ------------------------------------------------------------------------------------------------ the machine

const CODECS: Partial<Record<DType, readonly [(bits: number) => number, (x: number) => number]>> = {
  float16: [float16ToNumber, numberToFloat16],
  bfloat16: [bfloat16ToNumber, numberToBfloat16],
}

const count = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1)

function points(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (all, size) => all.flatMap((at) => Array.from({ length: size }, (_, i) => [...at, i])),
    [[]],
  )
}

/** The row-major number of a point. */
const flat = (sizes: readonly number[], at: readonly number[]): number => at.reduce((n, i, d) => n * sizes[d] + i, 0)

/** How a tensor lies in memory: dims in another order, gaps between elements, some backwards, some not at all. */
interface Layout {
  readonly seed: number
  readonly backwards?: boolean
}

interface Placed extends Operand {
  readonly dtype: DType
  /** What the buffer held around and in the view when it was made. */
  readonly before: Uint8Array
}

/** One backend, the launches it got, and tensors in odd layouts. */
class Machine {
  readonly backend: Backend = strict(createMinimal())
  readonly keys: string[] = []

  put(sizes: readonly number[], dtype: DType, values: readonly Scalar[], { seed, backwards = true }: Layout): Placed {
    const order = sizes.map((_, d) => d).sort((a, b) => ((seed >> a) & 1) - ((seed >> b) & 1) || a - b)
    const strides: number[] = sizes.map(() => 0)
    let offset = seed % 3
    let step = 1 + ((seed >> 4) & 1)
    for (const d of order.reverse()) {
      const reversed = backwards && (seed >> (5 + d)) & 1 && sizes[d] > 0
      strides[d] = reversed ? -step : step
      if (reversed) offset += (sizes[d] - 1) * step
      step *= Math.max(sizes[d], 1) + ((seed >> (9 + d)) & 1)
    }
    const { array, bytes } = DTYPES[dtype]
    const length = step + (seed % 3) + 1
    const buffer = this.backend.allocate(length * bytes, dtype)
    const memory = this.backend.readSync!(buffer, 0, length * bytes)
    const elements = new array(memory.buffer, 0, length)
    const encode = CODECS[dtype]?.[1]
    points(sizes).forEach((at, i) => {
      const address = at.reduce((n, x, d) => n + x * strides[d], offset)
      elements[address] = (
        encode ? encode(Number(values[i])) : dtype === "int64" ? BigInt(values[i]) : Number(values[i])
      ) as never
    })
    this.backend.write(buffer, memory)
    return { buffer, offset, sizes, strides, dtype, before: memory }
  }

  /** The values, as numbers; throws if anything around them changed. */
  get({ buffer, offset, sizes, strides, dtype, before }: Placed): number[] {
    const { array, bytes } = DTYPES[dtype]
    const memory = this.backend.readSync!(buffer, 0, before.length)
    const elements = new array(memory.buffer, 0, memory.length / bytes)
    const decode = CODECS[dtype]?.[0] ?? Number
    const around = new Set(memory.keys())
    const values = points(sizes).map((at) => {
      const address = at.reduce((n, x, d) => n + x * strides[d], offset)
      for (let b = 0; b < bytes; b++) around.delete(address * bytes + b)
      return decode(Number(elements[address]))
    })
    for (const b of around) if (memory[b] !== before[b]) throw new Error(`byte ${b} outside of the view was written`)
    return values
  }

  /** Lowers, and checks that all temporaries are freed, also after a fault. */
  lower(
    kernel: LoweredKernel,
    sizes: readonly number[],
    operands: readonly Placed[],
    scalars: readonly Scalar[] = [],
  ): void {
    const { backend, keys } = this
    const { liveBuffers } = backend.memoryStats()
    try {
      lower(kernel, sizes, operands, scalars, {
        capabilities: backend.capabilities,
        allocate: (bytes, dtype) => backend.allocate(bytes, dtype),
        free: (buffer) => backend.free(buffer),
        run: (part, partSizes, partOperands, partScalars) => {
          keys.push(kernelKey(part))
          backend.launch(backend.compile(part), partSizes, partOperands, partScalars)
        },
      })
    } finally {
      expect(backend.memoryStats().liveBuffers).toBe(liveBuffers)
    }
  }
}

const typeOf = (x: Placed) => ({ dtype: x.dtype, access: accessOf(x.sizes, x.strides) })
const outTypeOf = (x: Placed) => ({ dtype: x.dtype, access: outputAccessOf(x.sizes, x.strides) })
const wide = (x: Expr): Expr => (x.dtype === "float16" || x.dtype === "bfloat16" ? x.cast("float32") : x)

/** What a value becomes when stored. */
const WRAP: Partial<Record<DType, (x: number) => number>> = {
  bool: (x) => Number(x !== 0),
  uint8: (x) => x & 255,
  int8: (x) => (x << 24) >> 24,
  int16: (x) => (x << 16) >> 16,
}
const wrap = (x: number, dtype: DType): number => (WRAP[dtype]?.(x) ?? x) + 0

/** Whole numbers so small that every sum and product here is exact in every dtype, whatever the order. */
const digits = (n: number, seed: number, dtype: DType): number[] => {
  let state = seed
  return Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    const x = ((state >>> 16) % 7) - 3
    return dtype === "bool" || dtype === "uint8" ? Number(wrap(Math.abs(x), dtype)) : x
  })
}

const seeds = fc.nat(2 ** 20)
const dtypes = fc.constantFrom(...DTYPE_NAMES)
const check = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number, property: (value: T) => void): void =>
  fc.assert(fc.property(arbitrary, property), { numRuns, seed: 1234 })

describe("access classes", () => {
  test("follow the innermost stride, and are unit where there is nothing to step over", () => {
    expect(accessOf([2, 3], [3, 1])).toBe("unit")
    expect(accessOf([2, 3], [1, 0])).toBe("broadcast")
    expect(accessOf([2, 3], [1, -1])).toBe("strided")
    expect(accessOf([2, 1], [1, 0])).toBe("unit")
    expect(accessOf([], [])).toBe("unit")
    expect(outputAccessOf([2, 3], [1, 2])).toBe("strided")
    expect(outputAccessOf([2, 1], [1, 7])).toBe("unit")
  })
})

// ----------------------------------------------------------------------------------------------------- matmul

type EpilogueKind = "none" | "scalar" | "input"

/** none: the sums; scalar: twice those; input: twice those and a bias of the output's shape. */
function epilogueOf(kind: EpilogueKind, dtype: DType, bias: Placed): Epilogue | null {
  if (kind === "none") return null
  // On bool "twice" is "or".
  const r = wide(result(0, dtype))
  const factor = scalar(0, r.dtype)
  const scaled = dtype === "bool" ? r.and(factor) : r.mul(factor)
  if (kind === "scalar") return { inputs: [], scalars: [r.dtype], body: scaled }
  const b = wide(input(0, dtype))
  return { inputs: [typeOf(bias)], scalars: [r.dtype], body: dtype === "bool" ? scaled.or(b) : scaled.add(b) }
}

const factorOf = (dtype: DType): Scalar => (dtype === "int64" ? 2n : dtype === "bool" ? true : 2)
const withEpilogue = (sum: number, kind: EpilogueKind, bias: number, dtype: DType): number => {
  const whole = wrap(sum, dtype)
  if (kind === "none") return whole
  return wrap((dtype === "bool" ? whole : whole * 2) + (kind === "input" ? bias : 0), dtype)
}
const kinds = fc.constantFrom<EpilogueKind>("none", "scalar", "input")

describe("matmul", () => {
  const size = fc.nat(4)
  const cases = fc.record({
    batch: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    m: size,
    n: size,
    k: size,
    dtype: dtypes,
    kind: kinds,
    broadcast: fc.boolean(),
    seed: seeds,
  })

  test("equals the loops, in every dtype, with and without epilogue, from any layout", () => {
    check(cases, 150, ({ batch, m, n, k, dtype, kind, broadcast, seed }) => {
      const machine = new Machine()
      const values = [
        digits(count(batch) * m * k, seed, dtype),
        digits((broadcast ? 1 : count(batch)) * k * n, seed + 1, dtype),
      ]
      const a = machine.put([...batch, m, k], dtype, values[0], { seed })
      const c = machine.put(broadcast ? [k, n] : [...batch, k, n], dtype, values[1], { seed: seed * 3 })
      const c_: Placed = broadcast
        ? { ...c, sizes: [...batch, k, n], strides: [...batch.map(() => 0), ...c.strides] }
        : c
      const shape = [...batch, m, n]
      const biasValues = digits(count(shape), seed + 2, dtype)
      const bias = machine.put(shape, dtype, biasValues, { seed: seed * 7 })
      const out = machine.put(shape, dtype, digits(count(shape), 5, dtype), { seed: seed * 5, backwards: false })
      const epilogue = epilogueOf(kind, dtype, bias)
      const kernel: MatmulKernel = { kind: "matmul", batch: batch.length, dtype, epilogue }
      const inputs = kind === "input" ? [a, c_, bias] : [a, c_]
      machine.lower(kernel, [...batch, m, n, k], [...inputs, out], epilogue ? [factorOf(dtype)] : [])
      const expected = points(shape).map((at, i) => {
        const [outer, [row, column]] = [at.slice(0, -2), at.slice(-2)]
        const b = flat(batch, outer)
        let sum = 0
        for (let j = 0; j < k; j++)
          sum += values[0][(b * m + row) * k + j] * values[1][((broadcast ? 0 : b) * k + j) * n + column]
        return withEpilogue(sum, kind, biasValues[i], dtype)
      })
      expect(machine.get(out)).toEqual(expected)
    })
  })

  test("half types sum in float32 and round once", () => {
    const machine = new Machine()
    // 2048 + 1 + 1: in float16 each sum would round back to 2048.
    const a = machine.put([1, 3], "float16", [2048, 1, 1], { seed: 0 })
    const c = machine.put([3, 1], "float16", [1, 1, 1], { seed: 0 })
    const out = machine.put([1, 1], "float16", [0], { seed: 0 })
    machine.lower({ kind: "matmul", batch: 0, dtype: "float16", epilogue: null }, [1, 1, 3], [a, c, out])
    expect(machine.get(out)).toEqual([2050])
  })

  test("int64 is exact beyond 2^53", () => {
    const machine = new Machine()
    const a = machine.put([1, 2], "int64", [2n ** 53n, 1n], { seed: 0 })
    const c = machine.put([2, 1], "int64", [1n, 1n], { seed: 0 })
    const out = machine.put([1, 1], "int64", [0n], { seed: 0 })
    machine.lower({ kind: "matmul", batch: 0, dtype: "int64", epilogue: null }, [1, 1, 2], [a, c, out])
    expect(new BigInt64Array(machine.backend.readSync!(out.buffer, 0, 8).buffer)[0]).toBe(2n ** 53n + 1n)
  })
})

// ------------------------------------------------------------------------------------------------------- conv

interface ConvCase {
  readonly dims: readonly { s: number; k: number; stride: number; padding: number; dilation: number; unused: number }[]
  readonly n: number
  readonly groups: number
  readonly ci: number
  readonly co: number
  readonly dtype: DType
  readonly kind: EpilogueKind
  readonly pass: ConvKernel["pass"]
  readonly seed: number
}

const dim = fc
  .record({
    s: fc.integer({ min: 1, max: 5 }),
    k: fc.integer({ min: 1, max: 3 }),
    stride: fc.integer({ min: 1, max: 3 }),
    padding: fc.nat(3),
    dilation: fc.integer({ min: 1, max: 2 }),
    // Windows that would fit and aren't there, as a transposed convolution with output padding has them.
    unused: fc.nat(1),
  })
  .filter((d) => d.s + 2 * d.padding >= (d.k - 1) * d.dilation + 1)

const convCases: fc.Arbitrary<ConvCase> = fc.record({
  dims: fc.oneof(
    { weight: 3, arbitrary: fc.array(dim, { minLength: 1, maxLength: 2 }) },
    {
      weight: 1,
      arbitrary: fc.array(
        dim.filter((d) => d.s < 4 && d.padding < 2),
        { minLength: 3, maxLength: 3 },
      ),
    },
  ),
  n: fc.nat(2),
  groups: fc.integer({ min: 1, max: 2 }),
  ci: fc.integer({ min: 1, max: 2 }),
  co: fc.integer({ min: 1, max: 2 }),
  dtype: fc.constantFrom<DType>("float32", "float64", "float16", "bfloat16", "int32", "int64"),
  kind: kinds,
  pass: fc.constantFrom<ConvKernel["pass"]>("forward", "input", "weight"),
  seed: seeds,
})

/** Runs one case and returns the launched kernels' keys; the loops go over every pair of window and kernel element. */
function runConv({ dims, n, groups, ci, co, dtype, kind, pass, seed }: ConvCase): string[] {
  const machine = new Machine()
  const [s, k] = [dims.map((d) => d.s), dims.map((d) => d.k)]
  const o = dims.map((d) =>
    Math.max(1, Math.floor((d.s + 2 * d.padding - (d.k - 1) * d.dilation - 1) / d.stride) + 1 - d.unused),
  )
  const shapes = { x: [n, groups * ci, ...s], w: [groups * co, ci, ...k], y: [n, groups * co, ...o] }
  const values = {
    x: digits(count(shapes.x), seed, dtype),
    w: digits(count(shapes.w), seed + 1, dtype),
    y: digits(count(shapes.y), seed + 2, dtype),
  }
  const [first, second, to] = { forward: "xwy", input: "ywx", weight: "xyw" }[pass] as unknown as ("x" | "w" | "y")[]
  const sums = new Array<number>(count(shapes[to])).fill(0)
  for (const [b, g, q, p] of points([n, groups, co, ci]))
    for (const window of points(o))
      for (const tap of points(k)) {
        const at = dims.map((d, i) => window[i] * d.stride + tap[i] * d.dilation - d.padding)
        if (!at.every((x, i) => x >= 0 && x < s[i])) continue
        const places = {
          x: flat(shapes.x, [b, g * ci + p, ...at]),
          w: flat(shapes.w, [g * co + q, p, ...tap]),
          y: flat(shapes.y, [b, g * co + q, ...window]),
        }
        sums[places[to]] += values[first][places[first]] * values[second][places[second]]
      }
  const biasValues = digits(sums.length, seed + 3, dtype)
  const bias = machine.put(shapes[to], dtype, biasValues, { seed: seed * 7 })
  const out = machine.put(shapes[to], dtype, digits(sums.length, 9, dtype), { seed: seed * 5, backwards: false })
  const a = machine.put(shapes[first], dtype, values[first], { seed })
  const b = machine.put(shapes[second], dtype, values[second], { seed: seed * 3 })
  const epilogue = epilogueOf(kind, dtype, bias)
  const kernel: ConvKernel = { kind: "conv", pass, spatial: dims.length, dtype, epilogue }
  const geometry = [dims.map((d) => d.stride), dims.map((d) => d.padding), dims.map((d) => d.dilation), groups].flat()
  machine.lower(
    kernel,
    shapes[to],
    [a, b, ...(kind === "input" ? [bias] : []), out],
    epilogue ? [...geometry, factorOf(dtype)] : geometry,
  )
  expect(machine.get(out)).toEqual(sums.map((sum, i) => withEpilogue(sum, kind, biasValues[i], dtype)))
  return machine.keys
}

describe("conv", () => {
  test("all passes equal the loops on random geometries", () => check(convCases, 250, (one) => void runConv(one)))

  test.each(["forward", "input", "weight"] as const)("%s: one set of kernels serves all geometries", (pass) => {
    const base = { ci: 2, co: 2, dtype: "float32", kind: "none", pass, seed: 0 } as const
    const some = runConv({
      ...base,
      n: 2,
      groups: 1,
      dims: [{ s: 5, k: 2, stride: 2, padding: 1, dilation: 2, unused: 0 }],
    })
    const other = runConv({
      ...base,
      n: 3,
      groups: 2,
      dims: [{ s: 9, k: 3, stride: 3, padding: 2, dilation: 2, unused: 0 }],
    })
    expect(other).toEqual(some)
  })
})

// ------------------------------------------------------------------------------------------------------- scan

interface ScanCase {
  readonly sizes: readonly number[]
  readonly reverse: boolean
  readonly seed: number
}

const scanCases: fc.Arbitrary<ScanCase> = fc.record({
  sizes: fc.array(fc.nat(9), { maxLength: 3 }).filter((sizes) => count(sizes) < 120),
  reverse: fc.boolean(),
  seed: seeds,
})

type ScanParts = Pick<ScanKernel, "accumulators" | "identity" | "lift" | "combine" | "finish"> & {
  scalars?: ScanKernel["scalars"]
}

/** Scans x with the kernel's monoid, and on the host with `step`; both give one list per output. */
function runScan<State>(
  { sizes, reverse, seed }: ScanCase,
  from: DType,
  to: readonly DType[],
  parts: ScanParts,
  start: State,
  step: (state: State, x: number, position: number) => State,
  finish: (state: State) => number[],
  scalars: readonly Scalar[] = [],
): void {
  const machine = new Machine()
  const values = digits(count(sizes), seed, from)
  const x = machine.put(sizes, from, values, { seed })
  const outs = to.map((dtype, k) =>
    machine.put(
      sizes,
      dtype,
      values.map(() => 1),
      { seed: seed * (k + 3), backwards: false },
    ),
  )
  const kernel: ScanKernel = {
    kind: "scan",
    rank: sizes.length,
    reverse,
    inputs: [typeOf(x)],
    outputs: outs.map(outTypeOf),
    scalars: [],
    ...parts,
  }
  machine.lower(kernel, sizes, [x, ...outs], scalars)
  const length = sizes.length ? sizes[sizes.length - 1] : 1
  const expected = to.map(() => new Array<number>(values.length))
  for (let row = 0; row < values.length; row += Math.max(length, 1)) {
    let state = start
    for (let i = 0; i < length; i++) {
      const position = reverse ? length - 1 - i : i
      state = step(state, values[row + position], position)
      for (const [k, value] of finish(state).entries()) expected[k][row + position] = value
    }
  }
  expect(outs.map((out) => machine.get(out))).toEqual(expected)
}

const sumIn = (dtype: DType, from: DType): ScanParts => ({
  accumulators: [dtype],
  identity: [dtype === "int64" ? 0n : 0],
  lift: [input(0, from).cast(dtype)],
  combine: [left(0, dtype).add(right(0, dtype))],
  finish: [result(0, dtype)],
})

describe("scan", () => {
  test.each([
    ["bool", "int32"],
    ["int8", "int64"],
    ["float32", "float32"],
    ["float64", "float64"],
    ["float16", "float32"],
  ] as const)("sums of %s in %s", (from, dtype) =>
    check(scanCases, 40, (one) =>
      runScan(
        one,
        from,
        [dtype],
        sumIn(dtype, from),
        0,
        (sum, x) => sum + x,
        (sum) => [sum + 0],
      ),
    ),
  )

  test("a monoid that does not commute keeps its order, forwards and backwards", () => {
    // The composition of the maps t -> a·t + b, first the left one.
    const [a, b, c, d] = [left(0, "int32"), left(1, "int32"), right(0, "int32"), right(1, "int32")]
    const parts: ScanParts = {
      accumulators: ["int32", "int32"],
      identity: [1, 0],
      lift: [input(0, "int32"), input(0, "int32").add(1)],
      combine: [a.mul(c), b.mul(c).add(d)],
      finish: [
        result(0, "int32"),
        result(1, "int32").add(result(0, "int32")).mul(scalar(0, "int32")).add(index(0).mul(0)),
      ],
      scalars: ["int32"],
    }
    check(
      scanCases.filter(({ sizes }) => sizes.length > 0),
      60,
      (one) =>
        runScan(
          one,
          "int32",
          ["int32", "int32"],
          parts,
          [1, 0],
          ([a, b], x) => [Math.imul(a, x), (Math.imul(b, x) + x + 1) | 0],
          ([a, b]) => [a + 0, Math.imul((a + b) | 0, 5) + 0],
          [5],
        ),
    )
  })

  test("running maximum with its index: the first index, by position, wins", () => {
    const later = left(0, "float32").lt(right(0, "float32"))
    const parts: ScanParts = {
      accumulators: ["float32", "int32"],
      identity: [Number.NEGATIVE_INFINITY, -1],
      lift: [input(0, "bfloat16").cast("float32"), index(1)],
      combine: [
        where(later, right(0, "float32"), left(0, "float32")),
        where(later, right(1, "int32"), left(1, "int32")),
      ],
      finish: [result(0, "float32"), result(1, "int32")],
    }
    check(
      scanCases.filter(({ sizes }) => sizes.length === 2),
      40,
      (one) =>
        runScan(
          one,
          "bfloat16",
          ["bfloat16", "int32"],
          parts,
          [Number.NEGATIVE_INFINITY, -1],
          ([max, at], x, i) => (max < x ? [x, i] : [max, at]),
          (state) => state,
        ),
    )
  })

  test("three accumulators at once stay within eight operands", () => {
    const acc = [0, 1, 2].map((k) => [left(k, "float64"), right(k, "float64")])
    const x = input(0, "float64")
    const parts: ScanParts = {
      accumulators: ["float64", "float64", "float64"],
      identity: [0, 0, 0],
      lift: [constant(1, "float64"), x, x.mul(x)],
      combine: acc.map(([a, b]) => a.add(b)),
      finish: [result(2, "float64").mul(result(0, "float64")).sub(result(1, "float64").square())],
    }
    check(scanCases, 30, (one) =>
      runScan(
        one,
        "float64",
        ["float64"],
        parts,
        [0, 0, 0],
        ([n, sum, squares], x) => [n + 1, sum + x, squares + x * x],
        ([n, sum, squares]) => [squares * n - sum * sum],
      ),
    )
  })

  test("uint32 and bool accumulators, which memory holds as something else or in a byte", () => {
    const parts: ScanParts = {
      accumulators: ["uint32", "bool"],
      identity: [1, 0],
      lift: [input(0, "int32").cast("uint32"), input(0, "int32").eq(2)],
      combine: [left(0, "uint32").mul(right(0, "uint32")), left(1, "bool").or(right(1, "bool"))],
      finish: [result(0, "uint32").shr(16).cast("int32"), result(1, "bool")],
    }
    check(scanCases, 40, (one) =>
      runScan(
        one,
        "int32",
        ["int32", "bool"],
        parts,
        [1, 0],
        ([product, seen], x) => [Math.imul(product, x), seen || Number(x === 2)],
        ([product, seen]) => [product >>> 16, seen],
      ),
    )
  })

  test("half accumulators round at every combination", () => {
    const machine = new Machine()
    const x = machine.put([3], "float16", [2048, 1, 1], { seed: 0 })
    const out = machine.put([3], "float16", [0, 0, 0], { seed: 0 })
    const sum = left(0, "float16").cast("float32").add(right(0, "float16").cast("float32"))
    machine.lower(
      {
        kind: "scan",
        rank: 1,
        reverse: false,
        inputs: [typeOf(x)],
        outputs: [outTypeOf(out)],
        scalars: [],
        accumulators: ["float16"],
        identity: [0],
        lift: [input(0, "float16")],
        combine: [sum.cast("float16")],
        finish: [result(0, "float16")],
      },
      [3],
      [x, out],
    )
    // Doubling adds 1 + 1 first, then 2048: the last sum is exact, the middle one rounds.
    expect(machine.get(out)).toEqual([2048, 2048, 2050])
  })

  test("needs two temporaries, however long", () => {
    const machine = new Machine()
    const x = machine.put([64], "int32", digits(64, 1, "int32"), { seed: 0 })
    const out = machine.put([64], "int32", digits(64, 1, "int32"), { seed: 0 })
    const { liveBytes } = machine.backend.memoryStats()
    const io = { inputs: [typeOf(x)], outputs: [outTypeOf(out)], scalars: [] }
    machine.lower({ ...sumIn("int32", "int32"), ...io, kind: "scan", rank: 1, reverse: false }, [64], [x, out])
    expect(machine.backend.memoryStats().peakBytes).toBe(liveBytes + 2 * 64 * 4)
    expect(machine.keys.length).toBe(8)
  })

  test("in place", () => {
    const machine = new Machine()
    const x = machine.put([2, 3], "int32", [1, 2, 3, 4, 5, 6], { seed: 0b10_0000_0000, backwards: false })
    const kernel: ScanKernel = {
      ...sumIn("int32", "int32"),
      kind: "scan",
      rank: 2,
      reverse: false,
      inputs: [typeOf(x)],
      outputs: [{ ...outTypeOf(x), aliases: 0 }],
      scalars: [],
    }
    machine.lower(kernel, [2, 3], [x, x])
    expect(machine.get(x)).toEqual([1, 3, 6, 4, 9, 15])
  })
})

// ---------------------------------------------------------------------------------------------------- scatter

type Combine = ScatterKernel["combine"]

const MERGE: Record<Combine, (old: number, value: number) => number> = {
  set: (_, value) => value,
  add: (old, value) => old + value,
  mul: (old, value) => old * value,
  min: Math.min,
  max: Math.max,
}
const combines = fc.constantFrom(...(Object.keys(MERGE) as Combine[]))

/** Where a coordinate comes from: a tensor of indices (some outside of the target), or the iteration's own index. */
type Source = "tensor" | number

describe("scatter", () => {
  const cases = fc
    .record({
      sizes: fc.array(fc.nat(4), { maxLength: 3 }),
      targetSizes: fc.array(fc.nat(4), { maxLength: 3 }),
      dtype: dtypes,
      combine: combines,
      seed: seeds,
    })
    .chain((one) =>
      fc.record({
        one: fc.constant(one),
        sources: fc.array(
          fc.oneof(
            fc.constant<Source>("tensor"),
            fc.nat(Math.max(one.sizes.length - 1, 0)).map((k): Source => (one.sizes.length ? k : "tensor")),
          ),
          { minLength: one.targetSizes.length, maxLength: one.targetSizes.length },
        ),
      }),
    )

  test("equals the loop, in every dtype and combination, with coordinates of every kind", () => {
    check(cases, 400, ({ one: { sizes, targetSizes, dtype, combine, seed }, sources }) => {
      const machine = new Machine()
      const n = count(sizes)
      const values = digits(n, seed, dtype).map((x) => (combine === "mul" && x < -1 ? -1 : x))
      const old = digits(count(targetSizes), seed + 1, dtype)
      // From -1 to one beyond the end: a few fall outside.
      const indices = targetSizes.map((size, d) =>
        digits(n, seed + 2 + d, "int32").map((x) => (((x + 3) * 5) % (size + 2)) - 1),
      )
      const x = machine.put(sizes, dtype, values, { seed })
      const tensors = targetSizes.map((_, d) => machine.put(sizes, "int32", indices[d], { seed: seed * (d + 2) }))
      const target = machine.put(targetSizes, dtype, old, { seed: seed * 7, backwards: true })
      const kernel: ScatterKernel = {
        kind: "scatter",
        rank: sizes.length,
        inputs: [x, ...tensors].map(typeOf),
        scalars: ["int32"],
        value: dtype === "bool" ? input(0, dtype) : wide(input(0, dtype)),
        coordinates: sources.map((source, d) =>
          source === "tensor" ? input(d + 1, "int32").add(scalar(0, "int32")) : index(source),
        ),
        combine,
        dtype,
        targetRank: targetSizes.length,
        bounds: "zero",
      }
      machine.lower(kernel, sizes, [x, ...tensors, target], [0])
      const expected = old.slice()
      points(sizes).forEach((at, i) => {
        const to = sources.map((source, d) => (source === "tensor" ? indices[d][i] : at[source]))
        if (!to.every((c, d) => c >= 0 && c < targetSizes[d])) return
        const place = flat(targetSizes, to)
        expected[place] = wrap(MERGE[combine](expected[place], values[i]), dtype)
      })
      expect(machine.get(target).map((v) => v + 0)).toEqual(expected)
    })
  })

  const indexed = (combine: Combine, bounds: "zero" | "fault", dtype: DType): Omit<ScatterKernel, "inputs"> => ({
    kind: "scatter",
    rank: 1,
    scalars: [],
    value: wide(input(0, dtype)),
    coordinates: [input(1, "int32")],
    combine,
    dtype,
    targetRank: 1,
    bounds,
  })

  test.each(["set", "add"] as const)("%s: an index outside faults and changes nothing", (combine) => {
    for (const bad of [-1, 3]) {
      const machine = new Machine()
      const x = machine.put([3], "float16", [1, 2, 3], { seed: 0 })
      const at = machine.put([3], "int32", [0, bad, 1], { seed: 0 })
      const target = machine.put([3], "float16", [7, 8, 9], { seed: 1 })
      const kernel = { ...indexed(combine, "fault", "float16"), inputs: [typeOf(x), typeOf(at)] }
      expect(() => machine.lower(kernel, [3], [x, at, target])).toThrow(KernelFault)
      expect(machine.get(target)).toEqual([7, 8, 9])
    }
  })

  test("any index into an empty target faults; no index does not", () => {
    const machine = new Machine()
    const x = machine.put([1], "float32", [1], { seed: 0 })
    const at = machine.put([1], "int32", [0], { seed: 0 })
    const target = machine.put([0], "float32", [], { seed: 0 })
    const kernel = { ...indexed("add", "fault", "float32"), inputs: [typeOf(x), typeOf(at)] }
    expect(() => machine.lower(kernel, [1], [x, at, target])).toThrow(KernelFault)
    const none = [x, at].map((view) => ({ ...view, sizes: [0] }))
    machine.lower({ ...kernel, inputs: none.map(typeOf) }, [0], [...none, target])
    expect(machine.get(target)).toEqual([])
  })

  test("a point of no dims", () => {
    const machine = new Machine()
    const at = machine.put([], "int32", [2], { seed: 0 })
    const target = machine.put([3], "int64", [1, 2, 3], { seed: 0 })
    const kernel: ScatterKernel = {
      ...indexed("add", "fault", "int64"),
      rank: 0,
      inputs: [typeOf(at)],
      value: constant(10, "int64"),
      coordinates: [input(0, "int32")],
    }
    machine.lower(kernel, [], [at, target])
    expect(machine.get(target)).toEqual([1, 2, 13])
    const outside = machine.put([], "int32", [3], { seed: 0 })
    expect(() => machine.lower(kernel, [], [outside, target])).toThrow(KernelFault)
  })

  test.each([
    ["set", [-0, Number.NaN, 5, 2]],
    ["add", [-0, Number.NaN, 6, Number.NaN]],
    ["max", [-0, Number.NaN, 5, Number.NaN]],
    ["min", [-0, Number.NaN, 1, Number.NaN]],
  ] as const)(
    "%s: what no point hits keeps its very value, NaN spreads, the last of equals is set",
    (combine, expected) => {
      const machine = new Machine()
      const x = machine.put([3], "float32", [5, Number.NaN, 2], { seed: 0 })
      const at = machine.put([3], "int32", [2, 3, 3], { seed: 0 })
      const target = machine.put([4], "float32", [-0, Number.NaN, 1, 1], { seed: 0 })
      machine.lower({ ...indexed(combine, "zero", "float32"), inputs: [typeOf(x), typeOf(at)] }, [3], [x, at, target])
      expect(machine.get(target)).toEqual(expected)
    },
  )

  test("values and coordinates may be loads, also of the target itself", () => {
    const machine = new Machine()
    const target = machine.put([4], "int32", [1, 2, 3, 4], { seed: 0 })
    // target[3 - i] += target[i], from the old values.
    const kernel: ScatterKernel = {
      ...indexed("add", "fault", "int32"),
      inputs: [{ dtype: "int32", access: "load", rank: 1 }],
      value: load(0, "int32", [index(0)], "zero"),
      coordinates: [constant(3, "int32").sub(index(0))],
    }
    machine.lower(kernel, [4], [target, target])
    expect(machine.get(target)).toEqual([5, 5, 5, 5])
  })
})

// ------------------------------------------------------------------------------------------------------- sort

describe("sort", () => {
  const specials = [Number.NaN, -0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  const cases = fc.record({
    sizes: fc.array(fc.nat(6), { maxLength: 3 }),
    dtype: dtypes,
    descending: fc.boolean(),
    seed: seeds,
  })

  test("is stable, with NaN as the greatest, in every dtype", () => {
    check(cases, 150, ({ sizes, dtype, descending, seed }) => {
      const machine = new Machine()
      const values = digits(count(sizes), seed, dtype).map((x, i) =>
        isFloating(dtype) && (seed + i) % 3 === 0 ? specials[(seed + i) % 5] : x,
      )
      const x = machine.put(sizes, dtype, values, { seed })
      const sorted = machine.put(sizes, dtype, values, { seed: seed * 3, backwards: false })
      const indices = machine.put(
        sizes,
        "int32",
        values.map(() => 0),
        { seed: seed * 5, backwards: false },
      )
      const kernel: SortKernel = { kind: "sort", rank: sizes.length, dtype, descending }
      machine.lower(kernel, sizes, [x, sorted, indices])
      const length = sizes.length ? sizes[sizes.length - 1] : 1
      const order = points(sizes.slice(0, -1)).flatMap((_, row) => {
        const rowValues = values.slice(row * length, (row + 1) * length)
        const key = (i: number): [number, number] => [Number.isNaN(rowValues[i]) ? 1 : 0, rowValues[i]]
        const compare = (i: number, j: number): number => {
          const [[nanI, a], [nanJ, b]] = [key(i), key(j)]
          return nanI - nanJ || (nanI ? 0 : a < b ? -1 : a > b ? 1 : 0)
        }
        // Array.prototype.sort is stable.
        return rowValues.map((_, i) => i).sort((i, j) => (descending ? compare(j, i) : compare(i, j)))
      })
      expect(machine.get(indices)).toEqual(order)
      expect(machine.get(sorted)).toEqual(order.map((i, place) => values[Math.floor(place / length) * length + i]))
    })
  })

  test("descending puts NaN first, as torch.sort does", () => {
    const machine = new Machine()
    const values = [1, Number.NaN, 3, Number.NaN, 2, -0, 0]
    const x = machine.put([7], "float32", values, { seed: 0 })
    const sorted = machine.put([7], "float32", values, { seed: 0 })
    const indices = machine.put([7], "int32", values, { seed: 0 })
    machine.lower({ kind: "sort", rank: 1, dtype: "float32", descending: true }, [7], [x, sorted, indices])
    expect(machine.get(indices)).toEqual([1, 3, 2, 4, 0, 5, 6])
    expect(machine.get(sorted)).toEqual([Number.NaN, Number.NaN, 3, 2, 1, -0, 0])
  })
})

test("an empty iteration space launches nothing", () => {
  const machine = new Machine()
  const empty = machine.put([0], "float32", [], { seed: 0 })
  const none = machine.put([0], "int32", [], { seed: 0 })
  const square = machine.put([0, 0], "float32", [], { seed: 0 })
  const kernels: [Kernel & LoweredKernel, number[], Placed[]][] = [
    [{ kind: "sort", rank: 1, dtype: "float32", descending: false }, [0], [empty, empty, none]],
    [{ kind: "matmul", batch: 0, dtype: "float32", epilogue: null }, [0, 0, 3], [square, square, square]],
    [
      {
        ...sumIn("float32", "float32"),
        kind: "scan",
        rank: 1,
        reverse: false,
        inputs: [typeOf(empty)],
        outputs: [outTypeOf(empty)],
        scalars: [],
      },
      [0],
      [empty, empty],
    ],
  ]
  for (const [kernel, sizes, operands] of kernels) machine.lower(kernel, sizes, operands)
  expect(machine.keys).toEqual([])
})
