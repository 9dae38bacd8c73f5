/** Points of an iteration space in shaders: their coordinates, and what expressions read there. */
import type { Expr, InputType } from "@taeda/core"
import type { ReadLeaf } from "./expression.ts"
import { addressOf, bindInput, readElement, readLoad, type View } from "./views.ts"
import type { Writer } from "./writer.ts"

/** Writes the coordinates of a row-major number over dims of the sizes given; their names (u32). */
export function unravel(w: Writer, linear: string, sizes: readonly string[]): string[] {
  const coordinates: string[] = []
  let rest = linear
  for (let d = sizes.length - 1; d > 0; d--) {
    coordinates[d] = w.let(`${rest} % ${sizes[d]}`, "i")
    rest = w.let(`${rest} / ${sizes[d]}`, "i")
  }
  if (sizes.length) coordinates[0] = rest
  return coordinates
}

/** The inputs of a shader, each bound when something first reads it. */
export class Inputs {
  private readonly views = new Map<number, View>()
  private readonly w: Writer
  private readonly types: readonly InputType[]

  /** `given`: the inputs that are bound already, being outputs as well. */
  constructor(w: Writer, types: readonly InputType[], given: readonly (readonly [number, View])[] = []) {
    this.w = w
    this.types = types
    for (const [k, view] of given) this.views.set(k, view)
  }

  private view(k: number): View {
    let view = this.views.get(k)
    if (!view) this.views.set(k, (view = bindInput(this.w, k, this.types[k].dtype)))
    return view
  }

  /** What `input`, `load`, `index` and `scalar` leaves read at the point with these coordinates (u32 texts). */
  at(point: readonly string[], others?: (node: Expr) => string): ReadLeaf {
    const { w } = this
    return (node, coordinates) => {
      const k = Number(node.value)
      if (node.op === "load") return readLoad(w, this.view(k), node, coordinates)
      if (node.op === "input") return readElement(w, this.view(k), addressOf(w, k, point, this.types[k].access))
      if (node.op === "index") return `bitcast<i32>(${point[k]})`
      if (node.op === "scalar") return w.scalar(k, node.dtype)
      if (others) return others(node)
      throw new TypeError(`webgpu: a leaf ${node.op} has no meaning at a point`)
    }
  }
}
