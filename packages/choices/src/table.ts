/** The table: data only. */

export interface RuntimeChoice {
  readonly name: "node" | "browser" | "bun" | "deno"
  readonly title: string
  /** The package manager that people use with it. */
  readonly manager: "npm" | "bun" | "deno"
  /** What is particular to it; empty where nothing is. */
  readonly note: string
}

export const RUNTIMES: readonly RuntimeChoice[] = [
  { name: "node", title: "Node", manager: "npm", note: "Node 20 or newer." },
  {
    name: "browser",
    title: "Browser",
    manager: "npm",
    note: "A bundler, such as Vite, resolves the import. There are threads where the page is served with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.",
  },
  { name: "bun", title: "Bun", manager: "bun", note: "" },
  { name: "deno", title: "Deno", manager: "deno", note: "" },
]

export interface SystemChoice {
  readonly name: "linux" | "macos" | "windows" | "other"
  readonly title: string
}

export const SYSTEMS: readonly SystemChoice[] = [
  { name: "linux", title: "Linux" },
  { name: "macos", title: "macOS" },
  { name: "windows", title: "Windows" },
  { name: "other", title: "Another" },
]

export interface BackendChoice {
  /** The backend's own name. */
  readonly name: "cpu-js" | "wasm-simd" | "webgpu" | "cuda"
  /** What people write in code: `setDefaultDevice(device)`. */
  readonly device: "cpu" | "wasm" | "webgpu" | "cuda"
  /** The npm package. */
  readonly package: string
  /** In a few words. */
  readonly title: string
  /** What a machine must have. */
  readonly needs: string
  /** Where it runs; left out for everywhere. */
  readonly runtimes?: readonly RuntimeChoice["name"][]
  readonly systems?: readonly SystemChoice["name"][]
  /** Packages of others that it needs besides, by runtime. */
  readonly alongside?: Readonly<Partial<Record<RuntimeChoice["name"], readonly string[]>>>
  /** Whether the package `taeda` brings it along. */
  readonly included: boolean
  /** Faster backends have higher numbers. */
  readonly rank: number
}

export const BACKENDS: readonly BackendChoice[] = [
  {
    name: "cuda",
    device: "cuda",
    package: "@taeda/backend-cuda",
    title: "NVIDIA GPUs through the driver",
    needs: "Node; an NVIDIA GPU of 2018 (Turing) or later with a driver for CUDA 11 or newer",
    runtimes: ["node"],
    systems: ["linux", "windows"],
    included: false,
    rank: 4,
  },
  {
    name: "webgpu",
    device: "webgpu",
    package: "@taeda/backend-webgpu",
    title: "GPUs through WebGPU",
    needs: "a browser with WebGPU, or Node with the package webgpu; a GPU and its driver",
    runtimes: ["browser", "node"],
    alongside: { node: ["webgpu"] },
    included: false,
    rank: 3,
  },
  {
    name: "wasm-simd",
    device: "wasm",
    package: "@taeda/backend-wasm-simd",
    title: "WebAssembly with SIMD and threads",
    needs: "WebAssembly with SIMD: any Node, and browsers since 2023",
    included: true,
    rank: 2,
  },
  {
    name: "cpu-js",
    device: "cpu",
    package: "@taeda/backend-cpu-js",
    title: "pure JavaScript, runs everywhere",
    needs: "nothing",
    included: true,
    rank: 1,
  },
]

export interface PackageManagerChoice {
  readonly name: "npm" | "pnpm" | "yarn" | "bun" | "deno"
  /** The command without the packages. */
  readonly add: string
  /** How it spells a package. */
  readonly spell: (name: string) => string
  /** How the command of a package is run that a project has: `npx` would fetch what Yarn keeps in archives once more. */
  readonly run: (name: string) => string
  /** The file by which a project shows that it uses this one. */
  readonly lockfiles: readonly string[]
}

const asIs = (name: string): string => name
const after =
  (command: string) =>
  (name: string): string =>
    `${command} ${name}`

export const PACKAGE_MANAGERS: readonly PackageManagerChoice[] = [
  { name: "npm", add: "npm install", spell: asIs, run: after("npx"), lockfiles: ["package-lock.json"] },
  { name: "pnpm", add: "pnpm add", spell: asIs, run: after("pnpm exec"), lockfiles: ["pnpm-lock.yaml"] },
  { name: "yarn", add: "yarn add", spell: asIs, run: after("yarn"), lockfiles: ["yarn.lock"] },
  { name: "bun", add: "bun add", spell: asIs, run: after("bunx"), lockfiles: ["bun.lock", "bun.lockb"] },
  {
    name: "deno",
    add: "deno add",
    spell: (name) => `npm:${name}`,
    run: (name) => `deno run --allow-all npm:${name}`,
    lockfiles: ["deno.lock"],
  },
]
