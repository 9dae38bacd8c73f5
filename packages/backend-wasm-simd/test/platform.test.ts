import { expect, test } from "vitest"
import { detect, requireSimd } from "../src/platform.ts"
import { webAssembly } from "../src/webassembly.ts"

test("this engine has what every engine has that tests run under", async () => {
  const platform = await detect()
  expect(platform).toMatchObject({ simd: true, relaxed: true, threads: true, withoutThreads: null })
  expect(platform.hardwareConcurrency).toBeGreaterThanOrEqual(1)
  requireSimd(platform)
})

/** Runs with some of the global objects replaced. */
async function pretending<T>(globals: Record<string, unknown>, body: () => Promise<T>): Promise<T> {
  const names = Object.keys(globals)
  const saved = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
  for (const name of names)
    Object.defineProperty(globalThis, name, { value: globals[name], configurable: true, writable: true })
  try {
    return await body()
  } finally {
    for (const [name, descriptor] of saved) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor)
      else delete (globalThis as Record<string, unknown>)[name]
    }
  }
}

test.each([
  [{ crossOriginIsolated: false }, /Cross-Origin-Opener-Policy: same-origin/],
  [{ SharedArrayBuffer: undefined }, /no SharedArrayBuffer/],
])("without shared memory it says why: %o", async (globals, reason) => {
  const { threads, withoutThreads } = await pretending(globals, detect)
  expect(threads).toBe(false)
  expect(withoutThreads).toMatch(reason)
})

test("without WebAssembly, or without its vectors, the way out is named", async () => {
  const none = await pretending({ WebAssembly: undefined }, detect)
  expect(none).toMatchObject({ simd: false, relaxed: false, threads: false, memory64: false })
  expect(() => requireSimd(none)).toThrow(/Use the device "cpu"/)
  const refusing = { ...webAssembly(), Memory: webAssembly().Memory, validate: () => false }
  expect(await pretending({ WebAssembly: refusing }, detect)).toMatchObject({ simd: false, threads: false })
})

test("in a browser the number of threads is the navigator's", async () => {
  const { hardwareConcurrency } = await pretending(
    { process: undefined, navigator: { hardwareConcurrency: 7 } },
    detect,
  )
  expect(hardwareConcurrency).toBe(7)
})
