import { BACKENDS } from "@taeda/choices"
import { describe, expect, test } from "vitest"
import { machineLines, verdictLines, wrapped } from "../src/backends/show.ts"
import type { Trial } from "../src/backends/trial.ts"
import { recommended, statusText, type Verdict, verdictElsewhere, verdictHere } from "../src/backends/verdict.ts"
import type { Machine } from "../src/machine/machine.ts"
import { captured } from "./output.ts"

const [cuda, webgpu, wasm, cpu] = ["cuda", "webgpu", "wasm-simd", "cpu-js"].map(
  (name) => BACKENDS.find((backend) => backend.name === name)!,
)

const NONE = { driver: null, gpus: [], source: null, problem: null } as const
const T4 = { name: "Tesla T4", computeCapability: "7.5", memory: 2 ** 34 }

/** A machine of Linux without a GPU, but for what is said. */
const machine = (other: Partial<Machine> = {}): Machine => ({
  runtime: { name: "node", version: "22.0.0", supported: true },
  system: {
    name: "linux",
    title: "Debian",
    release: "6.1",
    arch: "x64",
    libc: "glibc",
    libcVersion: "2.36",
    wsl: false,
    container: false,
  },
  processor: { model: "CPU", logicalCores: 8, usableCores: 4, memory: 2 ** 34 },
  webAssembly: { simd: true, relaxedSimd: true, threads: true },
  nvidia: NONE,
  graphics: { gpus: [], vulkanDrivers: [] },
  ...other,
})

const system = (other: Partial<Machine["system"]>): Partial<Machine> => ({ system: { ...machine().system, ...other } })

const passed = (software = false): Trial => ({
  state: "passed",
  device: "x",
  notes: ["a note", "another"],
  software,
  product: "tensor([[19., 22.],\n        [43., 50.]])",
  gradient: "tensor([[11., 15.],\n        [11., 15.]])",
  size: 256,
  compared: 3,
  milliseconds: 1.25,
})

describe("cuda before it is installed", () => {
  test.each<[string, Partial<Machine>, Partial<Verdict>]>([
    ["nothing", {}, { status: "missing", evidence: "no NVIDIA GPU and no driver of NVIDIA's were found", fix: null }],
    [
      "nothing in a container",
      system({ container: true }),
      { status: "missing", fix: expect.stringContaining("--gpus all") as unknown as string },
    ],
    [
      "a GPU without a driver",
      { graphics: { gpus: [{ vendor: "NVIDIA", name: null }], vulkanDrivers: [] } },
      { status: "missing", evidence: "there is an NVIDIA GPU, but no driver of NVIDIA's" },
    ],
    [
      "all that it needs",
      { nvidia: { ...NONE, driver: "450.36.06", gpus: [T4, T4] } },
      { status: "ready", evidence: "Tesla T4 (compute capability 7.5), driver 450.36.06" },
    ],
    [
      "a driver that does not tell the capability",
      { nvidia: { ...NONE, driver: "450.80.02", gpus: [{ ...T4, computeCapability: null }] } },
      { status: "likely" },
    ],
    [
      "a driver without a GPU",
      { nvidia: { ...NONE, driver: "550.1" } },
      { status: "missing", evidence: "driver 550.1, but no GPU" },
    ],
    [
      "an old driver",
      { nvidia: { ...NONE, driver: "450.35.9", gpus: [T4] } },
      { status: "missing", evidence: "NVIDIA's driver 450.35.9 is too old: 450.36 is needed (CUDA 11.0)" },
    ],
    [
      "Windows's driver under WSL, whose numbers are others",
      { ...system({ wsl: true }), nvidia: { ...NONE, driver: "451.22", gpus: [T4] } },
      { status: "missing", evidence: "NVIDIA's driver 451.22 is too old: 451.48 is needed (CUDA 11.0)" },
    ],
    [
      "an old GPU",
      { nvidia: { ...NONE, driver: "550.1", gpus: [{ ...T4, computeCapability: "7.0" }] } },
      { status: "missing", evidence: expect.stringContaining("7.5 is needed") as unknown as string },
    ],
    [
      "a driver in disorder",
      { nvidia: { ...NONE, problem: "Driver/library version mismatch" } },
      { status: "missing", evidence: "nvidia-smi says: Driver/library version mismatch" },
    ],
    ["macOS", system({ name: "macos", libc: null }), { status: "missing", evidence: "only on Linux or Windows" }],
    [
      "Bun",
      { runtime: { name: "bun", version: "1.2.0", supported: true }, nvidia: { ...NONE, driver: "550.1", gpus: [T4] } },
      { status: "missing", evidence: "only in Node" },
    ],
  ])("with %s", (_, other, expected) => {
    expect(verdictHere(cuda, machine(other), undefined, false)).toMatchObject(expected)
    // That this command has it and fails says nothing of the project's.
    expect(verdictHere(cuda, machine(other), { state: "failed", message: "cuda: no" }, false)).toMatchObject(expected)
  })
})

describe("webgpu before it is installed", () => {
  test.each<[string, Machine["graphics"], Verdict["status"]]>([
    ["nothing", { gpus: [], vulkanDrivers: [] }, "missing"],
    ["a GPU without Vulkan", { gpus: [{ vendor: "AMD", name: null }], vulkanDrivers: [] }, "missing"],
    [
      "a GPU and its driver",
      { gpus: [{ vendor: "AMD", name: null }], vulkanDrivers: ["radeon.json", "lvp.json"] },
      "likely",
    ],
    ["a driver in software", { gpus: [{ vendor: "AMD", name: null }], vulkanDrivers: ["lvp_icd.json"] }, "unknown"],
    ["a driver alone", { gpus: [], vulkanDrivers: ["radeon.json"] }, "unknown"],
    ["a system that names a GPU", { gpus: [{ vendor: "Apple", name: "Apple M3" }], vulkanDrivers: null }, "likely"],
    ["a system that does not tell", { gpus: null, vulkanDrivers: null }, "unknown"],
  ])("with %s", (_, graphics, status) => {
    expect(verdictHere(webgpu, machine({ graphics }), undefined, false).status).toBe(status)
  })

  test("on musl", () => {
    const verdict = verdictHere(webgpu, machine(system({ libc: "musl" })), undefined, false)
    expect(verdict).toMatchObject({
      status: "missing",
      evidence: expect.stringMatching(/^its native part is built for /),
    })
  })
})

describe("tried", () => {
  test("what came out right works, whatever the table says", () => {
    expect(verdictHere(cpu, machine(), passed(), true)).toMatchObject({ status: "works", evidence: "a note, another" })
    const bun = machine({ runtime: { name: "bun", version: "2.0.0", supported: true } })
    expect(verdictHere(cuda, bun, passed(), true).status).toBe("works")
    expect(verdictHere(webgpu, machine(), passed(true), true).status).toBe("imitated")
  })

  test("what failed is broken, with its first sentence as evidence and the others as what to do", () => {
    const message = "cuda: there is no GPU (CUDA_VISIBLE_DEVICES is 7). Unset it. Then try again."
    expect(verdictHere(cuda, machine(), { state: "failed", message }, true)).toMatchObject({
      status: "broken",
      evidence: "there is no GPU (CUDA_VISIBLE_DEVICES is 7).",
      fix: "Unset it. Then try again.",
    })
    expect(verdictHere(wasm, machine(), { state: "failed", message: "no" }, false)).toMatchObject({
      status: "broken",
      evidence: "no",
      fix: "install it again, or take another backend",
    })
  })
})

describe("recommended is the fastest of what works", () => {
  const verdicts = (statuses: readonly Verdict["status"][]): Verdict[] =>
    [cuda, webgpu, wasm, cpu].map((backend, i) => ({
      backend,
      status: statuses[i],
      evidence: "",
      fix: null,
      trial: null,
    }))

  test.each<[readonly Verdict["status"][], string]>([
    [["ready", "works", "works", "works"], "cuda"],
    [["missing", "likely", "works", "works"], "webgpu"],
    [["broken", "imitated", "works", "works"], "wasm-simd"],
    [["unknown", "unknown", "works", "works"], "wasm-simd"],
    [["missing", "missing", "broken", "works"], "cpu-js"],
    // Nothing works: the one that needs least.
    [["missing", "missing", "broken", "broken"], "cpu-js"],
  ])("%j: %s", (statuses, name) => {
    expect(recommended(verdicts(statuses)).backend.name).toBe(name)
  })
})

test("of another machine is spoken as of another", () => {
  expect(statusText(verdictElsewhere(cpu, {}))).toBe("will work there")
  expect(statusText(verdictElsewhere(cuda, { cuda: "none" }))).toBe("does not work there")
  expect(statusText(verdictHere(cpu, machine(), passed(), true))).toBe("works here")
})

test("lines for a terminal break between words, under each other", () => {
  expect(wrapped("one two three four five six seven", 4, 32)).toBe("one two three four five six\n    seven")
  const evidence = "a reason that has so many words that they do not go on one line of sixty columns"
  const [line] = verdictLines([{ backend: cuda, status: "missing", evidence, fix: null, trial: null }], captured(60))
  const plain = line.split("\n")
  expect(plain.length).toBeGreaterThan(1)
  expect(plain[1]).toMatch(/^ {13}\w/)
  // Where nobody watches, a line is a line.
  const [piped] = verdictLines([{ backend: cuda, status: "missing", evidence, fix: null, trial: null }], captured())
  expect(piped).toBe(`· cuda       does not work here: ${evidence}`)
})

test("a machine in words", () => {
  expect(machineLines(machine())).toEqual([
    "Debian, x64, glibc 2.36",
    "CPU, 4 threads, 16.0 GiB of memory",
    "Node 22.0.0, WebAssembly with SIMD, relaxed SIMD and threads",
    "GPU: none was found",
  ])
  const gpus = [
    { vendor: "Intel", name: null },
    { vendor: "NVIDIA", name: null },
  ]
  const both = machine({ nvidia: { ...NONE, driver: "550.1", gpus: [T4] }, graphics: { gpus, vulkanDrivers: [] } })
  expect(machineLines(both)[3]).toBe("GPU: Tesla T4 (compute capability 7.5), driver 550.1; Intel")
})
