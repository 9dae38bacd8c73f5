/** Convolutions by the stand-in of cuDNN, which has engines of every kind, of which some must not be taken. */
import { type ConvKernel, constant, type DType, type Epilogue, input, result, type Scalar } from "@taeda/core"
import { afterEach, describe, expect, it, vi } from "vitest"
import type { ConvolutionSpec, DeviceMemory } from "../src/driver.ts"
import type { CudaBackend, CudaOptions } from "../src/index.ts"
import {
  count,
  empty,
  launched,
  loadDriver,
  onContext,
  openEmulated,
  STAND_INS,
  type Value,
  type View,
  where,
  withSettings,
} from "./harness.ts"

const CUDNN = process.platform === "win32" ? "cudnn64_9.dll" : "libcudnn.so.9"
const ALL: CudaOptions = { libraries: ["cudnn"], libraryFolder: STAND_INS }

async function onBackend<T>(options: CudaOptions, body: (backend: CudaBackend) => T | Promise<T>): Promise<T> {
  const backend = await openEmulated(options)
  try {
    return await body(backend)
  } finally {
    backend.dispose()
  }
}

const callsOf = (backend: CudaBackend): number => backend.libraries().find(({ name }) => name === "cudnn")!.calls

/** Whole numbers, few and small, so that every type and every order of sums holds them exactly. */
const small = (sizes: readonly number[], step: number): number[] =>
  count(sizes.reduce((n, size) => n * size, 1)).map((i) => ((i * step) % 5) - 2)

interface Geometry {
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly dilation: readonly number[]
  readonly groups: number
}
interface Case extends Geometry {
  readonly x: readonly number[]
  readonly w: readonly number[]
  readonly y: readonly number[]
}
const CASES: Readonly<Record<string, Case>> = {
  "1d": { x: [2, 3, 9], w: [4, 3, 3], y: [2, 4, 5], stride: [2], padding: [1], dilation: [1], groups: 1 },
  "2d, groups": {
    x: [2, 4, 6, 5],
    w: [6, 2, 2, 3],
    y: [2, 6, 4, 5],
    stride: [1, 1],
    padding: [0, 2],
    dilation: [2, 2],
    groups: 2,
  },
  // The last row of x is met by no tap.
  "2d, a remainder": {
    x: [1, 2, 6, 6],
    w: [3, 2, 3, 3],
    y: [1, 3, 2, 2],
    stride: [2, 2],
    padding: [0, 0],
    dilation: [1, 1],
    groups: 1,
  },
  "3d": {
    x: [1, 2, 4, 3, 5],
    w: [2, 2, 2, 1, 3],
    y: [1, 2, 3, 3, 3],
    stride: [1, 1, 1],
    padding: [0, 0, 0],
    dilation: [1, 1, 1],
    groups: 1,
  },
}

const PASSES = ["forward", "input", "weight"] as const
const OPERANDS = { forward: ["x", "w", "y"], input: ["y", "w", "x"], weight: ["x", "y", "w"] } as const

const kernelOf = (
  dtype: DType,
  pass: ConvKernel["pass"],
  spatial: number,
  epilogue: Epilogue | null = null,
): ConvKernel => ({ kind: "conv", pass, spatial, dtype, epilogue })
const scalarsOf = ({ stride, padding, dilation, groups }: Geometry): Scalar[] => [
  ...stride,
  ...padding,
  ...dilation,
  groups,
]

/** What our own kernels give, and the library; with what it was asked for. */
async function both(
  kernel: ConvKernel,
  geometry: Geometry,
  views: readonly View[],
  sizes: readonly number[],
): Promise<{ readonly own: Value[]; readonly library: Value[]; readonly calls: number; readonly launches: number }> {
  const run = (backend: CudaBackend): Promise<Value[][]> => launched(backend, kernel, sizes, views, scalarsOf(geometry))
  const own = (await onBackend({ libraries: "none" }, run)).at(-1)!
  return onBackend(ALL, async (backend) => {
    const library = (await run(backend)).at(-1)!
    return { own, library, calls: callsOf(backend), launches: backend.counts().launches }
  })
}

describe.each(["float32", "float64", "float16", "bfloat16"] as const)("convolutions of %s", (dtype) => {
  it.each(Object.entries(CASES))("%s, and its gradients, as our own kernels give them", async (_, each) => {
    for (const pass of PASSES) {
      const [a, b, out] = OPERANDS[pass].map((role) => each[role])
      const views: View[] = [
        { dtype, sizes: a, values: small(a, 3) },
        { dtype, sizes: b, values: small(b, 7) },
        empty(dtype, out),
      ]
      const { own, library, calls } = await both(kernelOf(dtype, pass, each.stride.length), each, views, out)
      expect(library).toEqual(own)
      expect(calls).toBe(1)
    }
  })

  it("are followed by a bias and more", async () => {
    const each = CASES["2d, groups"]
    const type = dtype === "float64" ? "float64" : "float32"
    const sum = input(0, dtype).cast(type).add(result(0, type))
    const epilogue: Epilogue = {
      inputs: [{ dtype, access: "broadcast" }],
      scalars: [],
      body: where(sum.lt(0), constant(0, type), sum),
    }
    const views: View[] = [
      { dtype, sizes: each.x, values: small(each.x, 3) },
      { dtype, sizes: each.w, values: small(each.w, 7) },
      { dtype, sizes: each.y, values: small([6], 11).map((v) => v / 2 ** 7), strides: [0, 1, 0, 0] },
      empty(dtype, each.y),
    ]
    const { own, library, calls, launches } = await both(kernelOf(dtype, "forward", 2, epilogue), each, views, each.y)
    expect(library).toEqual(own)
    // Of half types the library would round the sums before that.
    const isHalf = type !== dtype
    expect([calls, launches]).toEqual(isHalf ? [0, 1] : [1, 2])
  })
})

describe("layouts", () => {
  const each = CASES["2d, groups"]
  /** Strides of [N, C, H, W] with the channels innermost. */
  const channelsLast = ([, c, h, w]: readonly number[]): number[] => [c * h * w, 1, w * c, c]
  const views = (strides: (sizes: readonly number[]) => number[], spread = 1): View[] =>
    [each.x, each.w, each.y].map((sizes, k) => ({
      dtype: "float32",
      sizes,
      values: Array.from({ length: spread }, () => small(sizes, 3 + 4 * k)).flat(),
      strides: strides(sizes).map((stride) => stride * spread),
    }))

  it("with the channels innermost are the library's too", async () => {
    const { own, library, calls } = await both(kernelOf("float32", "forward", 2), each, views(channelsLast), each.y)
    expect(library).toEqual(own)
    expect(calls).toBe(1)
  })

  it("of every second element are our own", async () => {
    const rows = (sizes: readonly number[]): number[] => [
      sizes[1] * sizes[2] * sizes[3],
      sizes[2] * sizes[3],
      sizes[3],
      1,
    ]
    const { own, library, calls } = await both(kernelOf("float32", "forward", 2), each, views(rows, 2), each.y)
    expect(library).toEqual(own)
    expect(calls).toBe(0)
  })
})

describe("engines", () => {
  const each = CASES["2d, groups"]
  const values = (sizes: readonly number[]): number[] =>
    count(sizes.reduce((n, size) => n * size)).map((i) => 1 + i / 7)
  const run = (backend: CudaBackend, precision?: ConvKernel["precision"]): Promise<Value[][]> =>
    launched(
      backend,
      { ...kernelOf("float32", "forward", 2), precision },
      each.y,
      [
        { dtype: "float32", sizes: each.x, values: values(each.x) },
        { dtype: "float32", sizes: each.w, values: values(each.w) },
        empty("float32", each.y),
      ],
      scalarsOf(each),
    )
  const error = (a: readonly Value[], b: readonly Value[]): number =>
    Math.max(...a.map((v, i) => Math.abs(Number(v) - Number(b[i])) / Math.max(1, Math.abs(Number(b[i])))))

  it("that round are taken where TF32 is allowed, and never those whose results are less exact or vary", () =>
    onBackend(ALL, async (backend) => {
      const own = (await onBackend({ libraries: "none" }, run))[2]
      const exact = (await run(backend))[2]
      const rounded = (await run(backend, "high"))[2]
      expect(error(exact, own)).toBeLessThan(1e-6)
      expect(error(rounded, own)).toBeGreaterThan(1e-6)
      expect(error(rounded, own)).toBeLessThan(1e-3)
      expect(callsOf(backend)).toBe(2)
    }))
})

it("convolutions are recorded, and replayed", () =>
  onBackend(ALL, async (backend) => {
    const each = CASES["1d"]
    const bytes = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer)
    const operand = (sizes: readonly number[], values: readonly number[]) => {
      const buffer = backend.allocate(4 * values.length, "float32")
      backend.write(buffer, bytes(values))
      return { buffer, offset: 0, sizes, strides: [sizes[1] * sizes[2], sizes[2], 1] }
    }
    const operands = [
      operand(each.x, small(each.x, 3)),
      operand(each.w, small(each.w, 7)),
      operand(each.y, small(each.y, 0)),
    ]
    const kernel = backend.compile(kernelOf("float32", "forward", 1))
    const read = (): number[] =>
      Array.from(new Float32Array(backend.readSync(operands[2].buffer, 0, 160).slice().buffer))
    const recording = backend.capture(() => backend.launch(kernel, each.y, operands, scalarsOf(each)))
    const before = read()
    recording.replay()
    const after = read()
    expect(after).not.toEqual(before)
    backend.launch(kernel, each.y, operands, scalarsOf(each))
    expect(read()).toEqual(after)
    recording.dispose()
  }))

it("where there is no room for what the library needs, our own kernels compute", () =>
  withSettings({ MEMORY: String(3 * 2 ** 20) }, () =>
    onBackend(ALL, async (backend) => {
      const sizes = [1, 1, 2 ** 17]
      const geometry: Geometry = { stride: [1], padding: [0], dilation: [1], groups: 1 }
      const values = small(sizes, 3)
      const views: View[] = [
        { dtype: "float32", sizes, values },
        { dtype: "float32", sizes: [1, 1, 1], values: [3] },
        empty("float32", sizes),
      ]
      const [, , y] = await launched(backend, kernelOf("float32", "forward", 1), sizes, views, scalarsOf(geometry))
      expect(y).toEqual(values.map((v) => 3 * v))
      expect(backend.libraries()[1]).toMatchObject({ state: "ready", calls: 0 })
      expect(backend.cudaMemoryStats().retries).toBe(1)
    }),
  ))

describe("cuDNN", () => {
  const warnings = vi.spyOn(process, "emitWarning").mockImplementation(() => {})
  afterEach(() => warnings.mockClear())
  const each = CASES["1d"]
  const convolve = (backend: CudaBackend): Promise<Value[][]> =>
    launched(
      backend,
      kernelOf("float32", "forward", 1),
      each.y,
      [
        { dtype: "float32", sizes: each.x, values: small(each.x, 3) },
        { dtype: "float32", sizes: each.w, values: small(each.w, 7) },
        empty("float32", each.y),
      ],
      scalarsOf(each),
    )

  it.each([
    [
      "cudnnCreate:1001",
      /^cuda: cuDNN 9\.14\.0 \(.*\) does not start: cudnnCreate: CUDNN_STATUS_NOT_INITIALIZED \(1001\)/,
    ],
    [
      "cudnnBackendExecute:5000",
      /^cuda: cuDNN failed in .*: cudnnBackendExecute: CUDNN_STATUS_EXECUTION_FAILED \(5000\): as the/,
    ],
    ["cudnnBackendFinalize:2000", /^cuda: cuDNN failed in .*: cudnnBackendFinalize: CUDNN_STATUS_BAD_PARAM/],
  ])("that fails is told once, and done without: %s", (how, said) =>
    withSettings({ CUDNN_FAIL: how }, () =>
      onBackend({ libraries: "auto", libraryFolder: STAND_INS }, async (backend) => {
        const own = await onBackend({ libraries: "none" }, convolve)
        expect(await convolve(backend)).toEqual(own)
        expect(await convolve(backend)).toEqual(own)
        expect(warnings.mock.calls.map(([message]) => message)).toEqual([expect.stringMatching(said)])
        expect(backend.libraries()[1]).toMatchObject({ name: "cudnn", state: "failed", version: "9.14.0", calls: 0 })
      }),
    ),
  )
})

describe("the addon", () => {
  const library = loadDriver().loadCudnn([`${STAND_INS}/${CUDNN}`])
  const tensor = (sizes: readonly number[], alignment = 256) => ({
    sizes,
    strides: [sizes[1] * sizes[2] * sizes[3], sizes[2] * sizes[3], sizes[3], 1],
    alignment,
  })
  const SPEC: ConvolutionSpec = {
    pass: "forward",
    type: "float32",
    tf32: true,
    x: tensor([1, 2, 3, 3]),
    w: tensor([4, 2, 2, 2]),
    y: tensor([1, 4, 2, 2]),
    stride: [1, 1],
    padding: [0, 0],
    dilation: [1, 1],
    workspaceBytes: 1024,
  }
  const begins = (...given: number[]): Float64Array => Float64Array.from([...given, 0, 0, 0, 0].slice(0, 4))

  it("refuses what would reach beyond its memory, or lie otherwise than was said", () =>
    onContext((context) => {
      const handle = context.openCudnn(library)
      const convolution = context.prepareConvolution(handle, SPEC)!
      expect(convolution.workspaceBytes).toBe(64)
      const [x, w, y, workspace] = [72, 128, 512, 64].map((bytes) => context.allocate(bytes))
      const run = (memories: (DeviceMemory | null)[], from: Float64Array): void =>
        context.convolve(convolution, memories, from)
      run([x, w, y, workspace], begins())
      expect(() => run([x, x, y, workspace], begins())).toThrow(
        "128 bytes from 0.000000 on are not in a DeviceMemory of 72",
      )
      for (const from of [512, -256, 0.5, Number.NaN])
        expect(() => run([x, w, y, workspace], begins(0, 0, from))).toThrow(RangeError)
      expect(() => run([x, w, y, workspace], begins(0, 0, 16))).toThrow("is no multiple of 256 as it was said to be")
      expect(() => run([x, w, y, null], begins())).toThrow("this is no DeviceMemory")
      expect(() => run([x, w, y, workspace], new Float64Array(2))).toThrow("memory and a place for each")
      expect(() => context.convolve(handle as never, [x, w, y, workspace], begins())).toThrow("no PreparedConvolution")
    }))

  it("refuses sizes and layouts that are none, and has none where the workspace would be too large", () =>
    onContext((context) => {
      const handle = context.openCudnn(library)
      const prepare = (change: object): unknown =>
        context.prepareConvolution(handle, { ...SPEC, ...change } as ConvolutionSpec)
      expect(() => prepare({ pass: "back" })).toThrow("a convolution has no pass back")
      expect(() => prepare({ stride: [1] })).toThrow("two or three spatial dims")
      expect(() => prepare({ padding: [1] })).toThrow("padding must be an array of 2")
      expect(() => prepare({ stride: [0, 1] })).toThrow("stride must be from 1 to")
      expect(() => prepare({ type: "int8" })).toThrow("there are no convolutions of int8")
      expect(() => prepare({ x: tensor([1, 2, 0, 3]) })).toThrow("sizes must be from 1 to")
      expect(() => prepare({ x: tensor([1, 2, 3, 3], 24) })).toThrow("a power of two")
      const far = { ...tensor([1, 2 ** 24, 2 ** 15, 3]), strides: [1, 2 ** 30, 2 ** 30, 1] }
      expect(() => prepare({ x: far })).toThrow("the tensor x is too large")
      expect(() => prepare({ y: tensor([1, 4, 3, 2]) })).toThrow("cudnnBackendFinalize: CUDNN_STATUS_BAD_PARAM")
      expect(prepare({ workspaceBytes: 63 })).toBe(null)
    }))

  it("gives everything back with its context, whichever goes first", async () => {
    const other = loadDriver().open(0)
    const handle = other.openCudnn(library)
    const convolution = other.prepareConvolution(handle, SPEC)!
    await onContext((context) => {
      expect(() => context.prepareConvolution(handle, SPEC)).toThrow("belongs to another context")
      expect(() => context.convolve(convolution, [], begins())).toThrow("belongs to another context")
    })
    other.dispose()
    expect(() => other.convolve(convolution, [], begins())).toThrow("this PreparedConvolution was given back")
    expect(() => other.prepareConvolution(handle, SPEC)).toThrow("this CudnnHandle was given back")
  })
})
