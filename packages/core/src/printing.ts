/**
 * The text of a tensor, as PyTorch prints it, from anything that gives its elements by row-major index.
 *
 * One difference, kept by the whole library: the default integer type, whose name is not shown, is int32.
 */
import { DEFAULT_INT, type DType, getDefaultDtype, isFloating } from "./dtype.ts"
import { formatExponent, formatFixed, formatRepr } from "./python-format.ts"

/** How tensors are printed, as PyTorch's `set_printoptions` has it. */
export interface PrintOptions {
  /** Digits after the point. */
  readonly precision: number
  /** Tensors with more elements than this are summarised. */
  readonly threshold: number
  /** Elements (or slices) shown at either end of a summarised dimension. */
  readonly edgeitems: number
  /** Characters per line. */
  readonly linewidth: number
  /** Scientific notation always, never, or (null) by the values. */
  readonly sciMode: boolean | null
}

export type PrintProfile = "default" | "short" | "full"

/** What `formatTensor` needs to know of a tensor. */
export interface PrintSource {
  readonly sizes: readonly number[]
  readonly dtype: DType
  /** The element at a row-major index, half types already widened. Only `shownIndices(sizes)` are asked for. */
  at(linearIndex: number): number | bigint | boolean
  /** Shown if given: leave it out on the default device. */
  readonly device?: string
  /** The node's name, such as `MulBackward0`. */
  readonly gradFn?: string
  /** Shown where there is no `gradFn`. */
  readonly requiresGrad?: boolean
  readonly parameter?: boolean
}

const PROFILES: Readonly<Record<PrintProfile, Omit<PrintOptions, "sciMode">>> = {
  default: { precision: 4, threshold: 1000, edgeitems: 3, linewidth: 80 },
  short: { precision: 2, threshold: 1000, edgeitems: 2, linewidth: 80 },
  full: { precision: 4, threshold: Number.POSITIVE_INFINITY, edgeitems: 3, linewidth: 80 },
}

const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0

/** Each option with its check and the words that say what it takes. */
const CHECKS: Readonly<Record<keyof PrintOptions | "profile", readonly [(value: unknown) => boolean, string]>> = {
  precision: [(value) => isCount(value) && (value as number) <= 100, "an integer from 0 to 100"],
  threshold: [(value) => typeof value === "number" && value >= 0, "a number from 0 to Infinity"],
  edgeitems: [isCount, "an integer from 0"],
  linewidth: [(value) => isCount(value) || value === Number.POSITIVE_INFINITY, "an integer from 0, or Infinity"],
  profile: [
    (value) => typeof value === "string" && Object.hasOwn(PROFILES, value),
    `one of ${Object.keys(PROFILES).join(", ")}`,
  ],
  sciMode: [(value) => typeof value === "boolean", "true, false or null"],
}

let options: PrintOptions = { ...PROFILES.default, sciMode: null }

/**
 * Sets how tensors print: the profile's values first (`default`, `short`: precision 2 and edgeitems 2, `full`: no
 * summaries), then the options given. Null or undefined means not given, and `sciMode` not given means automatic:
 * as in PyTorch, each call resets it. Throws a TypeError for a name that does not exist and a RangeError for a value
 * an option cannot have; then nothing changes.
 */
export function setPrintoptions(
  changes: { [K in keyof PrintOptions]?: PrintOptions[K] | null } & { profile?: PrintProfile | null } = {},
): void {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined && value !== null)
  for (const name of Object.keys(changes)) if (!Object.hasOwn(CHECKS, name)) throw unknownOption(name)
  for (const [name, value] of given) {
    const [isValid, expected] = CHECKS[name as keyof typeof CHECKS]
    if (!isValid(value)) throw new RangeError(`setPrintoptions: ${name} must be ${expected}, got ${String(value)}`)
  }
  const { profile, ...values } = Object.fromEntries(given) as Partial<PrintOptions> & { profile?: PrintProfile }
  options = { ...options, ...(profile && PROFILES[profile]), sciMode: null, ...values }
}

/** The options in force, as a copy that `setPrintoptions` takes back. */
export const getPrintoptions = (): PrintOptions => ({ ...options })

function unknownOption(name: string): TypeError {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z]/g, "")
  const ranked = Object.keys(CHECKS)
    .map((known) => ({ known, distance: editDistance(plain(name), plain(known)) }))
    .sort((a, b) => a.distance - b.distance)
  const { known, distance } = ranked[0]
  const isNear = distance <= known.length / 2
  const hint = isNear ? `did you mean ${known}?` : `the options are ${Object.keys(CHECKS).join(", ")}`
  return new TypeError(`setPrintoptions: unknown option ${name}, ${hint}`)
}

/** Levenshtein's distance: insertions, deletions and replacements that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(next[j] + 1, row[j + 1] + 1, row[j] + (a[i] === b[j] ? 0 : 1)))
    row = next
  }
  return row[b.length]
}

const PREFIX = "tensor("
const INDENT = PREFIX.length

const count = (sizes: readonly number[]): number => sizes.reduce((product, size) => product * size, 1)
const range = (start: number, end: number): number[] => Array.from({ length: end - start }, (_, i) => start + i)
const isSummarised = (sizes: readonly number[]): boolean => count(sizes) > options.threshold
const isCut = (size: number): boolean => size > 2 * options.edgeitems

/** The row-major indices, in order, of the elements that the text of a tensor of these sizes shows. */
export function shownIndices(sizes: readonly number[]): number[] {
  const summarised = isSummarised(sizes)
  const { edgeitems } = options
  return sizes.reduce(
    (indices, size) => {
      const shown =
        summarised && isCut(size) ? [...range(0, edgeitems), ...range(size - edgeitems, size)] : range(0, size)
      return indices.flatMap((index) => shown.map((position) => index * size + position))
    },
    [0],
  )
}

/**
 * PyTorch's text of a tensor, `tensor([[1., 2.],\n        [3., 4.]])`, by the options in force; a parameter has
 * `Parameter containing:` on a line before it.
 */
export function formatTensor(t: PrintSource): string {
  const { sizes, dtype, device } = t
  const isEmpty = count(sizes) === 0
  const showsSizes = isEmpty ? sizes.length !== 1 : options.edgeitems === 0
  // Without elements to tell the default integer and bool by, only the default float goes without saying.
  const showsDtype = isEmpty ? dtype !== getDefaultDtype() : !isDefault(dtype)
  const text = addSuffixes(PREFIX + (isEmpty ? "[]" : formatElements(t)), [
    device !== undefined && deviceSuffix(device),
    showsSizes && sizesSuffix(sizes),
    showsDtype && dtypeSuffix(dtype),
    gradSuffix(t),
  ])
  return t.parameter ? `Parameter containing:\n${text}` : text
}

/**
 * The text of a tensor whose elements cannot be read now, as PyTorch prints those of its device meta:
 * `tensor(..., device='webgpu', size=(2, 3))`. Any dtype but the default float is shown.
 */
export function formatShapeOnly(t: Omit<PrintSource, "at" | "device"> & { readonly device: string }): string {
  const text = addSuffixes(`${PREFIX}...`, [
    deviceSuffix(t.device),
    sizesSuffix(t.sizes),
    t.dtype !== getDefaultDtype() && dtypeSuffix(t.dtype),
    gradSuffix(t),
  ])
  return t.parameter ? `Parameter containing:\n${text}` : text
}

/**
 * The text of a 0-d tensor's value inside a template: Python's `f"{tensor}"`, such as `0.10000000149011612` (float32
 * widened to double), `3.0`, `3` or `True`.
 */
export const formatScalarTemplate = (value: number | bigint | boolean, dtype: DType): string =>
  isFloating(dtype) ? formatRepr(Number(value)) : plainText(value, dtype)

const isDefault = (dtype: DType): boolean => dtype === getDefaultDtype() || dtype === DEFAULT_INT || dtype === "bool"
const deviceSuffix = (device: string): string => `device='${device}'`
const dtypeSuffix = (dtype: DType): string => `dtype=torch.${dtype}`
const gradSuffix = (t: Pick<PrintSource, "gradFn" | "requiresGrad">): string | false =>
  t.gradFn !== undefined ? `grad_fn=<${t.gradFn}>` : t.requiresGrad === true && "requires_grad=True"
const sizesSuffix = (sizes: readonly number[]): string => `size=(${sizes.join(", ")}${sizes.length === 1 ? "," : ""})`

/** Appends the suffixes that are there, each on the last line if it fits and else on a line of its own, and `)`. */
function addSuffixes(text: string, suffixes: readonly (string | false)[]): string {
  let out = text
  // PyTorch counts one more than the length from the last newline (two more on the first line).
  let lineLength = text.length - text.lastIndexOf("\n") + 1
  for (const suffix of suffixes) {
    if (suffix === false) continue
    const fits = lineLength + suffix.length + 2 <= options.linewidth
    out += fits ? `, ${suffix}` : `,\n${" ".repeat(INDENT)}${suffix}`
    lineLength = fits ? lineLength + suffix.length + 2 : INDENT + suffix.length
  }
  return `${out})`
}

const plainText = (value: number | bigint | boolean, dtype: DType): string =>
  dtype === "bool" ? (value ? "True" : "False") : String(value)

/** The nested lists of elements, from the opening bracket to the closing one; of a 0-d tensor its element. */
function formatElements(t: PrintSource): string {
  const { sizes, dtype } = t
  const values = shownIndices(sizes).map((index) => t.at(index))
  const { texts, width } = isFloating(dtype) ? floatTexts(values.map(Number)) : plainTexts(values, dtype)
  return layOut(sizes, texts, width)
}

interface Texts {
  readonly texts: readonly string[]
  readonly width: number
}

const longest = (texts: readonly string[]): number => texts.reduce((width, text) => Math.max(width, text.length), 1)

function plainTexts(values: readonly (number | bigint | boolean)[], dtype: DType): Texts {
  const texts = values.map((value) => plainText(value, dtype))
  return { texts, width: longest(texts) }
}

/** One format for all: scientific, whole with a point, or fixed. Only finite nonzero values decide and count. */
function floatTexts(values: readonly number[]): Texts {
  const counts = (x: number) => Number.isFinite(x) && x !== 0
  const deciding = values.filter(counts)
  const format = floatFormat(deciding)
  return { texts: values.map(format), width: longest(deciding.map(format)) }
}

function floatFormat(deciding: readonly number[]): (x: number) => string {
  const { precision, sciMode } = options
  const whole = (x: number) => formatFixed(x, 0) + (Number.isFinite(x) ? "." : "")
  if (deciding.length === 0) return whole
  if (sciMode ?? spansWide(deciding)) return (x) => formatExponent(x, precision)
  return deciding.every(Number.isInteger) ? whole : (x) => formatFixed(x, precision)
}

function spansWide(values: readonly number[]): boolean {
  const sizes = values.map(Math.abs)
  const max = sizes.reduce((a, b) => Math.max(a, b))
  const min = sizes.reduce((a, b) => Math.min(a, b))
  return max / min > 1000 || max > 1e8 || min < 1e-4
}

/** Brackets, commas, line breaks and ellipses around the texts of the shown elements, which are taken in order. */
function layOut(sizes: readonly number[], texts: readonly string[], width: number): string {
  const { edgeitems, linewidth } = options
  const summarised = isSummarised(sizes)
  let next = 0
  const take = () => texts[next++].padStart(width)

  /** What is shown along a dimension, with an ellipsis where something is left out. */
  const along = (size: number, ellipsis: string, part: () => string): string[] => {
    if (!summarised || !isCut(size)) return Array.from({ length: size }, part)
    const [head, tail] = [0, 1].map(() => Array.from({ length: edgeitems }, part))
    return [...head, ellipsis, ...tail]
  }

  const list = (dim: number, indent: number): string => {
    const size = sizes[dim]
    const inner = " ".repeat(indent + 1)
    const depth = sizes.length - dim
    if (depth > 1) {
      const children = along(size, "...", () => list(dim + 1, indent + 1))
      return `[${children.join(`,${"\n".repeat(depth - 1)}${inner}`)}]`
    }
    const elements = along(size, edgeitems === 0 ? "..." : " ...", take)
    const perLine = Math.max(1, Math.floor((linewidth - indent) / (width + 2)))
    const lines: string[] = []
    for (let i = 0; i < elements.length; i += perLine) lines.push(elements.slice(i, i + perLine).join(", "))
    return `[${lines.join(`,\n${inner}`)}]`
  }

  return sizes.length === 0 ? take() : list(0, INDENT)
}
