/** State dicts: a module's tensors under PyTorch's names, and loading them back. */
import { copy_, detach, isTensor, noGrad, Parameter, type Tensor, valueText } from "@taeda/core"
import type { Module } from "./module.ts"
import { REGISTRY } from "./registry.ts"

/** PyTorch's names and the tensors, in PyTorch's order. */
export type StateDict = Record<string, Tensor>

/** What a state dict and a module did not have in common. */
export interface LoadResult {
  /** Keys that the module has and the state dict lacks. */
  readonly missingKeys: string[]
  /** Keys that the state dict has and the module lacks. */
  readonly unexpectedKeys: string[]
}

/** The module's own parameters and persistent buffers. */
function* own(module: Module): Generator<[key: string, tensor: Tensor, kind: "parameter" | "buffer"]> {
  const registry = module[REGISTRY]
  for (const [key, parameter] of registry.parameter) if (parameter) yield [key, parameter, "parameter"]
  for (const [key, buffer] of registry.buffer) if (buffer && !registry.transient.has(key)) yield [key, buffer, "buffer"]
}

export function stateOf(module: Module, prefix: string, keepVars: boolean, into: StateDict = {}): StateDict {
  for (const [key, tensor] of own(module)) into[prefix + key] = keepVars ? tensor : detach(tensor)
  for (const [key, child] of module[REGISTRY].module) if (child) stateOf(child, `${prefix}${key}.`, keepVars, into)
  return into
}

const sizeText = (shape: readonly number[]): string => `torch.Size([${shape.join(", ")}])`
const quoted = (keys: readonly string[]): string => keys.map((key) => `"${key}"`).join(", ")

/** What loading found: problems, and what to do when there are none. */
class Loading {
  readonly missing: string[] = []
  readonly unexpected: string[] = []
  readonly problems: string[] = []
  readonly steps: (() => void)[] = []
  private readonly state: Readonly<Record<string, unknown>>
  private readonly assign: boolean

  constructor(state: Readonly<Record<string, unknown>>, assign: boolean) {
    this.state = state
    this.assign = assign
  }

  visit(module: Module, prefix: string): void {
    const local = new Set<string>()
    for (const [key, tensor, kind] of own(module)) {
      local.add(key)
      if (Object.hasOwn(this.state, prefix + key)) this.entry(module, prefix, key, tensor, kind)
      else this.missing.push(prefix + key)
    }
    const children = module[REGISTRY].module
    for (const key of Object.keys(this.state)) {
      if (!key.startsWith(prefix)) continue
      const [first, ...rest] = key.slice(prefix.length).split(".")
      if (rest.length ? !children.has(first) : !local.has(first)) this.unexpected.push(key)
    }
    for (const [key, child] of children) if (child) this.visit(child, `${prefix}${key}.`)
  }

  private entry(module: Module, prefix: string, key: string, tensor: Tensor, kind: "parameter" | "buffer"): void {
    const value = this.state[prefix + key]
    if (!isTensor(value)) {
      this.problems.push(
        `While copying the parameter named "${prefix}${key}", expected a Tensor from checkpoint but received ${valueText(value)}`,
      )
      return
    }
    if (value.ndim !== tensor.ndim || value.shape.some((size, d) => size !== tensor.shape[d])) {
      this.problems.push(
        `size mismatch for ${prefix}${key}: copying a param with shape ${sizeText(value.shape)} from checkpoint, the shape in current model is ${sizeText(tensor.shape)}.`,
      )
      return
    }
    const registry = module[REGISTRY]
    this.steps.push(
      !this.assign
        ? () => copy_(tensor, value)
        : kind === "buffer"
          ? () => registry.replace("buffer", key, value)
          : () => registry.replace("parameter", key, asParameter(value, tensor.requiresGrad)),
    )
  }
}

const asParameter = (value: Tensor, requiresGrad: boolean): Parameter =>
  value instanceof Parameter ? value.requiresGrad_(requiresGrad) : new Parameter(value, requiresGrad)

export function loadInto(
  module: Module,
  state: Readonly<Record<string, unknown>>,
  strict: boolean,
  assign: boolean,
): LoadResult {
  if (typeof state !== "object" || state === null || isTensor(state) || Array.isArray(state))
    throw new TypeError(`loadStateDict: expected a plain object of tensors, got ${valueText(state)}`)
  const loading = new Loading(state, assign)
  loading.visit(module, "")
  const { missing, unexpected, problems } = loading
  if (strict && unexpected.length) problems.unshift(`Unexpected key(s) in state_dict: ${quoted(unexpected)}. `)
  if (strict && missing.length) problems.unshift(`Missing key(s) in state_dict: ${quoted(missing)}. `)
  if (problems.length)
    throw new Error(`Error(s) in loading state_dict for ${module.getName()}:\n\t${problems.join("\n\t")}`)
  noGrad(() => {
    for (const step of loading.steps) step()
  })
  return { missingKeys: missing, unexpectedKeys: unexpected }
}
