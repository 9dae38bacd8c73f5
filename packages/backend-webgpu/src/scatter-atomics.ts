/** Combining into the target by atomic operations, for what gives the same in any order: integers, and extremes of floats. */
import { DTYPES, type ScatterKernel } from "@taeda/core"
import { laneOf, packingOf, perWord } from "./elements.ts"
import type { Points } from "./scatter-points.ts"
import { storedBits } from "./views.ts"
import type { Writer } from "./writer.ts"

const isFloat = ({ dtype }: ScatterKernel): boolean => DTYPES[dtype].kind === "float"
const isExtreme = ({ combine }: ScatterKernel): boolean => combine === "min" || combine === "max"

/** Whether the order of the points does not matter. */
export const anyOrder = (kernel: ScatterKernel): boolean =>
  kernel.combine !== "set" && (!isFloat(kernel) || isExtreme(kernel))

const NATIVE: Partial<Readonly<Record<ScatterKernel["combine"], string>>> = {
  add: "atomicAdd",
  min: "atomicMin",
  max: "atomicMax",
}

/** By bits, for there is an order of floats that tells the zeros apart; any NaN gives the same one. */
const extremeOf = (combine: string): string => `fn extreme(a: u32, b: u32) -> u32 {
  if (max(a & 0x7fffffffu, b & 0x7fffffffu) > 0x7f800000u) { return 0x7fc00000u; }
  let x = a ^ select(0x80000000u, 0xffffffffu, a >= 0x80000000u);
  let y = b ^ select(0x80000000u, 0xffffffffu, b >= 0x80000000u);
  return select(b, a, x ${combine === "min" ? "<" : ">"} y);
}`

/** Binds the target; what writes `value` into the element at an address. */
export function atomicCombiner(w: Writer, kernel: ScatterKernel, points: Points): (at: string, value: string) => void {
  const { dtype, combine, inputs } = kernel
  const operand = inputs.length
  const native = dtype === "int32" ? NATIVE[combine] : undefined
  const buffer = w.bind({ operand }, native ? "atomic<i32>" : "atomic<u32>", "write")
  if (native) return (at, value) => w.lines.push(`${native}(&${buffer}[${at}], ${value});`)

  const packing = packingOf(dtype)
  const extreme = isFloat(kernel)
  if (extreme) w.declare("extreme", extremeOf(combine))
  const lane = laneOf(dtype)
  const fromBits = (bits: string): string => (packing ? packing.unpack(bits) : `bitcast<${lane}>(${bits})`)
  const count = perWord(dtype)
  const width = 32 / count
  const mask = count === 1 ? "0xffffffffu" : `${2 ** width - 1}u`
  return (address, value) => {
    const at = w.let(address, "a")
    const mine = w.let(value, "x")
    const word = count === 1 ? at : w.let(`${at} / ${count}u`, "a")
    const shift = count === 1 ? "0u" : w.let(`(${at} % ${count}u) * ${width}u`, "s")
    const old = w.name("old")
    w.lines.push(`var ${old} = atomicLoad(&${buffer}[${word}]);`, "loop {")
    const current = w.let(fromBits(`((${old} >> ${shift}) & ${mask})`), "x")
    const next = extreme
      ? `bitcast<f32>(extreme(bitcast<u32>(${current}), bitcast<u32>(${mine})))`
      : points.combined(current, mine)
    const bits = w.let(storedBits(dtype, w.let(next, "x")), "x")
    const whole = w.let(`(${old} & ~(${mask} << ${shift})) | (${bits} << ${shift})`, "x")
    w.lines.push(
      `if (${whole} == ${old}) { break; }`,
      `let tried = atomicCompareExchangeWeak(&${buffer}[${word}], ${old}, ${whole});`,
      "if (tried.exchanged) { break; }",
      `${old} = tried.old_value;`,
      "}",
    )
  }
}
