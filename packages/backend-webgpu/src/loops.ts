/** What map and reduce share: coordinates out of a running number, and the leaves of expressions. */
import type { Expr, InputType } from "@taeda/core"
import { addressOf, bindInput, readElement, readLoad, type View } from "./views.ts"
import type { Writer } from "./writer.ts"

/** Invocations of a workgroup where each computes elements by itself. */
export const WORKGROUP = 256

/** Writes the coordinates (u32) of the point number `linear` along dims `from` to before `to`, row-major; their names. */
export function writeCoordinates(w: Writer, linear: string, from: number, to: number): string[] {
  const names: string[] = []
  let rest = linear
  for (let d = to - 1; d >= from; d--) {
    const size = w.size(d)
    names[d - from] = d === from ? w.let(rest, "i") : w.let(`${rest} % ${size}`, "i")
    if (d > from) rest = w.let(`${rest} / ${size}`, "q")
  }
  return names
}

/** Binds the inputs, but for those that are the same view as an output, which is bound as such. */
export function bindInputs(w: Writer, inputs: readonly InputType[], sameAsOutput: ReadonlyMap<number, View>): View[] {
  return inputs.map(({ dtype }, k) => sameAsOutput.get(k) ?? bindInput(w, k, dtype))
}

/** Reads leaves at the coordinates given, which are u32 names, one per dim of the iteration. */
export const leafReader =
  (w: Writer, inputs: readonly InputType[], views: readonly View[], coordinates: readonly string[]) =>
  (node: Expr, args: readonly string[]): string => {
    const k = Number(node.value)
    if (node.op === "scalar") return w.scalar(k, node.dtype)
    if (node.op === "index") return `bitcast<i32>(${coordinates[k]})`
    if (node.op === "load") return readLoad(w, views[k], node, args)
    return readElement(w, views[k], addressOf(w, k, coordinates, inputs[k].access))
  }
