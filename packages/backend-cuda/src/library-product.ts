/**
 * Matrix products by cuBLASLt. It knows matrices of columns: one of rows is the transposed one of columns, so for a result that
 * lies in rows it is asked for cᵀ = bᵀ·aᵀ.
 */
import { computeType, type Expr, input, type MatmulKernel, result, scalar } from "@taeda/core"
import { FEW_ROWS } from "./contraction-plan.ts"
import type { ColumnMatrix, PreparedProduct, ProductSpec } from "./driver.ts"
import { bytesOf, type FloatType, isFloatType } from "./elements.ts"
import { countOf, isDense, type Launch } from "./launch.ts"
import { Finish } from "./library-finish.ts"
import {
  alignmentOf,
  denseOf,
  mayRound,
  type NativeLibraries,
  Remembered,
  WORKSPACE_BYTES,
} from "./native-libraries.ts"
import type { BufferRef, DeviceLimits, PlacedOperand, Plan } from "./program.ts"

const MOST = 2 ** 31 - 1

/** How an epilogue is made of alpha, beta and an addend. */
interface Form {
  readonly hasAddend: boolean
  readonly factors: (scalars: Launch["scalars"]) => readonly [alpha: number, beta: number]
}

/** Epilogues that are the library's own, by what they are written as. */
function formOf({ dtype, epilogue }: MatmulKernel): Form | null {
  if (!epilogue) return { hasAddend: false, factors: () => [1, 0] }
  const type = computeType(dtype)
  const [sum, addend] = [result(0, type), input(0, dtype).cast(type)]
  const [first, second] = [scalar(0, type), scalar(1, type)]
  const forms: readonly (readonly [Expr, Form])[] = [
    [addend.add(sum), { hasAddend: true, factors: () => [1, 1] }],
    [
      addend.mul(first).add(sum.mul(second)),
      { hasAddend: true, factors: ([beta, alpha]) => [Number(alpha), Number(beta)] },
    ],
    [sum.mul(first), { hasAddend: false, factors: ([alpha]) => [Number(alpha), 0] }],
  ]
  return forms.find(([body]) => body.cast(type) === epilogue.body)?.[1] ?? null
}

/** A matrix as the library may read it: of columns, or the transposed one of columns. Null where it is neither. */
function readAs(
  rows: number,
  columns: number,
  down: number,
  across: number,
): { readonly transposed: boolean; readonly lead: number } | null {
  const lead = (inner: number, outer: number, step: number, next: number): number =>
    (step === 1 || inner === 1) && (outer === 1 || next >= inner) ? (outer === 1 ? inner : next) : 0
  const asIs = lead(rows, columns, down, across)
  if (asIs) return { transposed: false, lead: asIs }
  const turned = lead(columns, rows, across, down)
  return turned ? { transposed: true, lead: turned } : null
}

/** Strides of an operand over a product's three kinds of dims. */
interface Steps {
  readonly batch: number
  readonly row: number
  readonly column: number
}

/** A product's sizes with at most one batch dim, and the other ones, of which each element is a call. */
interface Product {
  readonly batches: number
  readonly rows: number
  readonly columns: number
  readonly depth: number
  /** Of the dim that has the batches; -1 where there is one batch. */
  readonly dim: number
  readonly others: readonly number[]
  readonly calls: number
}

/** What becomes of more calls is a single one of ours. */
const MOST_CALLS = 32
/** The least multiplications of one of several calls: what a GPU does while the host queues the next. */
const LEAST_OF_CALL = 2 ** 28

/** The longest of the dims that have batches is the library's: those that can be joined, the core has joined. */
function productOf(sizes: readonly number[], batch: number): Product {
  const dims = sizes.slice(0, batch).flatMap((size, d) => (size === 1 ? [] : [d]))
  const dim = dims.reduce((longest, d) => (longest < 0 || sizes[d] > sizes[longest] ? d : longest), -1)
  const others = dims.filter((d) => d !== dim)
  const [rows, columns, depth] = sizes.slice(batch)
  const calls = others.reduce((count, d) => count * sizes[d], 1)
  return { batches: dim < 0 ? 1 : sizes[dim], rows, columns, depth, dim, others, calls }
}

/** The same of all matrices that are the first of a call. */
const alignmentOfAll = (place: PlacedOperand, bytes: number, { others }: Product): number =>
  Math.min(alignmentOf(place, bytes), ...others.map((d) => alignmentOf({ ...place, offset: place.strides[d] }, bytes)))

/** Of each call, how many elements its matrices lie behind those of the first. */
function startsOf({ sizes, strides }: PlacedOperand, { others }: Product): number[] {
  return others.reduce(
    (starts, d) => starts.flatMap((start) => Array.from({ length: sizes[d] }, (_, i) => start + i * strides[d])),
    [0],
  )
}

/** Where the matrices of one of a call's buffers lie. */
interface Part {
  readonly place: PlacedOperand
  /** Of an element. */
  readonly bytes: number
  readonly buffer: BufferRef
}

/** A run of the library: the product, with what it is given. */
interface Run {
  readonly spec: ProductSpec
  /** a, b, c, bias; those that it has not are null. */
  readonly parts: readonly (Part | null)[]
}

class LibraryProduct {
  private readonly kernel: MatmulKernel & { readonly dtype: FloatType }
  private readonly libraries: NativeLibraries
  private readonly finish: Finish
  private readonly form: Form | null
  private readonly sums: FloatType
  private readonly tf32: boolean
  private readonly prepared = new Remembered<PreparedProduct | null>()

  constructor(kernel: MatmulKernel & { readonly dtype: FloatType }, limits: DeviceLimits, libraries: NativeLibraries) {
    this.kernel = kernel
    this.libraries = libraries
    this.form = formOf(kernel)
    this.sums = computeType(kernel.dtype) as FloatType
    this.finish = new Finish(kernel, kernel.batch + 2, this.sums)
    this.tf32 = mayRound(kernel, limits)
  }

  /** Null where our own kernels are for it. @throws LibraryError */
  plan(launch: Launch): Plan | null {
    const product = productOf(launch.sizes, this.kernel.batch)
    if (!this.isFor(product) || !this.libraries.isThere("cublasLt")) return null
    return this.whole(launch, product) ?? this.inParts(launch, product)
  }

  private isFor({ batches, rows, columns, depth, calls }: Product): boolean {
    const least = Math.min(rows, columns)
    if (batches * least * depth === 0 || Math.max(batches, rows, columns, depth) > MOST) return false
    if (calls === 0 || calls > MOST_CALLS) return false
    if (this.libraries.isInsisted("cublasLt")) return true
    return least > FEW_ROWS && (calls === 1 || batches * rows * columns * depth >= LEAST_OF_CALL)
  }

  /** All of it in one call of the library. */
  private whole(launch: Launch, product: Product): Plan | null {
    const { form } = this
    if (!form) return null
    const [alpha, beta] = form.factors(launch.scalars)
    // Nothing is multiplied by 0 there: what is not a number would be lost.
    if (alpha === 0 || (form.hasAddend && beta === 0)) return null
    const { operands } = launch
    const out = operands.length - 1
    const addend = form.hasAddend ? operands[2] : null
    const steps = this.stepsOf(operands[out], product)
    const run = this.run(launch, product, steps, operands[out], this.kernel.dtype, addend, beta)
    const prepared = run && this.prepare(run.spec)
    const d: Part = { place: operands[out], bytes: bytesOf(this.kernel.dtype), buffer: { operand: out } }
    return prepared && planOf(product, prepared, run, d, alpha, run.spec.c ? beta : 0, [])
  }

  /** The sums by the library, and what becomes of them by a kernel of our own. */
  private inParts(launch: Launch, product: Product): Plan | null {
    const { kernel, sums } = this
    const { operands } = launch
    const out = operands[operands.length - 1]
    // That was tried.
    if (!kernel.epilogue && isDense(out)) return null
    const inPlace = sums === kernel.dtype && isDense(out)
    const view = inPlace ? out : denseOf(out.sizes)
    const run = this.run(launch, product, this.stepsOf(view, product), view, sums, null, 0)
    const prepared = run && this.prepare(run.spec)
    if (!prepared) return null
    const buffer = inPlace ? { operand: operands.length - 1 } : { temporary: 0 }
    const d: Part = { place: view, bytes: bytesOf(sums), buffer }
    const plan = planOf(product, prepared, run, d, 1, 0, inPlace ? [] : [d.bytes * countOf(out.sizes)])
    return { ...plan, launches: [...plan.launches, ...this.finish.launches(launch, { inPlace, view })] }
  }

  private stepsOf({ strides }: PlacedOperand, { dim }: Product): Steps {
    const { batch } = this.kernel
    return { batch: dim < 0 ? 0 : strides[dim], row: strides[batch], column: strides[batch + 1] }
  }

  /** A product into a result of these strides; null where the library has no words for it. */
  private run(
    { operands }: Launch,
    product: Product,
    out: Steps,
    place: PlacedOperand,
    type: FloatType,
    addend: PlacedOperand | null,
    beta: number,
  ): Run | null {
    const { batches, depth } = product
    const { dtype } = this.kernel
    const factor = (place: PlacedOperand, buffer: BufferRef, bytes: number) => ({
      steps: this.stepsOf(place, product),
      alignment: alignmentOfAll(place, bytes, product),
      part: { place, bytes, buffer },
    })
    const [x, y] = [0, 1].map((operand) => factor(operands[operand], { operand }, bytesOf(dtype)))
    const bytes = bytesOf(type)
    const added = addend && factor(addend, { operand: 2 }, bytes)
    const steps = [x.steps.batch, y.steps.batch, out.batch, added?.steps.batch ?? 0]
    if (steps.some((step) => step < 0) || (batches > 1 && out.batch === 0)) return null
    // For a result in rows, then for one in columns.
    for (const turned of [true, false]) {
      const [rows, columns] = turned ? [product.columns, product.rows] : [product.rows, product.columns]
      const inOrder = ({ row, column }: Steps): readonly [number, number] => (turned ? [column, row] : [row, column])
      const [left, right] = turned ? [y, x] : [x, y]
      const a = readAs(rows, depth, ...inOrder(left.steps))
      const b = readAs(depth, columns, ...inOrder(right.steps))
      const d = readAs(rows, columns, ...inOrder(out))
      if (!a || !b || !d || d.transposed) continue
      const matrix = (lead: number, step: number, alignment: number): ColumnMatrix => ({ lead, step, alignment })
      const c = added && readAs(rows, columns, ...inOrder(added.steps))
      const [down, across] = added ? inOrder(added.steps) : [0, 0]
      const isBias =
        added !== null &&
        beta === 1 &&
        (down === 1 || rows === 1) &&
        (across === 0 || columns === 1) &&
        (added.steps.batch === 0 || batches === 1)
      const isMatrix = !isBias && added !== null && c !== null && !c.transposed
      if (added && !isBias && !isMatrix) continue
      const spec: ProductSpec = {
        rows,
        columns,
        depth,
        batches,
        type: dtype,
        result: type,
        tf32: this.tf32,
        a: { ...a, ...matrix(a.lead, left.steps.batch, left.alignment) },
        b: { ...b, ...matrix(b.lead, right.steps.batch, right.alignment) },
        c: isMatrix ? matrix(c.lead, added.steps.batch, added.alignment) : null,
        d: matrix(d.lead, out.batch, alignmentOfAll(place, bytes, product)),
        bias: isBias ? { alignment: added.alignment } : null,
        workspaceBytes: WORKSPACE_BYTES,
      }
      return { spec, parts: [left.part, right.part, isMatrix ? added.part : null, isBias ? added.part : null] }
    }
    return null
  }

  private prepare(spec: ProductSpec): PreparedProduct | null {
    const { rows, columns, depth, batches, result, a, b, c, d, bias } = spec
    const shape = (m: (ColumnMatrix & { readonly transposed?: boolean }) | null): string =>
      m ? `${m.lead},${m.step},${m.alignment},${m.transposed ?? ""}` : ""
    const key = [rows, columns, depth, batches, result, ...[a, b, c, d].map(shape), bias?.alignment].join()
    return this.prepared.get(key, () => this.libraries.prepareProduct(spec))
  }
}

function planOf(
  of: Product,
  product: PreparedProduct,
  { parts: [a, b, c, bias] }: Run,
  d: Part,
  alpha: number,
  beta: number,
  temporaries: readonly number[],
): Plan {
  const { workspaceBytes } = product
  const workspace = workspaceBytes ? { temporary: temporaries.length } : null
  const parts = [a, b, c, d, bias]
  const buffers = [...parts.map((part) => part?.buffer ?? null), workspace]
  const starts = parts.map((part) => part && startsOf(part.place, of).map((start) => start * part.bytes))
  const launches = Array.from({ length: of.calls }, (_, call) => ({
    product,
    alpha,
    beta,
    buffers,
    starts: of.calls === 1 ? undefined : [...starts.map((each) => each?.[call] ?? 0), 0],
  }))
  return { launches, temporaries: workspaceBytes ? [...temporaries, workspaceBytes] : temporaries }
}

/** The products of a kernel, where the library has such. */
export function libraryProductOf(
  kernel: MatmulKernel,
  limits: DeviceLimits,
  libraries: NativeLibraries,
): LibraryProduct | undefined {
  const { dtype } = kernel
  return isFloatType(dtype) ? new LibraryProduct({ ...kernel, dtype }, limits, libraries) : undefined
}
