/** The words of errors: shapes as people write them, near misses of names. */
import { type Core, strangeness } from "./this-core.ts"

export const shapeText = (sizes: readonly number[]): string => `[${sizes.join(", ")}]`

/** A tensor's shape in an error message, where the dtype does not matter: `[2, 3]`. */
export const sizesText = (t: { shape: readonly number[] }): string => shapeText(t.shape)

/** A tensor in an error message: `float32[2, 3]`. */
export const tensorText = (t: { dtype: string; shape: readonly number[] }): string => `${t.dtype}${shapeText(t.shape)}`

/** A number of bytes as people read it: `1.5 GiB`. */
export function bytesText(bytes: number): string {
  const names = ["bytes", "KiB", "MiB", "GiB", "TiB"]
  let k = 0
  while (bytes >= 1024 && k < names.length - 1) {
    bytes /= 1024
    k++
  }
  return `${k === 0 ? bytes : Number(bytes.toPrecision(3))} ${names[k]}`
}

/** A host value in an error message, short. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === "object" && "dtype" in value && "shape" in value) {
    const tensor = value as { dtype: string; shape: readonly number[]; device?: { core?: Core } }
    return `a tensor ${tensorText(tensor)}${strangeness(tensor.device?.core)}`
  }
  if (Array.isArray(value)) return `an array of length ${value.length}`
  if (ArrayBuffer.isView(value) && "length" in value) return `a ${value.constructor.name} of length ${value.length}`
  if (typeof value === "string") return JSON.stringify(value)
  if (typeof value === "function") return "a function"
  if (typeof value === "object") return `an object with keys ${Object.keys(value).join(", ") || "(none)"}`
  return String(value)
}

/** The edit distance of Levenshtein with transpositions of neighbours, case and underscores aside. */
function distance(a: string, b: string): number {
  const x = a.toLowerCase().replaceAll("_", "")
  const y = b.toLowerCase().replaceAll("_", "")
  const rows = Array.from({ length: x.length + 1 }, (_, i) => [i, ...new Array<number>(y.length).fill(0)])
  for (let j = 0; j <= y.length; j++) rows[0]![j] = j
  for (let i = 1; i <= x.length; i++)
    for (let j = 1; j <= y.length; j++) {
      const same = x[i - 1] === y[j - 1] ? 0 : 1
      let best = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && x[i - 1] === y[j - 2] && x[i - 2] === y[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1)
      rows[i]![j] = best
    }
  return rows[x.length]![y.length]!
}

/** `, did you mean X?` when one of the known names is near, otherwise the list of them. */
export function didYouMean(name: string, known: readonly string[]): string {
  const near = known
    .map((k) => [distance(name, k), k] as const)
    .filter(([d, k]) => d <= Math.max(1, Math.floor(k.length / 3)))
    .sort((a, b) => a[0] - b[0])[0]
  return near ? `; did you mean ${near[1]}?` : known.length ? `; known: ${known.join(", ")}` : ""
}
