/** Short names for arithmetic on addresses, sizes and strides. */
import { type FunctionBuilder, get, type Local, select } from "./assembler.ts"
import type { Code } from "./code.ts"

/** A number of the address type: code, a variable or a constant. */
export type Pointer = Code | Local | number

export interface PointerMath {
  readonly of: (x: Pointer) => Code
  readonly add: (...terms: readonly Pointer[]) => Code
  readonly sub: (a: Pointer, b: Pointer) => Code
  readonly mul: (a: Pointer, b: Pointer) => Code
  /** The quotient and remainder of numbers that aren't negative. */
  readonly div: (a: Pointer, b: Pointer) => Code
  readonly rem: (a: Pointer, b: Pointer) => Code
  readonly min: (a: Pointer, b: Pointer) => Code
  readonly max: (a: Pointer, b: Pointer) => Code
  /** Tests, which give an i32. */
  readonly lt: (a: Pointer, b: Pointer) => Code
  readonly ge: (a: Pointer, b: Pointer) => Code
  readonly gt: (a: Pointer, b: Pointer) => Code
  readonly eq: (a: Pointer, b: Pointer) => Code
  /** A fresh variable with a value. */
  readonly let: (x: Pointer) => Local
  readonly set: (to: Local, x: Pointer) => void
  readonly advance: (to: Local, by: Pointer) => void
}

const isLocal = (x: Exclude<Pointer, number>): x is Local => "type" in (x as object) && "index" in (x as object)

export function pointerMath(f: FunctionBuilder): PointerMath {
  const of = (x: Pointer): Code => {
    if (typeof x === "number") return f.ptr(x)
    return isLocal(x) ? get(x) : x
  }
  const binary =
    (name: string) =>
    (a: Pointer, b: Pointer): Code =>
      f.op(`ptr.${name}`, of(a), of(b))
  const lt = binary("lt_s")
  const add = (...terms: readonly Pointer[]): Code =>
    terms.slice(1).reduce<Code>((a, b) => f.op("ptr.add", a, of(b)), of(terms[0]))
  return {
    of,
    add,
    sub: binary("sub"),
    mul: binary("mul"),
    div: binary("div_u"),
    rem: binary("rem_u"),
    min: (a, b) => select(lt(a, b), of(a), of(b)),
    max: (a, b) => select(lt(a, b), of(b), of(a)),
    lt,
    ge: binary("ge_s"),
    gt: binary("gt_s"),
    eq: binary("eq"),
    let: (x) => f.let("ptr", of(x)),
    set: (to, x) => f.set(to, of(x)),
    advance: (to, by) => f.set(to, add(to, by)),
  }
}
