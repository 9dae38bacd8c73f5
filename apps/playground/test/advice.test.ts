import { BACKENDS, PACKAGE_MANAGERS, RUNTIMES, SYSTEMS } from "@taeda/choices"
import { expect, test } from "vitest"
import { adviceFor, computesFor, type Wish } from "../src/advice.ts"
import type { Machine } from "../src/machine.ts"
import { systemOf } from "../src/system.ts"

const WISH: Wish = { system: "linux", manager: "npm", runtime: "node", compute: "wasm-simd" }

/** What works; "imitated" is a GPU in software. */
type Works = Readonly<Record<string, boolean | "imitated">>

const machine = (works: Works): Machine =>
  BACKENDS.map(({ name }) => ({
    name,
    works: works[name] !== undefined && works[name] !== false,
    software: works[name] === "imitated",
    notes: ["4 threads"],
    reason: "no such thing",
  }))

test("every wish gets a command with its first lines, or says why there is none", () => {
  for (const { name: system } of SYSTEMS)
    for (const { name: runtime } of RUNTIMES)
      for (const { name: manager } of PACKAGE_MANAGERS)
        for (const { name: compute, runtimes, systems } of BACKENDS) {
          const { command, code, why } = adviceFor({ system, runtime, manager, compute })
          // What has a native part is built for no others.
          const built = compute !== "webgpu" || runtime === "browser" || system !== "other"
          const fits = built && (!runtimes || runtimes.includes(runtime)) && (!systems || systems.includes(system))
          expect(command !== null, `${system} ${runtime} ${compute}`).toBe(fits)
          expect(code !== null).toBe(command !== null)
          expect(why.join(" ")).toMatch(command === null ? /only (in|on)|is built for/ : /It needs/)
        }
})

test("what this browser has counts for a browser", () => {
  const found = machine({ "wasm-simd": true })
  expect(adviceFor({ ...WISH, runtime: "browser" }, found).why).toContain("It works in this browser: 4 threads.")
  expect(adviceFor({ ...WISH, runtime: "browser", compute: "cpu-js" }, found).why).toContain(
    "It does not work in this browser: no such thing.",
  )
  const sentences = found.map((each) => ({ ...each, reason: "It has none. Take another." }))
  expect(adviceFor({ ...WISH, runtime: "browser", compute: "webgpu" }, sentences).why).toContain(
    "It does not work in this browser: It has none. Take another.",
  )
  expect(adviceFor(WISH, found).why.join()).not.toContain("this browser")
})

test("what works comes first, the fastest of it before and imitated GPUs behind; of what does not the fastest too", () => {
  const names = (works: Works) => computesFor(machine(works)).map(({ name }) => name)
  expect(names({ "cpu-js": true }).slice(0, 2)).toEqual(["cpu-js", "cuda"])
  expect(names({ "cpu-js": true, "wasm-simd": true }).slice(0, 2)).toEqual(["wasm-simd", "cpu-js"])
  const all = { "cpu-js": true, "wasm-simd": true }
  expect(names({ ...all, webgpu: true }).slice(0, 3)).toEqual(["webgpu", "wasm-simd", "cpu-js"])
  expect(names({ ...all, webgpu: "imitated" }).slice(0, 3)).toEqual(["wasm-simd", "cpu-js", "webgpu"])
  expect(names({})).toEqual(["cuda", "webgpu", "wasm-simd", "cpu-js"])
  // Of a machine of which nothing is known yet, what comes along.
  expect(computesFor([]).map(({ name }) => name)).toEqual(["wasm-simd", "cpu-js", "cuda", "webgpu"])
})

test.each([
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/153.0.0.0", "linux"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/19.0 Safari/605.1.15", "macos"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0", "windows"],
  ["Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/153.0.0.0 Mobile", "other"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15", "other"],
])("%s is %s", (agent, system) => {
  expect(systemOf(agent)).toBe(system)
})
