/** `torch.cuda` on the emulator. */

import { type CudaBackend, createCuda, devices } from "@taeda/backend-cuda"
import { emulatedWithLibraries } from "@taeda/cuda-addon"
import * as torch from "taeda"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"

const { cuda } = torch
const emulator = await emulatedWithLibraries()

beforeAll(async () => {
  process.env.CUDA_EMULATOR_DEVICES = "2"
  torch.registerBackend("cuda", (device) => createCuda({ ...emulator, device, libraries: "none" }))
  await torch.open("cuda:1")
  await torch.setDefaultDevice("cuda")
})

afterAll(async () => {
  await torch.setDefaultDevice("cpu")
  for (const { backend } of torch.openDevices()) if (backend.name === "cuda") backend.dispose()
})

test("the package lists the GPUs without opening one", async () => {
  expect((await devices(emulator)).map(({ computeCapability }) => computeCapability)).toEqual([
    [9, 0],
    [9, 0],
  ])
})

describe("memory", () => {
  test("is that of the default device, or of the one that is named", () => {
    const before = [cuda.memoryAllocated(), cuda.memoryAllocated(1)]
    const x = torch.ones(1000)
    expect([cuda.memoryAllocated(), cuda.memoryAllocated("cuda:1")]).toEqual([before[0] + 4096, before[1]])
    expect(cuda.memoryReserved()).toBeGreaterThanOrEqual(2 ** 21)
    torch.dispose(x)
    expect(cuda.memoryAllocated()).toBe(before[0])
    expect(cuda.maxMemoryAllocated()).toBeGreaterThanOrEqual(before[0] + 4096)
    cuda.resetPeakMemoryStats()
    expect(cuda.maxMemoryAllocated()).toBe(before[0])
  })

  test("that nobody uses is given back", () => {
    torch.dispose(torch.ones(2 ** 23))
    const { segments, reservedBytes } = cuda.memoryStats()
    cuda.emptyCache()
    const after = cuda.memoryStats()
    expect([segments - after.segments, reservedBytes - after.reservedBytes]).toEqual([1, 2 ** 25])
  })
})

describe("from one device to another", () => {
  const read = (): number[] =>
    [0, 1].map(
      (k) => (torch.openDevices().find((d) => d.name === `cuda:${k}`)!.backend as CudaBackend).counts().readBytes,
    )

  test("values go straight, whatever their layout and dtype, and keep it", async () => {
    const x = torch.arange(24).view(2, 3, 4)
    for (const t of [
      x,
      x.transpose(0, 2),
      x.at(torch.slice(), 1, torch.slice(1, 3)),
      x.expand(5, 2, 3, 4),
      torch.empty(0, 3),
    ]) {
      const before = read()
      const y = t.to("cuda:1")
      const half = t.to("cuda:1", "float16")
      expect(read()).toEqual(before)
      expect([y.device.name, y.dtype, half.dtype]).toEqual(["cuda:1", t.dtype, "float16"])
      expect(y.stride()).toEqual(t.clone().stride())
      expect(await y.toArray()).toEqual(await t.toArray())
      expect(await half.toArray()).toEqual(await t.toArray())
      expect(await y.add(1).cuda().toArray()).toEqual(await t.add(1).toArray())
    }
  })

  test("a later change of the source does not reach the copy, nor one of the copy the source", async () => {
    const x = torch.ones(3)
    x.mul_(2)
    const y = x.to("cuda:1")
    x.mul_(10)
    y.add_(1)
    expect([await x.toArray(), await y.toArray()]).toEqual([
      [20, 20, 20],
      [3, 3, 3],
    ])
    const before = read()
    x.copy_(torch.tensor([7], { device: "cuda:1" }))
    expect(read()).toEqual(before)
    expect(await x.toArray()).toEqual([7, 7, 7])
  })

  test("gradients go back the same way", async () => {
    const w = torch.tensor([1, 2, 3], { requiresGrad: true })
    const before = read()
    w.mul(2).to("cuda:1").square().sum().backward()
    expect(read()).toEqual(before)
    expect(w.grad!.device.name).toBe("cuda:0")
    expect(await w.grad!.toArray()).toEqual([8, 16, 24])
  })

  test("takes the memory of the copy, and nothing else", () => {
    const x = torch.ones(1000).view(10, 100)
    const held = (): number[] => [cuda.memoryAllocated(0), cuda.memoryAllocated(1)]
    const before = held()
    const y = x.t().to("cuda:1")
    expect(held()).toEqual([before[0], before[1] + 4096])
    torch.dispose(y)
    expect(held()).toEqual(before)
  })

  test("is not recorded, from the one nor to it", async () => {
    const [x, y] = [torch.ones(2), torch.zeros(2, { device: "cuda:1" })]
    for (const copy of [() => x.to("cuda:1"), () => y.to("cuda:0"), () => void x.copy_(y)])
      expect(() => cuda.graph(new cuda.CUDAGraph(), () => void copy())).toThrow(
        "a copy from one device to another while launches are recorded",
      )
    expect(await x.toArray()).toEqual([1, 1])
  })
})

test("events measure time", async () => {
  const [start, end] = [new cuda.Event(), new cuda.Event()]
  start.record()
  torch.ones(100_000).add(1)
  end.record()
  await cuda.synchronize()
  expect(end.query()).toBe(true)
  expect(start.elapsedTime(end)).toBeGreaterThan(0)
})

describe("graphs", () => {
  test("are replayed on what their tensors hold then", async () => {
    const x = torch.tensor([1, 2, 3])
    const g = new cuda.CUDAGraph()
    const y = torch.zeros(3)
    cuda.graph(g, () => void y.copy_(x.mul(2).add(1)))
    expect(await y.toArray()).toEqual([0, 0, 0])
    g.replay()
    expect(await y.toArray()).toEqual([3, 5, 7])
    x.fill_(10)
    g.replay()
    expect(await y.toArray()).toEqual([21, 21, 21])
    expect(() => cuda.graph(g, () => {})).toThrow("this graph was recorded already; reset() it first")
    g.reset()
    expect(() => g.replay()).toThrow("nothing was recorded")
  })

  test("cannot read", () => {
    const x = torch.tensor([1])
    const g = new cuda.CUDAGraph()
    expect(() => cuda.graph(g, () => void x.add(1).itemSync())).toThrow("a read while launches are recorded")
    expect(x.itemSync()).toBe(1)
  })
})

describe("the precision of float32 products", () => {
  afterEach(() => torch.setFloat32MatmulPrecision("highest"))

  const numbers = (t: torch.Tensor): number[] => Array.from(t.detach().dataSync(), Number)
  /** A product, the gradient of a factor, a convolution. */
  const results = (device?: string): number[][] => {
    torch.manualSeed(1)
    const make = (...sizes: number[]): torch.Tensor => torch.randn(sizes, { device: "cpu" }).to(device ?? "cuda")
    const [x, w, image, taps] = [make(32, 64), make(64, 48), make(2, 8, 12, 12), make(16, 8, 3, 3)]
    w.requiresGrad_()
    const y = x.matmul(w)
    y.square().sum().backward()
    return [y, w.grad!, torch.nn.functional.conv2d(image, taps)].map(numbers)
  }
  const relative = (values: readonly number[], exact: readonly number[]): number =>
    Math.hypot(...values.map((value, i) => value - exact[i])) / Math.hypot(...exact)

  test("is exact, and TF32's where that is asked for, also after exact ones and before", () => {
    const exact = results()
    results("cpu").forEach((cpu, k) => {
      expect(relative(exact[k], cpu)).toBeLessThan(2 ** -21)
    })
    for (const precision of ["high", "medium"] as const) {
      torch.setFloat32MatmulPrecision(precision)
      results().forEach((values, k) => {
        const error = relative(values, exact[k])
        expect(error).toBeGreaterThan(2 ** -16)
        expect(error).toBeLessThan(2 ** -10)
      })
    }
    torch.setFloat32MatmulPrecision("highest")
    expect(results()).toEqual(exact)
  })

  test("is left alone in other types", () => {
    const product = (): number[] => {
      torch.manualSeed(2)
      return numbers(torch.randn(20, 30).double().matmul(torch.randn(30, 40).double()))
    }
    const exact = product()
    torch.setFloat32MatmulPrecision("high")
    expect(product()).toEqual(exact)
  })
})

describe("NVIDIA's libraries", () => {
  const { cudnn } = torch.backends
  afterEach(() => {
    cuda.useLibraries("none")
    cudnn.enabled = true
  })
  const calls = (): number[] => cuda.libraries().map((report) => report.calls)
  const compute = (): void => {
    const [x, w] = [torch.ones(8, 8), torch.ones(4, 1, 3, 3)]
    torch.nn.functional.conv2d(x.matmul(x).view(1, 1, 8, 8), w)
  }

  test("are those that are chosen, and tell how often they were used", () => {
    const steps = [[0, 0]]
    const step = (choose: () => void): void => {
      choose()
      const before = calls()
      compute()
      steps.push(calls().map((count, i) => count - before[i]))
    }
    step(() => cuda.useLibraries("none"))
    step(() => cuda.useLibraries("auto"))
    step(() => cuda.useLibraries(["cudnn"]))
    step(() => cuda.useLibraries(["cublasLt", "cudnn"]))
    step(() => {
      cudnn.enabled = false
    })
    expect(steps.slice(1)).toEqual([
      [0, 0],
      [1, 1],
      [0, 1],
      [1, 1],
      [1, 0],
    ])
    expect(cuda.libraries().map(({ name, enabled, version }) => [name, enabled, version])).toEqual([
      ["cublasLt", true, "13.1.0"],
      ["cudnn", false, "9.14.0"],
    ])
  })

  test("answer to PyTorch's names", () => {
    expect([cudnn.isAvailable(), cudnn.isAvailable(1), cudnn.version()]).toEqual([true, true, 91400])
    expect(cudnn.enabled).toBe(false)
    cuda.useLibraries("auto")
    expect(cudnn.enabled).toBe(true)
    cudnn.enabled = false
    expect([cudnn.enabled, cuda.libraries(1)[1].enabled]).toEqual([false, false])
    expect(() => cuda.useLibraries(["cufft"] as never)).toThrow('it is "auto", "none", or an array of')
  })
})
