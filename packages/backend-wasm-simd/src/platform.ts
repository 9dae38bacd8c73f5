/** What the engine at hand can do, found by trying. */

import { ModuleBuilder } from "./assembler.ts"
import { i32, op, v128 } from "./code.ts"
import { nodeModule } from "./node-module.ts"
import type { Target } from "./target.ts"
import { webAssembly } from "./webassembly.ts"

export interface Platform {
  /** Vectors of 128 bits: without them there is no backend. */
  readonly simd: boolean
  /** Relaxed SIMD: fused multiply-add. */
  readonly relaxed: boolean
  /** Whether memory can be shared with workers. */
  readonly threads: boolean
  /** Where it cannot: why, for a person. */
  readonly withoutThreads: string | null
  /** Memories of 64-bit addresses. */
  readonly memory64: boolean
  /** Threads that the machine runs at once. */
  readonly hardwareConcurrency: number
}

/** Looks at the engine. */
export async function detect(): Promise<Platform> {
  const withoutThreads = whyNoThreads()
  return {
    simd: validates((f) => f.drop(op("i32x4.add", ZERO, ZERO))),
    relaxed: validates((f) => f.drop(op("f32x4.relaxed_madd", ZERO, ZERO, ZERO))),
    threads: withoutThreads === null,
    withoutThreads,
    memory64: hasMemory64(),
    hardwareConcurrency: await concurrency(),
  }
}

/** @throws Error when the engine cannot run this backend at all. */
export function requireSimd({ simd }: Platform): void {
  if (simd) return
  throw new Error(
    'wasm: this engine has no WebAssembly with SIMD, which every browser since 2023 and every Node from 16 on have. Use the device "cpu", which needs none.',
  )
}

const ZERO = v128(Array.from({ length: 16 }, () => 0))
const PLAIN: Target = { relaxed: true, memory64: false, shared: false, maximumPages: 1 }

/** Whether the engine takes a module with these statements. */
function validates(body: Parameters<ModuleBuilder["function"]>[3], target: Target = PLAIN): boolean {
  const api = webAssembly()
  if (!api) return false
  const module = new ModuleBuilder(target)
  module.function("run", [], [], body, true)
  return api.validate(module.encode())
}

function hasMemory64(): boolean {
  const target = { ...PLAIN, memory64: true }
  if (!validates((f) => f.drop(f.load("i32.load", f.ptr(0))), target)) return false
  try {
    const { Memory } = webAssembly()
    return new Memory({ initial: 1n, maximum: 1n, shared: false, address: "i64" }).buffer.byteLength > 0
  } catch {
    return false
  }
}

interface Surroundings {
  readonly SharedArrayBuffer?: new (bytes: number) => object
  readonly crossOriginIsolated?: boolean
  readonly navigator?: { readonly hardwareConcurrency?: number }
  readonly Worker?: unknown
}

const surroundings = globalThis as unknown as Surroundings

/** Null where memory can be shared. */
function whyNoThreads(): string | null {
  if (surroundings.crossOriginIsolated === false)
    return "the page is not cross-origin isolated: serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp"
  if (!surroundings.SharedArrayBuffer) return "this engine has no SharedArrayBuffer"
  try {
    const { Memory } = webAssembly()
    const { buffer } = new Memory({ initial: 1, maximum: 1, shared: true })
    if (!(buffer instanceof surroundings.SharedArrayBuffer)) return "this engine's WebAssembly shares no memory"
  } catch (error) {
    return `this engine's WebAssembly shares no memory (${error})`
  }
  return validates((f) => f.drop(op("i32.eqz", i32(0))), { ...PLAIN, shared: true })
    ? null
    : "this engine's WebAssembly imports no shared memory"
}

async function concurrency(): Promise<number> {
  const os = await nodeModule<{ availableParallelism?: () => number; cpus(): unknown[] }>("os")
  const count = os ? (os.availableParallelism?.() ?? os.cpus().length) : surroundings.navigator?.hardwareConcurrency
  return Math.max(1, count ?? 1)
}
