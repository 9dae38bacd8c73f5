/**
 * Stable sorting of rows along the last dim, NaN being the greatest.
 *
 * Each value becomes an unsigned key of as many bits, which orders as the values do: -0 as 0, every NaN alike. Short rows are
 * inserted one by one; longer ones are distributed by the digits of their keys, from the lowest digit to the highest, leaving out
 * digits that are the same everywhere. In between, an element is an item: its key and its index. The first distribution reads
 * the values themselves and the last one writes the outputs, so that a row of 8-bit values is moved once, and one of 16-bit
 * values twice.
 */
import type { SortKernel } from "@taeda/core"
import { type FunctionBuilder, get, type Local, select } from "./assembler.ts"
import { type Code, call, type FunctionRef, i32, op } from "./code.ts"
import { exportRun, type RunParameters } from "./kernel-run.ts"
import { SortCode } from "./sort-code.ts"
import { radix } from "./sort-digits.ts"
import { DIM_SLOTS, SLOT, SLOT_BYTES } from "./sort-frame.ts"
import { insertion } from "./sort-insertion.ts"
import { METHODS } from "./sort-method.ts"
import type { Target } from "./target.ts"

/** A module whose `run(frame, begin, end, scratch)` sorts the units of work from `begin` to `end` of a launch that `planSort` planned. */
export function emitSort(kernel: SortKernel, target: Target): Uint8Array<ArrayBuffer> {
  const s = new SortCode(kernel, target)
  const row = sortRow(s)
  exportRun(s.module, (f, parameters) => sortUnits(s, f, row, parameters))
  return s.module.encode()
}

/** row(frame, row, work): sorts the row of a number, by the method for its length. */
const sortRow = (s: SortCode): FunctionRef =>
  s.module.helper("row", ["ptr", "i32", "ptr"], [], (f, frame, row, work) => {
    const addresses = rowAddresses(s, f, frame, row)
    const length = s.slot32(f, frame, SLOT.length)
    const { insertion: shortest, digits } = METHODS[s.bits]
    const sort = (method: FunctionRef): void => {
      f.push(call(method, get(frame), ...addresses.map(get), get(work)))
      f.return()
    }
    f.if(op("i32.le_u", get(length), i32(shortest)), () => sort(insertion(s)))
    for (const [from, digit] of digits.toReversed())
      f.if(op("i32.ge_u", get(length), i32(from)), () => sort(radix(s, digit)))
  })

/** Where a row begins in x, values and indices. */
function rowAddresses(s: SortCode, f: FunctionBuilder, frame: Local, row: Local): readonly Local[] {
  const addresses = [0, 1, 2].map((k) => s.slot(f, frame, SLOT.operands + 2 * k))
  const dims = s.slot32(f, frame, SLOT.dimCount)
  const dim = f.let("ptr", get(frame))
  const size = f.local("i32")
  const above = f.local("i32")
  const coordinate = f.local("i32")
  const move = (from: Local, firstStride: number, by: Code): void =>
    addresses.forEach((address, k) => {
      const stride = f.load("ptr.load", get(from), (firstStride + k) * SLOT_BYTES)
      s.advance(f, address, f.op("ptr.mul", f.toPointer(by), stride))
    })
  f.while(get(dims), () => {
    f.set(size, f.load("i32.load", get(dim), SLOT.dims * SLOT_BYTES))
    f.set(above, op("i32.div_u", get(row), get(size)))
    f.set(coordinate, op("i32.sub", get(row), op("i32.mul", get(above), get(size))))
    move(dim, SLOT.dims + 1, get(coordinate))
    f.set(row, get(above))
    f.set(dims, op("i32.sub", get(dims), i32(1)))
    s.advance(f, dim, f.ptr(DIM_SLOTS * SLOT_BYTES))
  })
  move(frame, SLOT.outermost, get(row))
  return addresses
}

/** Sorts the rows of units, in scratch memory or in the unit's part of the temporary memory. */
function sortUnits(
  s: SortCode,
  f: FunctionBuilder,
  row: FunctionRef,
  { frame, begin, end, scratch }: RunParameters,
): void {
  const rowsPerUnit = s.slot32(f, frame, SLOT.rowsPerUnit)
  const rows = s.slot32(f, frame, SLOT.rows)
  const partBytes = s.slot(f, frame, SLOT.partBytes)
  const temporary = s.slot(f, frame, SLOT.temporary)
  const unit = f.local("i32")
  const at = f.local("i32")
  const last = f.local("i32")
  f.for(unit, get(begin), get(end), i32(1), () => {
    f.if(f.op("ptr.ne", get(partBytes), f.ptr(0)), () => f.set(scratch, s.at(f, temporary, get(unit), partBytes)))
    f.set(at, op("i32.mul", get(unit), get(rowsPerUnit)))
    f.set(last, op("i32.add", get(at), get(rowsPerUnit)))
    f.set(last, select(op("i32.lt_u", get(last), get(rows)), get(last), get(rows)))
    f.while(op("i32.lt_u", get(at), get(last)), () => {
      f.push(call(row, get(frame), get(at), get(scratch)))
      f.set(at, op("i32.add", get(at), i32(1)))
    })
  })
}
