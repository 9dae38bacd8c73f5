/** What a package's sources may use, besides themselves. */
export interface Layer {
  /** Workspace packages, imported at the top of a file. */
  readonly imports: readonly string[]
  /** Workspace packages of which only the types are imported at the top: the code is loaded when it is asked for. */
  readonly loads?: readonly string[]
  /** Whether Node's own modules may be imported. The other packages run in a browser as they are. */
  readonly node?: true
}

/** The library's packages that are written in terms of tensors alone. */
const ON_CORE: Layer = { imports: ["@taeda/core"] }

/** The arrows of docs/architecture.md, which point one way: a package imports only those listed here. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  "@taeda/choices": { imports: [] },
  "@taeda/core": { imports: [] },
  "@taeda/nn": ON_CORE,
  "@taeda/optim": ON_CORE,
  "@taeda/data": ON_CORE,
  "@taeda/backend-cpu-js": ON_CORE,
  "@taeda/backend-wasm-simd": ON_CORE,
  "@taeda/backend-webgpu": ON_CORE,
  // Runs in Node alone: it loads a native addon.
  "@taeda/backend-cuda": { ...ON_CORE, node: true },
  "@taeda/conformance": {
    imports: ["@taeda/core", "@taeda/nn", "@taeda/optim"],
    loads: ["@taeda/backend-cpu-js"],
    node: true,
  },
  taeda: {
    imports: ["@taeda/choices", "@taeda/core", "@taeda/nn", "@taeda/optim", "@taeda/data", "@taeda/backend-cpu-js"],
    loads: ["@taeda/backend-wasm-simd"],
  },
  "@taeda/examples": { imports: [], loads: ["taeda"] },
  "@taeda/cli": { imports: ["@taeda/choices", "@taeda/examples"], loads: ["taeda", "@taeda/conformance"], node: true },
  "@taeda/site": { imports: ["@taeda/choices"] },
  "@taeda/playground": {
    imports: ["taeda", "@taeda/choices", "@taeda/conformance", "@taeda/core", "@taeda/examples"],
    loads: ["@taeda/backend-cpu-js", "@taeda/backend-wasm-simd", "@taeda/backend-webgpu"],
  },
}
