/** A case's call as TypeScript that a person could have written: with literal sizes, its tensors declared with their types. */
import { type Case, type CaseArg, type ErrorCase, type Form, pathOf, type Row, signatureOf } from "@taeda/conformance"

export type Call = Pick<Case, "row" | "args" | "options">

/** The ways to call that are written down: as in the suite. */
export type Spelling = Exclude<Form, "sync">

type Input = Extract<CaseArg, { readonly spec: "tensor" }>

const isObject = (arg: unknown): arg is object => typeof arg === "object" && arg !== null
export const isInput = (arg: unknown): arg is Input => isObject(arg) && (arg as Input).spec === "tensor"

const tensorType = ({ shape, dtype }: Input): string => `torch.Tensor<[${shape.join(", ")}], "${dtype}">`

/** Tensors by their type; one declaration serves all calls of a file. */
export class Declarations {
  private readonly names = new Map<string, string>()

  /** The name of a tensor of this type. */
  of(input: Input): string {
    const type = tensorType(input)
    const known = this.names.get(type)
    if (known) return known
    const name = ["t", ...input.shape, input.dtype].join("_")
    this.names.set(type, name)
    return name
  }

  toString(): string {
    return Array.from(this.names, ([type, name]) => `declare const ${name}: ${type}\n`).join("")
  }
}

function numberText(x: number): string {
  if (Number.isNaN(x)) return "Number.NaN"
  if (!Number.isFinite(x)) return `Number.${x > 0 ? "POSITIVE" : "NEGATIVE"}_INFINITY`
  return Object.is(x, -0) ? "-0" : String(x)
}

function argText(arg: CaseArg, tensors: Declarations): string {
  if (isInput(arg)) return tensors.of(arg)
  if (Array.isArray(arg)) return `[${(arg as readonly CaseArg[]).map((each) => argText(each, tensors)).join(", ")}]`
  if (typeof arg === "number") return numberText(arg)
  if (typeof arg === "bigint") return `${arg}n`
  if (!isObject(arg)) return arg === undefined ? "undefined" : JSON.stringify(arg)
  const { start, stop, step } = arg as Extract<CaseArg, { readonly spec: "slice" }>
  return `torch.slice(${[start, stop, step].map(String).join(", ")})`
}

/** Lists of indices, or of tensors one by one, have no name. */
const NAMELESS: ReadonlySet<string> = new Set(["at", "atleast1d", "atleast2d", "atleast3d"])

type Given = { readonly args: readonly CaseArg[]; readonly options: Readonly<Record<string, CaseArg>> }

/** Every argument by its name, but for a tensor in front; null where the op has no names. */
function byName({ row, args, options }: Call): Given | null {
  const signature = signatureOf(row)
  if (!signature || args.length === 0 || NAMELESS.has(row.name)) return null
  const kept = isInput(args[0]) || signature.names[0] === "input" ? 1 : 0
  const { rest } = signature.parameters
  const flat = rest >= 0 && args.length > rest && !Array.isArray(args[rest])
  const given = flat ? [...args.slice(0, rest), args.slice(rest)] : args
  const named = Object.fromEntries(
    given.flatMap((arg, i) => (i >= kept && arg !== undefined ? [[signature.names[i], arg] as const] : [])),
  )
  return { args: given.slice(0, kept), options: { ...options, ...named } }
}

function argumentsText({ args, options }: Given, tensors: Declarations): string {
  const named = Object.entries(options).map(([name, arg]) => `${name}: ${argText(arg, tensors)}`)
  return [...args.map((arg) => argText(arg, tensors)), ...(named.length > 0 ? [`{ ${named.join(", ")} }`] : [])].join(
    ", ",
  )
}

/** Null where there is no tensor in front. */
const onReceiver = (name: string, given: Given, tensors: Declarations): string | null =>
  isInput(given.args[0])
    ? `${tensors.of(given.args[0])}.${name}(${argumentsText({ ...given, args: given.args.slice(1) }, tensors)})`
    : null

const asFunction = (row: Row, given: Given, tensors: Declarations): string | null =>
  row.in === "Tensor" ? onReceiver(row.name, given, tensors) : `torch.${pathOf(row)}(${argumentsText(given, tensors)})`

const WRITERS: Record<Spelling, (call: Call, tensors: Declarations) => string | null> = {
  plain: (call, tensors) =>
    call.row.property ? `${argText(call.args[0], tensors)}.${call.row.name}` : asFunction(call.row, call, tensors),
  method: (call, tensors) => (call.row.method ? onReceiver(call.row.name, call, tensors) : null),
  named(call, tensors) {
    const given = byName(call)
    return given && asFunction(call.row, given, tensors)
  },
  inPlace: (call, tensors) => (call.row.inPlace ? onReceiver(`${call.row.name}_`, call, tensors) : null),
}

/** The call in one of its spellings; null where the op has it not. */
export const callText = (call: Call | ErrorCase, spelling: Spelling, tensors: Declarations): string | null =>
  WRITERS[spelling](call, tensors)
