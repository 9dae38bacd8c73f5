/**
 * How ops launch kernels that are not plain formulas: maps that use coordinates or indirect loads, reductions, rows, scans,
 * scatters. Nothing here records a graph.
 *
 * Maps, reductions and rows take a `key` that, together with dtypes and layout, stands for the expressions that `build` makes:
 * there `build` runs only when no kernel of that structure is known. Scans and scatters build at each call.
 */
import type { Executable, Operand } from "./backend.ts"
import type { Device } from "./device.ts"
import { computeType, DTYPES, type DType, type ScalarType } from "./dtype.ts"
import { type Bounds, Expr, index, input, load, type Scalar, scalar } from "./expr.ts"
import type { Access, InputType, Monoid, OutputType, RowsKernel, ScatterKernel } from "./kernel.ts"
import { scan } from "./lowering/scan.ts"
import { scatter } from "./lowering/scatter.ts"
import { accessOf } from "./lowering/views.ts"
import { broadcastStrides, collapse, isContiguous, numelOf, type Sizes, sameSizes } from "./shape.ts"
import type { Tensor } from "./tensor.ts"

/** A launch argument with its type. */
export interface Argument {
  readonly value: Scalar
  readonly dtype: DType
}

export const int = (value: number): Argument => ({ value, dtype: "int32" })

/** What `build` may use. */
export interface Scope {
  /** The element of each input at this iteration, half types widened. */
  readonly inputs: readonly Expr[]
  readonly scalars: readonly Expr[]
  /** Coordinates of the iteration, outermost first. */
  readonly at: readonly Expr[]
  /** Input `k` of `loads` at coordinates of its own. Outside it is 0, and an index error where `bounds` is "fault". */
  load(k: number, coordinates: readonly Expr[], bounds?: Bounds): Expr
}

/** What a kernel reads. */
interface Reads {
  /** Read at the iteration's coordinates; broadcast to the iteration space. */
  readonly inputs?: readonly Tensor[]
  /** Read at computed coordinates. */
  readonly loads?: readonly Tensor[]
  readonly scalars?: readonly Argument[]
}

/** With the key that stands for the expressions built from it. */
interface Work extends Reads {
  readonly key: string
}

const wide = (e: Expr): Expr => e.cast(computeType(e.dtype as DType))

/** By device, kind of kernel and key of the work; then by the structure of the operands. */
type Table = Map<string, Map<number | string, Executable>>
type Keyed = "map" | "reduce" | "rows"
const tables: Readonly<Record<Keyed, Table>>[] = []

function structures(device: Device, kind: Keyed, key: string): Map<number | string, Executable> {
  const table = (tables[device.id] ??= { map: new Map(), reduce: new Map(), rows: new Map() })[kind]
  let found = table.get(key)
  if (!found) table.set(key, (found = new Map()))
  return found
}

const ACCESS_CODE: Readonly<Record<Access, number>> = { unit: 0, broadcast: 1, strided: 2, load: 3 }
const DIGIT = 64
/** Scalars and accumulators may also be uint32, which no tensor is. */
const scalarCode = (dtype: ScalarType): number => (dtype === "uint32" ? DIGIT - 1 : DTYPES[dtype].id)

/**
 * What `head` says, dtypes and access of all operands and the dtypes of the scalars, as digits of one integer, or as text
 * where they are too many for that. `head` says its own length, and the numbers of operands follow: no two structures share
 * a key.
 */
function structureKey(
  head: readonly number[],
  inputs: readonly InputType[],
  outputs: readonly { readonly dtype: DType; readonly access: Access }[],
  scalars: readonly Argument[],
): number | string {
  let key = 1
  for (let i = 0; i < head.length; i++) key = key * DIGIT + head[i]!
  key = (key * DIGIT + outputs.length) * DIGIT + scalars.length
  for (let i = 0; i < inputs.length; i++) {
    const t = inputs[i]!
    key = key * DIGIT + DTYPES[t.dtype].id * 4 + ACCESS_CODE[t.access]
    if (t.access === "load") key = key * DIGIT + t.rank!
  }
  for (let i = 0; i < outputs.length; i++)
    key = key * DIGIT + DTYPES[outputs[i]!.dtype].id * 4 + ACCESS_CODE[outputs[i]!.access]
  for (let i = 0; i < scalars.length; i++) key = key * DIGIT + scalarCode(scalars[i]!.dtype)
  if (key <= Number.MAX_SAFE_INTEGER) return key
  return `${head}|${typeKey(inputs)}|${typeKey(outputs)}|${scalars.map((s) => s.dtype)}`
}

const operandOf = (t: Tensor, sizes: Sizes = t.shape, strides: Sizes = t.strides): Operand => ({
  buffer: t.storage.buffer,
  offset: t.offset,
  sizes,
  strides,
})

function inputTypes(
  inputs: readonly Tensor[],
  sizes: Sizes,
  strides: readonly Sizes[],
  loads: readonly Tensor[],
): InputType[] {
  return [
    ...inputs.map((t, i): InputType => ({ dtype: t.dtype, access: accessOf(sizes, strides[i]!) })),
    ...loads.map((t): InputType => ({ dtype: t.dtype, access: "load", rank: t.ndim })),
  ]
}

const typeKey = (
  types: readonly { readonly dtype: DType; readonly access: Access; readonly rank?: number }[],
): string => types.map((t) => `${t.dtype}.${t.access}${t.rank ?? ""}`).join()

function scopeOf(work: Reads, rank: number): Scope {
  const { inputs = [], loads = [], scalars = [] } = work
  return {
    inputs: inputs.map((t, i) => wide(input(i, t.dtype))),
    scalars: scalars.map((s, i) => scalar(i, s.dtype)),
    at: Array.from({ length: rank }, (_, d) => index(d)),
    load: (k, coordinates, bounds = "zero") => wide(load(inputs.length + k, loads[k]!.dtype, coordinates, bounds)),
  }
}

/**
 * Fills `outs` (all of one shape, the iteration space) with `build`'s expressions, cast to their dtypes. `coordinates`
 * says that `build` uses `at`; otherwise dims are merged first.
 */
export function runMap(
  outs: readonly Tensor[],
  work: Work & { readonly coordinates?: boolean; readonly aliases?: Aliases },
  build: (scope: Scope) => Expr | readonly Expr[],
): void {
  const { inputs = NONE, loads = NONE, scalars = NO_ARGUMENTS } = work
  const shape = outs[0]!.shape
  if (numelOf(shape) === 0) return
  const device = outs[0]!.device
  if (!work.coordinates && loads.length === 0 && isFlat(shape, inputs) && isFlat(shape, outs)) {
    runFlatMap(device, outs, inputs, scalars, work, build)
    return
  }
  const all = [...inputs.map((t) => broadcastStrides(t.shape, t.strides, shape)), ...outs.map((t) => t.strides)]
  const { sizes, strides } = work.coordinates ? { sizes: shape, strides: all } : collapse(shape, all)
  const types = inputTypes(inputs, sizes, strides, loads)
  const outTypes = outs.map((t, i) => ({
    ...outputType(t, sizes, strides[inputs.length + i]!),
    ...aliasOf(work.aliases, i),
  }))
  const table = structures(device, "map", work.key)
  const key = structureKey([sizes.length, aliasCode(work.aliases)], types, outTypes, scalars)
  let executable = table.get(key)
  if (!executable) {
    const built = build(scopeOf(work, sizes.length))
    const body = built instanceof Expr ? [built] : built
    executable = device.compile({
      kind: "map",
      rank: sizes.length,
      inputs: types,
      outputs: outTypes,
      scalars: scalars.map((s) => s.dtype),
      body: body.map((e, i) => e.cast(outs[i]!.dtype)),
    })
    table.set(key, executable)
  }
  device.backend.launch(
    executable,
    sizes,
    [
      ...inputs.map((t, i) => operandOf(t, sizes, strides[i]!)),
      ...loads.map((t) => operandOf(t)),
      ...outs.map((t, i) => operandOf(t, sizes, strides[inputs.length + i]!)),
    ],
    scalars.map((s) => s.value),
  )
}

/** The input that output 0 is the same view of; "each": every output is that of the input of its number. */
type Aliases = number | "each"
const aliasCode = (aliases: Aliases | undefined): number => (aliases === "each" ? DIGIT - 2 : (aliases ?? -1) + 1)
const aliasOf = (aliases: Aliases | undefined, output: number): { readonly aliases?: number } =>
  aliases === "each" ? { aliases: output } : aliases !== undefined && output === 0 ? { aliases } : {}

const NONE: readonly Tensor[] = []
const NO_ARGUMENTS: readonly Argument[] = []
const ONE: readonly number[] = [1]

/** Whether all have this shape and lie in row-major order. */
function isFlat(shape: Sizes, tensors: readonly Tensor[]): boolean {
  for (let i = 0; i < tensors.length; i++) {
    const t = tensors[i]!
    if (!sameSizes(t.shape, shape) || !isContiguous(shape, t.strides)) return false
  }
  return true
}

const unit = (t: Tensor): { readonly dtype: DType; readonly access: "unit" } => ({ dtype: t.dtype, access: "unit" })
const flatOperand = (t: Tensor, sizes: Sizes): Operand => ({
  buffer: t.storage.buffer,
  offset: t.offset,
  sizes,
  strides: ONE,
})

/** `runMap` where all operands are flat: one dim, no layouts to work out. */
function runFlatMap(
  device: Device,
  outs: readonly Tensor[],
  inputs: readonly Tensor[],
  scalars: readonly Argument[],
  work: Work & { readonly aliases?: Aliases },
  build: (scope: Scope) => Expr | readonly Expr[],
): void {
  const table = structures(device, "map", work.key)
  // Negative: apart from the keys of other layouts. The counts come first, so that no two structures share a key.
  const alias = aliasCode(work.aliases) + 1
  let key = -((alias * DIGIT + inputs.length) * DIGIT + outs.length) * DIGIT - scalars.length
  for (let i = 0; i < inputs.length; i++) key = key * DIGIT - DTYPES[inputs[i]!.dtype as DType].id
  for (let i = 0; i < outs.length; i++) key = key * DIGIT - DTYPES[outs[i]!.dtype as DType].id
  for (let i = 0; i < scalars.length; i++) key = key * DIGIT - scalarCode(scalars[i]!.dtype)
  const exact =
    key >= -Number.MAX_SAFE_INTEGER ? key : `flat ${structureKey([alias], inputs.map(unit), outs.map(unit), scalars)}`
  let executable = table.get(exact)
  if (!executable) {
    const built = build(scopeOf(work, 1))
    const body = built instanceof Expr ? [built] : built
    executable = device.compile({
      kind: "map",
      rank: 1,
      inputs: inputs.map(unit),
      outputs: outs.map((t, i) => ({
        ...unit(t),
        ...aliasOf(work.aliases, i),
      })),
      scalars: scalars.map((s) => s.dtype),
      body: body.map((e, i) => e.cast(outs[i]!.dtype)),
    })
    table.set(exact, executable)
  }
  const sizes = [numelOf(outs[0]!.shape)]
  const operands: Operand[] = []
  for (let i = 0; i < inputs.length; i++) operands.push(flatOperand(inputs[i]!, sizes))
  for (let i = 0; i < outs.length; i++) operands.push(flatOperand(outs[i]!, sizes))
  const values: Scalar[] = []
  for (let i = 0; i < scalars.length; i++) values.push(scalars[i]!.value)
  device.backend.launch(executable, sizes, operands, values)
}

/** A monoid with its expressions still to be built. */
export interface MonoidSpec extends Omit<Monoid, "lift"> {}

/**
 * Reduces the last `reduced` dims of the iteration space `shape`; `outs` have the remaining dims. `build` gives the
 * accumulators of one element; `finish` the outputs from the accumulators.
 */
export function runReduce(
  outs: readonly Tensor[],
  shape: Sizes,
  reduced: number,
  monoid: MonoidSpec,
  work: Work & { readonly coordinates?: boolean },
  build: (scope: Scope) => readonly Expr[],
  finish: (scalars: readonly Expr[]) => readonly Expr[],
): void {
  const { inputs = NONE, loads = NONE, scalars = NO_ARGUMENTS } = work
  const kept = shape.length - reduced
  const device = outs[0]!.device
  if (numelOf(outs[0]!.shape) === 0) return
  let sizes: Sizes = shape
  let rank = reduced
  let inStrides: readonly Sizes[] = inputs.map((t) => broadcastStrides(t.shape, t.strides, shape))
  let outStrides: readonly Sizes[] = outs.map((t) => t.strides)
  if (kept === 0 && !work.coordinates && isFlat(shape, inputs)) {
    // All of what lies in a row.
    sizes = [numelOf(shape)]
    rank = 1
    inStrides = inputs.map(() => ONE)
  } else if (!work.coordinates) {
    const merged = collapseRows(shape, kept, inStrides, outStrides)
    sizes = merged.sizes
    rank = merged.reduced
    inStrides = merged.whole
    outStrides = merged.remaining
  } else if (reduced === 0) {
    // A reduction is over one dim at least, be it of one element.
    sizes = [...shape, 1]
    rank = 1
    inStrides = inStrides.map((s) => [...s, 1])
  }
  const types = inputTypes(inputs, sizes, inStrides, loads)
  const remaining = sizes.slice(0, sizes.length - rank)
  const outTypes = outs.map((t, i) => outputType(t, remaining, outStrides[i]!))
  const table = structures(device, "reduce", work.key)
  const head = [sizes.length, rank, monoid.accumulators.length]
  for (const type of monoid.accumulators) head.push(scalarCode(type))
  const key = structureKey(head, types, outTypes, scalars)
  let executable = table.get(key)
  if (!executable) {
    const scope = scopeOf(work, sizes.length)
    executable = device.compile({
      kind: "reduce",
      rank: sizes.length,
      reduced: rank,
      inputs: types,
      outputs: outTypes,
      scalars: scalars.map((s) => s.dtype),
      accumulators: monoid.accumulators,
      identity: monoid.identity,
      combine: monoid.combine,
      lift: build(scope).map((e, i) => e.cast(monoid.accumulators[i]!)),
      finish: finish(scope.scalars).map((e, i) => e.cast(outs[i]!.dtype)),
    })
    table.set(key, executable)
  }
  device.backend.launch(
    executable,
    sizes,
    [
      ...inputs.map((t, i) => operandOf(t, sizes, inStrides[i]!)),
      ...loads.map((t) => operandOf(t)),
      ...outs.map((t, i) => operandOf(t, remaining, outStrides[i]!)),
    ],
    scalars.map((s) => s.value),
  )
}

interface Rows {
  readonly sizes: Sizes
  readonly reduced: number
  readonly whole: readonly Sizes[]
  readonly remaining: readonly Sizes[]
}

/**
 * The same rows, their dims merged where all operands step evenly: the first `kept` and the others only among themselves.
 * `whole`: the strides of operands that follow all dims; `remaining`: of those that have the first `kept` alone.
 */
function collapseRows(shape: Sizes, kept: number, whole: readonly Sizes[], remaining: readonly Sizes[]): Rows {
  const head = collapse(shape.slice(0, kept), [...whole.map((s) => s.slice(0, kept)), ...remaining])
  const tail = collapse(
    shape.slice(kept),
    whole.map((s) => s.slice(kept)),
  )
  if (tail.sizes.length === 0) {
    tail.sizes.push(1)
    for (const s of tail.strides) s.push(1)
  }
  return {
    sizes: [...head.sizes, ...tail.sizes],
    reduced: tail.sizes.length,
    whole: whole.map((_, i) => [...head.strides[i]!, ...tail.strides[i]!]),
    remaining: remaining.map((_, i) => head.strides[whole.length + i]!),
  }
}

const outputType = (t: Tensor, sizes: Sizes, strides: Sizes): OutputType => ({
  dtype: t.dtype as DType,
  access: accessOf(sizes, strides) === "unit" ? "unit" : "strided",
})

/** Works that devices have no rows for. */
const refusals = new Set<string>()
const refusalOf = (device: Device, key: string, dtype: DType): string => `${device.id} ${key} ${dtype}`

/** Whether it is known that `runRows` can do nothing for this key and the dtype of the first input. */
export const lacksRows = (device: Device, key: string, dtype: DType): boolean =>
  refusals.has(refusalOf(device, key, dtype))

/**
 * Computes over rows, the last `reduced` dims of `shape`, in one kernel: `outs` have that shape, `perRow` the dims that
 * remain. False, and nothing done, where the backend has no such kernel or there are no elements.
 */
export function runRows(
  outs: readonly Tensor[],
  perRow: readonly Tensor[],
  shape: Sizes,
  reduced: number,
  work: Omit<Work, "loads">,
  build: (scope: Scope) => Pick<RowsKernel, "stages" | "body" | "finish">,
): boolean {
  const { inputs = NONE, scalars = NO_ARGUMENTS } = work
  if (numelOf(shape) === 0) return false
  const { device, dtype } = inputs[0]!
  const following = [...inputs.map((t) => broadcastStrides(t.shape, t.strides, shape)), ...outs.map((t) => t.strides)]
  const rows = collapseRows(
    shape,
    shape.length - reduced,
    following,
    perRow.map((t) => t.strides),
  )
  const { sizes } = rows
  const remaining = sizes.slice(0, sizes.length - rows.reduced)
  const types = inputTypes(inputs, sizes, rows.whole, NONE)
  const outTypes = [
    ...outs.map((t, i) => outputType(t, sizes, rows.whole[inputs.length + i]!)),
    ...perRow.map((t, i) => outputType(t, remaining, rows.remaining[i]!)),
  ]
  const table = structures(device, "rows", work.key)
  const key = structureKey([sizes.length, rows.reduced, outs.length], types, outTypes, scalars)
  let executable = table.get(key)
  if (!executable) {
    const { stages, body, finish } = build(scopeOf(work, sizes.length))
    const kernel: RowsKernel = {
      kind: "rows",
      rank: sizes.length,
      reduced: rows.reduced,
      inputs: types,
      outputs: outTypes,
      scalars: scalars.map((s) => s.dtype),
      stages,
      body: body.map((e, i) => e.cast(outs[i]!.dtype)),
      finish: finish.map((e, i) => e.cast(perRow[i]!.dtype)),
    }
    if (device.backend.supports(kernel) !== true) {
      refusals.add(refusalOf(device, work.key, dtype as DType))
      return false
    }
    executable = device.compile(kernel)
    table.set(key, executable)
  }
  device.backend.launch(
    executable,
    sizes,
    [
      ...inputs.map((t, i) => operandOf(t, sizes, rows.whole[i]!)),
      ...outs.map((t, i) => operandOf(t, sizes, rows.whole[inputs.length + i]!)),
      ...perRow.map((t, i) => operandOf(t, remaining, rows.remaining[i]!)),
    ],
    scalars.map((s) => s.value),
  )
  return true
}

/** Inclusive running combination along the last dim of `shape`; `outs` have that shape. */
export function runScan(
  outs: readonly Tensor[],
  monoid: MonoidSpec,
  work: Reads & { readonly reverse?: boolean },
  build: (scope: Scope) => readonly Expr[],
  finish: (scalars: readonly Expr[]) => readonly Expr[],
): void {
  const { inputs = [], loads = [], scalars = [] } = work
  const shape = outs[0]!.shape
  if (numelOf(shape) === 0) return
  const device = outs[0]!.device
  const scope = scopeOf(work, shape.length)
  const inStrides = inputs.map((t) => broadcastStrides(t.shape, t.strides, shape))
  device.run(
    {
      kind: "scan",
      rank: shape.length,
      reverse: work.reverse ?? false,
      inputs: inputTypes(inputs, shape, inStrides, loads),
      outputs: outs.map((t) => outputType(t, shape, t.strides)),
      scalars: scalars.map((s) => s.dtype),
      accumulators: monoid.accumulators,
      identity: monoid.identity,
      combine: monoid.combine,
      lift: build(scope).map((e, i) => e.cast(monoid.accumulators[i]!)),
      finish: finish(scope.scalars).map((e, i) => e.cast(outs[i]!.dtype)),
    },
    shape,
    [
      ...inputs.map((t, i) => operandOf(t, shape, inStrides[i]!)),
      ...loads.map((t) => operandOf(t)),
      ...outs.map((t) => operandOf(t)),
    ],
    scalars.map((s) => s.value),
    scan,
  )
}

/**
 * For every point of `shape`, in order: target[coordinates] ⊕= value, `build` giving both. `target` is changed; who may
 * not be left half-changed by an index error works on a copy.
 */
export function runScatter(
  target: Tensor,
  shape: Sizes,
  combine: ScatterKernel["combine"],
  work: Reads & { readonly bounds?: Bounds; readonly distinct?: boolean },
  build: (scope: Scope) => { readonly value: Expr; readonly coordinates: readonly Expr[] },
): void {
  const { inputs = [], loads = [], scalars = [] } = work
  if (numelOf(shape) === 0) return
  const device = target.device
  const strides = inputs.map((t) => broadcastStrides(t.shape, t.strides, shape))
  const { value, coordinates } = build(scopeOf(work, shape.length))
  device.run(
    {
      kind: "scatter",
      rank: shape.length,
      inputs: inputTypes(inputs, shape, strides, loads),
      scalars: scalars.map((s) => s.dtype),
      value: value.cast(computeType(target.dtype)),
      coordinates,
      combine,
      dtype: target.dtype,
      targetRank: target.ndim,
      bounds: work.bounds ?? "zero",
      distinct: work.distinct ?? false,
    },
    shape,
    [...inputs.map((t, i) => operandOf(t, shape, strides[i]!)), ...loads.map((t) => operandOf(t)), operandOf(target)],
    scalars.map((s) => s.value),
    scatter,
  )
}
