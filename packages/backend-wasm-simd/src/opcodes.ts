/** WebAssembly's instructions by their names in the text format, with the bytes that stand for them. */

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128"

/** Prefixes of two-part opcodes: the second part is a LEB128 number. */
const MISC = 0xfc
const SIMD = 0xfd
const ATOMIC = 0xfe

/** An opcode: one byte, or a prefix and a number. */
export type Opcode = readonly [byte: number] | readonly [prefix: number, code: number]

const table = new Map<string, Opcode>()

/** Names in the order of their codes; "-" leaves one out. */
function define(prefix: number | null, first: number, type: string, names: string): void {
  names
    .trim()
    .split(/\s+/)
    .forEach((name, k) => {
      if (name === "-") return
      const full = name.includes(".") ? name : `${type}.${name}`
      table.set(full, prefix === null ? [first + k] : [prefix, first + k])
    })
}

const INTEGER_TESTS = "eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"
const FLOAT_TESTS = "eq ne lt gt le ge"
const INTEGER_ARITHMETIC = "clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"
const FLOAT_ARITHMETIC = "abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign"
const LANE_TESTS = "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"

define(null, 0x28, "i32", "load i64.load f32.load f64.load load8_s load8_u load16_s load16_u")
define(null, 0x30, "i64", "load8_s load8_u load16_s load16_u load32_s load32_u")
define(null, 0x36, "i32", "store i64.store f32.store f64.store store8 store16 i64.store8 i64.store16 i64.store32")
define(null, 0x45, "i32", INTEGER_TESTS)
define(null, 0x50, "i64", INTEGER_TESTS)
define(null, 0x5b, "f32", FLOAT_TESTS)
define(null, 0x61, "f64", FLOAT_TESTS)
define(null, 0x67, "i32", INTEGER_ARITHMETIC)
define(null, 0x79, "i64", INTEGER_ARITHMETIC)
define(null, 0x8b, "f32", FLOAT_ARITHMETIC)
define(null, 0x99, "f64", FLOAT_ARITHMETIC)
define(null, 0xa7, "i32", "wrap_i64 trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u")
define(null, 0xac, "i64", "extend_i32_s extend_i32_u trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u")
define(null, 0xb2, "f32", "convert_i32_s convert_i32_u convert_i64_s convert_i64_u demote_f64")
define(null, 0xb7, "f64", "convert_i32_s convert_i32_u convert_i64_s convert_i64_u promote_f32")
define(null, 0xbc, "i32", "reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64")
define(null, 0xc0, "i32", "extend8_s extend16_s i64.extend8_s i64.extend16_s i64.extend32_s")
define(MISC, 0, "i32", "trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u")
define(MISC, 4, "i64", "trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u")

define(
  SIMD,
  0,
  "v128",
  "load load8x8_s load8x8_u load16x4_s load16x4_u load32x2_s load32x2_u load8_splat load16_splat load32_splat load64_splat store",
)
define(SIMD, 12, "v128", "const i8x16.shuffle i8x16.swizzle")
define(SIMD, 15, "i8x16", "splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat")
define(SIMD, 21, "i8x16", "extract_lane_s extract_lane_u replace_lane")
define(SIMD, 24, "i16x8", "extract_lane_s extract_lane_u replace_lane")
define(SIMD, 27, "i32x4", "extract_lane replace_lane i64x2.extract_lane i64x2.replace_lane")
define(SIMD, 31, "f32x4", "extract_lane replace_lane f64x2.extract_lane f64x2.replace_lane")
define(SIMD, 35, "i8x16", LANE_TESTS)
define(SIMD, 45, "i16x8", LANE_TESTS)
define(SIMD, 55, "i32x4", LANE_TESTS)
define(SIMD, 65, "f32x4", FLOAT_TESTS)
define(SIMD, 71, "f64x2", FLOAT_TESTS)
define(SIMD, 77, "v128", "not and andnot or xor bitselect any_true")
define(
  SIMD,
  84,
  "v128",
  "load8_lane load16_lane load32_lane load64_lane store8_lane store16_lane store32_lane store64_lane load32_zero load64_zero",
)
define(SIMD, 94, "f32x4", "demote_f64x2_zero f64x2.promote_low_f32x4")
define(SIMD, 96, "i8x16", "abs neg popcnt all_true bitmask narrow_i16x8_s narrow_i16x8_u")
define(SIMD, 103, "f32x4", "ceil floor trunc nearest")
define(SIMD, 107, "i8x16", "shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u")
define(SIMD, 116, "f64x2", "ceil floor i8x16.min_s i8x16.min_u i8x16.max_s i8x16.max_u trunc")
define(
  SIMD,
  128,
  "i16x8",
  "abs neg q15mulr_sat_s all_true bitmask narrow_i32x4_s narrow_i32x4_u extend_low_i8x16_s extend_high_i8x16_s extend_low_i8x16_u extend_high_i8x16_u shl shr_s shr_u add add_sat_s add_sat_u sub sub_sat_s sub_sat_u f64x2.nearest mul min_s min_u max_s max_u",
)
define(
  SIMD,
  160,
  "i32x4",
  "abs neg - all_true bitmask - - extend_low_i16x8_s extend_high_i16x8_s extend_low_i16x8_u extend_high_i16x8_u shl shr_s shr_u add - - sub - - - mul min_s min_u max_s max_u dot_i16x8_s - extmul_low_i16x8_s extmul_high_i16x8_s extmul_low_i16x8_u extmul_high_i16x8_u",
)
define(
  SIMD,
  192,
  "i64x2",
  "abs neg - all_true bitmask - - extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u extend_high_i32x4_u shl shr_s shr_u add - - sub - - - mul eq ne lt_s gt_s le_s ge_s extmul_low_i32x4_s extmul_high_i32x4_s extmul_low_i32x4_u extmul_high_i32x4_u",
)
define(SIMD, 224, "f32x4", "abs neg - sqrt add sub mul div min max pmin pmax")
define(SIMD, 236, "f64x2", "abs neg - sqrt add sub mul div min max pmin pmax")
define(
  SIMD,
  248,
  "i32x4",
  "trunc_sat_f32x4_s trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u trunc_sat_f64x2_s_zero trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u",
)
define(SIMD, 261, "f32x4", "relaxed_madd relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd")
define(SIMD, 267, "i32x4", "relaxed_laneselect i64x2.relaxed_laneselect")
define(ATOMIC, 0x10, "i32", "atomic.load")
define(ATOMIC, 0x17, "i32", "atomic.store")
define(ATOMIC, 0x1e, "i32", "atomic.rmw.add")

/** @throws RangeError for a name that is not in the table. */
export function opcodeOf(name: string): Opcode {
  const opcode = table.get(name)
  if (!opcode) throw new RangeError(`wasm: no instruction ${name}`)
  return opcode
}

/** Tests of whole vectors, which give an i32. */
const VECTOR_TESTS = /\.(any_true|all_true|bitmask)$/
const LANE = /^([if])(8x16|16x8|32x4|64x2)\.extract_lane/
const SCALAR_TESTS = /^[if](32|64)\.(eqz|eq|ne|lt|gt|le|ge)(_[su])?$/
const ELEMENTS = { "8x16": "32", "16x8": "32", "32x4": "32", "64x2": "64" } as const

const results = new Map<string, ValueType | null>()

/** What an instruction leaves on the stack; null for stores. */
export function resultOf(name: string): ValueType | null {
  let result = results.get(name)
  if (result === undefined) results.set(name, (result = findResult(name)))
  return result
}

function findResult(name: string): ValueType | null {
  if (/\.(store|atomic\.store)/.test(name)) return null
  if (VECTOR_TESTS.test(name) || SCALAR_TESTS.test(name)) return "i32"
  const lane = LANE.exec(name)
  if (lane) return `${lane[1]}${ELEMENTS[lane[2] as keyof typeof ELEMENTS]}` as ValueType
  const type = name.split(".")[0]
  return type.includes("x") ? "v128" : (type as ValueType)
}
