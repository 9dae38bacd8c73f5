/** Writes every case of the conformance rows to standard output as JSON, for ops.py. */

import { stdout } from "node:process"
import { type CaseArg, casesOf, errorCasesOf } from "../../packages/conformance/src/cases.ts"
import { cotangent, gridOf, secondCotangent, type TensorInput } from "../../packages/conformance/src/inputs.ts"
import { pathOf, type Row } from "../../packages/conformance/src/row.ts"
import { FAMILIES } from "../../packages/conformance/src/rows/index.ts"

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

/** Numbers that JSON lacks go as strings under a key. */
const encodeNumber = (value: number): Json =>
  Number.isFinite(value) && !Object.is(value, -0) ? value : { $num: Object.is(value, -0) ? "-0.0" : String(value) }

const encodeTensor = ({ values, ...input }: TensorInput): Json => ({
  $tensor: {
    ...(input as unknown as { [key: string]: Json }),
    ...gridOf(input),
    ...(values && { values: values.map(encodeNumber) }),
  },
})

function encode(arg: CaseArg): Json {
  if (Array.isArray(arg)) return arg.map(encode)
  if (typeof arg === "number") return encodeNumber(arg)
  if (typeof arg === "bigint") return { $big: String(arg) }
  if (arg === null || arg === undefined) return null
  if (typeof arg !== "object") return arg
  const spec = arg as Exclude<typeof arg, readonly CaseArg[]>
  return spec.spec === "tensor" ? encodeTensor(spec) : { $slice: [spec.start, spec.stop, spec.step] }
}

const encodeRow = (row: Row): Json => ({
  path: pathOf(row),
  torch: row.torch ?? null,
  method: row.method,
  inPlace: row.inPlace,
  mutates: row.mutates,
  shapeOnly: row.shapeOnly,
  grad: row.grad,
  indices: [...row.indices],
  aliases: [...row.aliases],
  cases: casesOf(row).map(({ id, args, options, second, noGradcheck }) => ({
    id,
    second,
    noGradcheck: noGradcheck ?? null,
    ...encodeCall(args, options),
  })),
  errors: errorCasesOf(row).map(({ id, error, args, options }) => ({
    id,
    oursAlone: error.oursAlone,
    ...encodeCall(args, options),
  })),
})

const encodeCall = (
  args: readonly CaseArg[],
  options: { readonly [name: string]: CaseArg },
): { [key: string]: Json } => ({
  args: args.map(encode),
  options: Object.fromEntries(Object.entries(options).map(([name, arg]) => [name, encode(arg)])),
})

const seedAndGrid = (input: TensorInput): Json => ({ seed: input.seed, ...gridOf(input) })

stdout.write(
  JSON.stringify({
    cotangent: seedAndGrid(cotangent([], "float64")),
    secondCotangent: seedAndGrid(secondCotangent([], "float64", 0)),
    families: Object.fromEntries(Object.entries(FAMILIES).map(([name, rows]) => [name, rows.map(encodeRow)])),
  }),
)
