/**
 * Matrix products: a module for a kernel. A unit of work is a block of C of one batch element over the whole inner dimension; its
 * epilogue follows while it is in the cache.
 */
import type { MatmulKernel } from "@taeda/core"
import { type FunctionBuilder, get, type Local, ModuleBuilder } from "./assembler.ts"
import { type Code, call, i32, op } from "./code.ts"
import { dotsProduct } from "./dots.ts"
import type { Format } from "./formats.ts"
import { directProduct, PRODUCT, packedProduct, SCRATCH } from "./gemm.ts"
import { exportRun, type RunParameters } from "./kernel-run.ts"
import { batchSlot, HEAD, type Head, matmulFormat, operandCount, operandSlot, WAYS, type Way } from "./matmul-frame.ts"
import { type PointerMath, pointerMath } from "./pointer-math.ts"
import { type EmitEpilogue, newPlace, type Place, storeBlock } from "./product-block.ts"
import type { Target } from "./target.ts"

/**
 * A module that exports `run(frame, begin, end, scratch)`.
 * @param epilogue writes the code of the kernel's epilogue
 */
export function emitMatmul(kernel: MatmulKernel, target: Target, epilogue?: EmitEpilogue): Uint8Array<ArrayBuffer> {
  if (kernel.epilogue && !epilogue) throw new TypeError("matmul: the kernel has an epilogue, and nothing writes it")
  const module = new ModuleBuilder(target)
  exportRun(module, (f, parameters) => new Units(f, module, kernel, parameters).emit(parameters, epilogue))
  return module.encode()
}

/** The code of a launch's units, one after the other. */
class Units {
  private readonly f: FunctionBuilder
  private readonly m: PointerMath
  private readonly module: ModuleBuilder
  private readonly kernel: MatmulKernel
  private readonly format: Format
  private readonly frame: Local
  private readonly scratch: Local
  private readonly head: Readonly<Record<Head, Local>>
  /** Of a, b, the result and the epilogue's inputs: where the unit's block begins. */
  private readonly places: readonly Place[]
  /** What is left of the unit's number, and its lowest digit, once `digit` has split that off. */
  private readonly rest: Local
  private readonly quotient: Local
  private readonly index: Local
  /** The block of C: where it begins, and how large it is. */
  private readonly row: Local
  private readonly column: Local
  private readonly rows: Local
  private readonly columns: Local
  /** Where the sums are. */
  private readonly result: Place

  constructor(
    f: FunctionBuilder,
    module: ModuleBuilder,
    kernel: MatmulKernel,
    { frame, scratch }: Pick<RunParameters, "frame" | "scratch">,
  ) {
    this.f = f
    this.m = pointerMath(f)
    this.module = module
    this.kernel = kernel
    this.format = matmulFormat(kernel)
    this.frame = frame
    this.scratch = scratch
    const head = HEAD.map((name, k) => [name, this.m.let(this.slot(k))])
    this.head = Object.fromEntries(head) as Record<Head, Local>
    this.places = Array.from({ length: operandCount(kernel) }, (_, operand) => ({
      address: f.local("ptr"),
      row: this.m.let(this.slot(operandSlot(operand, "row"))),
      column: this.m.let(this.slot(operandSlot(operand, "column"))),
    }))
    ;[this.rest, this.quotient, this.index, this.row, this.column, this.rows, this.columns] = Array.from(
      { length: 7 },
      () => f.local("ptr"),
    )
    this.result = newPlace(f)
  }

  private slot(k: number): Code {
    return this.f.load("ptr.load", get(this.frame), k * 8)
  }

  private get isInPlace(): Code {
    return this.f.toI32(get(this.head.inPlace))
  }

  emit({ begin, end }: RunParameters, epilogue: EmitEpilogue | undefined): void {
    const { f, m, rows, columns, result, frame } = this
    const [, , out, ...inputs] = this.places
    const unit = f.local("i32")
    f.for(unit, get(begin), get(end), i32(1), () => {
      m.set(this.rest, f.toPointer(get(unit)))
      this.locate()
      this.placeSums()
      this.multiply()
      const block = { rows, columns, result, out, inputs, frame }
      if (epilogue) epilogue(f, this.module, block)
      else f.if(op("i32.eqz", this.isInPlace), () => storeBlock(f, this.module, this.format, block))
    })
  }

  /** Splits the lowest digit off `rest`, into `index`. */
  private digit(size: Code): void {
    const { m, rest, quotient, index } = this
    m.set(quotient, m.div(rest, size))
    m.set(index, m.sub(rest, m.mul(quotient, size)))
    m.set(rest, quotient)
  }

  /** Takes the unit's number apart: where its block and batch element are, in all operands. */
  private locate(): void {
    const { m, head, places, kernel, row, column, index } = this
    this.digit(get(head.rowBlocks))
    m.set(row, m.mul(index, head.blockRows))
    this.digit(get(head.columnBlocks))
    m.set(column, m.mul(index, head.blockColumns))
    places.forEach((place, operand) => {
      m.set(place.address, this.slot(operandSlot(operand, "address")))
      if (operand !== 1) m.advance(place.address, m.mul(row, place.row))
      if (operand !== 0) m.advance(place.address, m.mul(column, place.column))
    })
    for (let dim = kernel.batch - 1; dim >= 0; dim--) {
      const first = batchSlot(kernel, dim)
      this.digit(this.slot(first))
      places.forEach((place, operand) => {
        m.advance(place.address, m.mul(index, this.slot(first + 1 + operand)))
      })
    }
    m.set(this.rows, m.min(m.sub(head.rows, row), head.blockRows))
    m.set(this.columns, m.min(m.sub(head.columns, column), head.blockColumns))
  }

  /** Sums are in the result itself where they can be, else in scratch memory, in rows of whole vectors. */
  private placeSums(): void {
    const { f, m, result } = this
    const { lanes } = this.format
    const [, , out] = this.places
    f.if(
      this.isInPlace,
      () => {
        m.set(result.address, out.address)
        m.set(result.row, out.row)
        m.set(result.column, out.column)
      },
      () => {
        const perRow = f.op("ptr.and", m.add(this.head.blockColumns, lanes.count - 1), f.ptr(-lanes.count))
        m.set(result.address, m.add(this.scratch, SCRATCH.c))
        m.set(result.row, m.mul(perRow, lanes.bytes))
        m.set(result.column, lanes.bytes)
      },
    )
  }

  private multiply(): void {
    const { f, m, module, format, head, rows, columns, result, scratch } = this
    const [a, b] = this.places
    const args = PRODUCT.arguments(m, {
      rows,
      columns,
      depth: head.depth,
      depthBlock: head.depthBlock,
      a: a.address,
      aRow: a.row,
      aDepth: a.column,
      b: b.address,
      bDepth: b.row,
      bColumn: b.column,
      c: result.address,
      cRow: result.row,
      scratch,
    })
    const is = (way: Way): Code => m.eq(head.way, WAYS[way])
    const dots = (): void => {
      const operands = [rows, columns, head.depth, a.address, a.row, b.address, b.column]
      const all = [...operands, result.address, result.row, result.column].map(get)
      f.push(call(dotsProduct(module, format), ...all))
    }
    f.if(
      is("packed"),
      () => f.push(call(packedProduct(module, format), ...args)),
      () => f.if(is("direct"), () => f.push(call(directProduct(module, format), ...args)), dots),
    )
  }
}
