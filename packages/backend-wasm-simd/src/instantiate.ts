/** From a kernel's bytes to the function that runs it. */
import { type WasmFunction, type WasmMemory, type WasmModule, webAssembly } from "./webassembly.ts"

/** Runs the units [begin, end) of a launch; 0, or a fault's code. See `threads.ts`. */
export type KernelRun = (frame: number, begin: number, end: number, scratch: number) => number

/**
 * What kernels may import: functions of Math by their full names ("Math.sin"), and "mod", JavaScript's remainder.
 * `worker-source.ts` does the same in words of its own.
 */
function importedFunction(name: string): WasmFunction {
  if (name === "mod") return (a: number, b: number) => a % b
  const found = name.startsWith("Math.") ? (Math as unknown as Record<string, WasmFunction>)[name.slice(5)] : undefined
  if (!found) throw new RangeError(`wasm: a kernel asks for a function ${name}, which there is not`)
  return found
}

/** The functions that a module exports. */
export type KernelFunctions = Readonly<Record<string, KernelRun>>

/** The functions of a compiled module. */
export function functionsOf(module: WasmModule, memory: WasmMemory): KernelFunctions {
  const { Module, Instance } = webAssembly()
  const env: Record<string, WasmFunction | WasmMemory> = { memory }
  for (const { kind, name } of Module.imports(module)) if (kind === "function") env[name] = importedFunction(name)
  return new Instance(module, { env }).exports as KernelFunctions
}

/** The functions of a module, compiled at once. */
export function instantiate(bytes: Uint8Array, memory: WasmMemory): KernelFunctions {
  const { Module } = webAssembly()
  return functionsOf(new Module(bytes), memory)
}

/** The module, compiled in the background. */
export const compile = (bytes: Uint8Array): Promise<WasmModule> => webAssembly().compile(bytes)
