import type { Graph, Node } from "./graph.ts"
import type { MathName, VectorFunction } from "./math.ts"
export declare const F64_MATH: Readonly<Record<MathName, VectorFunction>>
export declare const polygamma: (g: Graph, n: number, x: Node) => Node
