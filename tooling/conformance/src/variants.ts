/** Every way in which our backends run, as a table: the tests go through it, and `pnpm conformance:all` does in full. */

import { type Browser, useSoftwareGpu } from "@taeda/browser"
import { knownGapsOf, type Selection } from "@taeda/conformance"
import type { BACKENDS } from "./backends.ts"
import { conformanceIn } from "./chromium.ts"
import { main, type NamedReport } from "./page.ts"

/** `chromium-plain` is a page without cross-origin isolation, and so without shared memory. */
export type Place = "node" | "chromium" | "chromium-plain"

export interface Variant {
  readonly backend: keyof typeof BACKENDS
  readonly title: string
  readonly place: Place
  /** What the backend's create function takes. */
  readonly options?: Readonly<Record<string, unknown>>
  /** The page's Content-Security-Policy. */
  readonly csp?: string
  /** Whether `npm test` runs the whole suite, and not a few cases of each op. */
  readonly full: boolean
  /** The ops that the variant computes otherwise than others do; by default all are run. */
  readonly ops?: readonly string[]
  /** What its capabilities must say: that it is what its title says. */
  readonly threads: number
  readonly note: string
}

/** Products of matrices and convolutions. */
const PRODUCTS = ["*mm", "matmul", "linear", "bilinear", "einsum", "*conv*", "scaledDotProductAttention"]
const RELAXED = "relaxed SIMD (fused multiply-add)"
/** The software GPU takes seconds to compile the clearing of workgroup memory, on which no shader relies. */
const UNCLEARED = { dawn: ["enable-dawn-features=disable_workgroup_init"] }
const PLAIN = "SIMD without fused multiply-add"

export const VARIANTS: readonly Variant[] = [
  {
    backend: "cpu-js",
    title: "generated functions",
    place: "node",
    options: { codeGeneration: true },
    full: true,
    threads: 1,
    note: "kernels are generated functions",
  },
  {
    backend: "cpu-js",
    title: "closures",
    place: "node",
    options: { codeGeneration: false },
    full: false,
    threads: 1,
    note: "kernels are closures (the page forbids generating code)",
  },
  {
    backend: "cpu-js",
    title: "generated functions",
    place: "chromium",
    full: false,
    threads: 1,
    note: "kernels are generated functions",
  },
  {
    backend: "cpu-js",
    title: "a page that forbids generated code",
    place: "chromium",
    csp: "script-src 'self'",
    full: false,
    threads: 1,
    note: "kernels are closures (the page forbids generating code)",
  },
  {
    backend: "wasm-simd",
    title: "2 threads, relaxed SIMD",
    place: "node",
    options: { threads: 2, relaxed: true },
    full: true,
    threads: 2,
    note: RELAXED,
  },
  {
    backend: "wasm-simd",
    title: "one thread, plain SIMD",
    place: "node",
    options: { threads: 1, relaxed: false },
    full: false,
    threads: 1,
    note: PLAIN,
  },
  {
    backend: "wasm-simd",
    title: "2 threads, 64-bit addresses",
    place: "node",
    options: { threads: 2, memory64: true },
    full: false,
    threads: 2,
    note: "64-bit addresses",
  },
  {
    backend: "wasm-simd",
    title: "2 threads, relaxed SIMD",
    place: "chromium",
    options: { threads: 2, relaxed: true },
    full: true,
    threads: 2,
    note: RELAXED,
  },
  {
    backend: "wasm-simd",
    title: "one thread, plain SIMD",
    place: "chromium-plain",
    options: { relaxed: false },
    full: false,
    threads: 1,
    note: PLAIN,
  },
  {
    backend: "webgpu",
    title: "a GPU through Dawn",
    place: "node",
    options: UNCLEARED,
    full: true,
    threads: 1,
    note: "subgroups",
  },
  {
    backend: "webgpu",
    title: "a GPU through Dawn, without subgroups",
    place: "node",
    options: { ...UNCLEARED, subgroups: false },
    full: false,
    threads: 1,
    note: "no subgroups",
  },
  {
    backend: "webgpu",
    title: "the browser's own WebGPU",
    place: "chromium",
    full: false,
    threads: 1,
    note: "subgroups",
  },
  {
    backend: "webgpu-lean",
    title: "maps and reductions alone, through Dawn",
    place: "node",
    options: UNCLEARED,
    full: false,
    threads: 1,
    note: "no subgroups",
  },
  {
    backend: "cuda",
    title: "the emulator of NVIDIA's driver",
    place: "node",
    full: true,
    threads: 1,
    note: "driver for CUDA 13.0",
  },
  {
    backend: "cuda",
    title: "the emulator, with stand-ins of NVIDIA's libraries",
    place: "node",
    options: { libraries: ["cublasLt", "cudnn"] },
    full: false,
    ops: PRODUCTS,
    threads: 1,
    note: "cuBLASLt 13.1.0, cuDNN 9.14.0",
  },
]

/** Runs the suite on a variant, in this process or in a page of the browser. */
export async function runVariant(
  { backend, options, place, csp, ops }: Variant,
  selection: Selection,
  browser: () => Promise<Browser>,
): Promise<NamedReport> {
  const task = { ...selection, ops: selection.ops ?? ops, backend, options, knownGaps: knownGapsOf(backend) }
  if (backend.startsWith("webgpu") && place === "node") await useSoftwareGpu()
  return place === "node" ? main(task) : conformanceIn(await browser(), task, { isolated: place === "chromium", csp })
}

/** What a backend says of itself that is not so in a variant; undefined where all is as it should be. */
export function strays({ threads, note }: Variant, actual: Pick<NamedReport, "threads" | "notes">): string | undefined {
  if (actual.threads === threads && actual.notes.includes(note)) return undefined
  return `it should have ${threads} threads and ${note}; it has ${actual.threads}, and says: ${actual.notes.join("; ")}`
}
