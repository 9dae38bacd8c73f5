/** Convolutions and their gradients: a module for a kernel, which runs the units of work of a launch that `planConv` planned. */
import type { ConvKernel } from "@taeda/core"
import { get, ModuleBuilder } from "./assembler.ts"
import { i32, op } from "./code.ts"
import { correlationUnit } from "./conv-correlation.ts"
import { foldedUnit } from "./conv-fold.ts"
import { OFFSET_BYTES } from "./conv-scratch.ts"
import { storeOffset } from "./conv-tables.ts"
import { ConvUnit, type Kept } from "./conv-unit.ts"
import { weightUnit } from "./conv-weight-gradient.ts"
import { exportRun, type RunParameters } from "./kernel-run.ts"
import type { EmitEpilogue } from "./product-block.ts"
import type { Target } from "./target.ts"
import { WIDEST } from "./tile.ts"

/**
 * A module that exports `run(frame, begin, end, scratch)`.
 * @param epilogue writes the code of the kernel's epilogue
 */
export function emitConv(kernel: ConvKernel, target: Target, epilogue?: EmitEpilogue): Uint8Array<ArrayBuffer> {
  if (kernel.epilogue && !epilogue) throw new TypeError("conv: the kernel has an epilogue, and nothing writes it")
  const module = new ModuleBuilder(target)
  exportRun(module, (f, parameters) => emitUnits(new ConvUnit(f, module, kernel, parameters, epilogue), parameters))
  return module.encode()
}

/** A unit's code; it stands directly in a block. */
const UNITS: Readonly<Record<ConvKernel["pass"], (u: ConvUnit, kept: Kept) => void>> = {
  forward: correlationUnit,
  input: (u, kept) =>
    u.f.if(
      u.isSet("folded"),
      () => foldedUnit(u, kept),
      () => u.f.block(() => correlationUnit(u, kept)),
    ),
  weight: weightUnit,
}

function emitUnits(u: ConvUnit, { begin, end }: RunParameters): void {
  const { f, m } = u
  tabulateTile(u)
  const each = f.let("i32", f.toI32(u.slot("unitsEach")))
  const unit = f.local("i32")
  const last = f.let("i32", op("i32.mul", get(end), get(each)))
  const kept: Kept = { packed: f.let("ptr", f.ptr(-1)), shape: u.locals(4) }
  f.for(unit, op("i32.mul", get(begin), get(each)), get(last), i32(1), () => {
    m.set(u.rest, f.toPointer(get(unit)))
    f.block(() => UNITS[u.kernel.pass](u, kept))
  })
}

/** The table of where the vectors of a tile in scratch memory are. */
function tabulateTile(u: ConvUnit): void {
  const { f, m } = u
  const at = m.let(u.at("tileOffsets"))
  for (let v = 0; v < WIDEST[1]; v++) {
    storeOffset(f, at, f.ptr(v * 16))
    m.advance(at, OFFSET_BYTES)
  }
}
