/** What the suite's rows tell of an op: in which dtypes it is, what shapes give what shapes, and which errors it throws. */
import { type Case, casesOf, errorCasesOf, pathOf, ROWS, type Row } from "@taeda/conformance"
import { DTYPE_NAMES, type DType } from "@taeda/core"
import * as torch from "taeda"
import { FORMS, prepare } from "../../../../packages/conformance/src/calls.ts"

export interface Facts {
  readonly dtypes: readonly DType[]
  readonly gradient: boolean
  /** `softmax(float32[2, 3], 1)` and `float32[2, 3]`. */
  readonly examples: readonly (readonly [call: string, result: string])[]
  /** Messages. */
  readonly errors: readonly string[]
}

/** So many of each are shown. */
const SHOWN = 2

const shapeText = ({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }): string =>
  `${dtype}[${shape.join(", ")}]`

type Arg = Case["args"][number]

function argText(arg: Arg): string {
  if (Array.isArray(arg)) return `[${arg.map(argText).join(", ")}]`
  if (typeof arg !== "object" || arg === null) return typeof arg === "string" ? JSON.stringify(arg) : String(arg)
  if ("shape" in arg) return shapeText(arg)
  const { start, stop, step } = arg as Exclude<typeof arg, readonly Arg[]>
  return `slice(${[start, stop, step].map(String).join(", ")})`
}

function callText({ row, args, options }: Pick<Case, "row" | "args" | "options">): string {
  const given = args.map(argText)
  const named = Object.entries(options).map(([name, arg]) => `${name}: ${argText(arg)}`)
  const all = named.length > 0 ? [...given, `{ ${named.join(", ")} }`] : given
  if (row.property) return `${given[0]}.${row.name}`
  return row.in === "Tensor" ? `${given[0]}.${row.name}(${all.slice(1).join(", ")})` : `${row.name}(${all.join(", ")})`
}

function resultText(result: unknown): string | undefined {
  if (torch.isTensor(result)) return shapeText(result as { dtype: string; shape: readonly number[] })
  if (["number", "boolean", "string"].includes(typeof result)) return String(result)
  if (typeof result !== "object" || result === null || !(Symbol.iterator in result)) return undefined
  const texts = [...(result as Iterable<unknown>)].map(resultText)
  return texts.every((text) => text !== undefined) ? `[${texts.join(", ")}]` : undefined
}

/** Cases with shapes that tell something: nothing empty, nothing extreme. */
const tells = ({ sample: { tags } }: Case): boolean => !tags.includes("extreme") && !tags.includes("zeroSize")

async function examplesOf(row: Row): Promise<[string, string][]> {
  const found = new Map<string, string>()
  const dtype = row.dtypes.includes("float32") ? "float32" : row.dtypes[0]
  const preferred = casesOf(row, dtype)
  for (const each of preferred.length > 0 ? preferred : casesOf(row)) {
    if (found.size === SHOWN) break
    const call = callText(each)
    if (!tells(each) || call.length > 100 || found.has(call)) continue
    const result = resultText(await FORMS.plain(prepare(each)))
    if (result !== undefined && result.length < 100) found.set(call, result)
  }
  return [...found]
}

async function errorsOf(row: Row): Promise<string[]> {
  const found = new Set<string>()
  for (const each of errorCasesOf(row)) {
    if (found.size === SHOWN) break
    try {
      const result = await FORMS.plain(prepare(each))
      if (torch.isTensor(result)) await result.data()
    } catch (error) {
      found.add((error as Error).message)
    }
  }
  return [...found]
}

async function factsOf(rows: readonly Row[]): Promise<Facts> {
  const [row] = rows
  const tried = new Set(rows.flatMap((each) => casesOf(each).map(({ dtype }) => dtype)))
  return {
    dtypes: DTYPE_NAMES.filter((dtype) => tried.has(dtype)),
    gradient: rows.some(({ grad }) => grad),
    examples: await examplesOf(row!),
    errors: await errorsOf(row!),
  }
}

/** Of every op that has a row, by its path and the paths of its aliases; a method's path begins with `Tensor.`. */
export async function readFacts(): Promise<Map<string, Facts>> {
  const facts = new Map<string, Facts>()
  for (const [path, rows] of Map.groupBy(ROWS, pathOf)) {
    const found = await factsOf(rows)
    for (const name of [path, ...rows.flatMap(({ aliases }) => aliases)]) if (!facts.has(name)) facts.set(name, found)
  }
  return facts
}

/** The op of which a name is another name, by paths of the namespace. */
export const ALIASES: ReadonlyMap<string, string> = new Map(
  ROWS.flatMap((row) => row.aliases.map((alias) => [alias, pathOf(row)] as const)),
)
