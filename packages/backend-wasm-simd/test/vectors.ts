/** Formulas over vectors, applied to arrays: what tests of graphs are written with. */
import { get, ModuleBuilder } from "../src/assembler.ts"
import type { Code } from "../src/code.ts"
import { emitGraph, Graph, type Node } from "../src/graph.ts"
import type { Target } from "../src/target.ts"
import { type WasmFunction, webAssembly } from "../src/webassembly.ts"

export const TARGETS: Readonly<Record<"relaxed" | "plain", Target>> = {
  relaxed: { relaxed: true, memory64: false, shared: false, maximumPages: 65536 },
  plain: { relaxed: false, memory64: false, shared: false, maximumPages: 65536 },
}

type Floats = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>
/** What kernels may import. */
function importedFunction(name: string): WasmFunction {
  if (name === "mod") return (a: number, b: number) => a % b
  const found = (Math as unknown as Record<string, WasmFunction>)[name.slice("Math.".length)]
  if (!name.startsWith("Math.") || !found) throw new RangeError(`no function ${name} to import`)
  return found
}

type Formula = (g: Graph, ...args: Node[]) => Node

/** A formula compiled into a loop over arrays of one type. */
export interface Applied {
  (...args: Floats[]): Floats
  /** The arrays are put into memory once; the result runs the loop over them. */
  readonly prepare: (...args: Floats[]) => () => void
}

export function applied(target: Target, arity: number, formula: Formula): Applied {
  const module = new ModuleBuilder(target)
  module.function(
    "run",
    ["ptr", "ptr", "ptr"],
    [],
    (f, first, size, out) => {
      const g = new Graph(module)
      const i = f.local("ptr")
      const args = Array.from({ length: arity }, (_, k) => {
        const base = g.op("ptr.add", g.local(first), g.op("ptr.mul", g.local(size), g.ptr(k)))
        return g.load("v128.load", g.op("ptr.add", base, g.local(i, 1)))
      })
      const [before, inside]: Code[][] = [[], []]
      const [value] = emitGraph(f, [formula(g, ...args)], [before, inside])
      f.push(...before)
      f.for(i, f.ptr(0), get(size), f.ptr(16), () => {
        f.push(...inside)
        f.store("v128.store", f.op("ptr.add", get(out), get(i)), value)
      })
    },
    true,
  )
  const { Memory, Module, Instance } = webAssembly()
  const memory = new Memory({ initial: 16, maximum: 65536, shared: false })
  const compiled = new Module(module.encode())
  const functions = Module.imports(compiled).filter(({ kind }) => kind === "function")
  const env = { memory, ...Object.fromEntries(functions.map(({ name }) => [name, importedFunction(name)])) }
  const run = new Instance(compiled, { env }).exports.run
  const put = (args: readonly Floats[]): number => {
    const size = Math.ceil(args[0].byteLength / 16) * 16
    const need = size * (arity + 1)
    if (need > memory.buffer.byteLength) memory.grow(Math.ceil((need - memory.buffer.byteLength) / 65536))
    args.forEach((a, k) => {
      new Uint8Array(memory.buffer, k * size, a.byteLength).set(new Uint8Array(a.buffer, a.byteOffset, a.byteLength))
    })
    return size
  }
  const apply = (...args: Floats[]): Floats => {
    const size = put(args)
    run(0, size, size * arity)
    const { length } = args[0]
    return args[0] instanceof Float32Array
      ? new Float32Array(memory.buffer, size * arity, length).slice()
      : new Float64Array(memory.buffer, size * arity, length).slice()
  }
  const prepare = (...args: Floats[]): (() => void) => {
    const size = put(args)
    return () => run(0, size, size * arity)
  }
  return Object.assign(apply, { prepare })
}
