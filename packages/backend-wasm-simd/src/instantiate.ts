/** From a kernel's bytes to the function that runs it. */
import { type WasmFunction, type WasmMemory, webAssembly } from "./webassembly.ts"

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

/** The functions of a module. */
export function instantiate(bytes: Uint8Array, memory: WasmMemory): Readonly<Record<string, KernelRun>> {
  const { Module, Instance } = webAssembly()
  const module = new Module(bytes)
  const env: Record<string, WasmFunction | WasmMemory> = { memory }
  for (const { kind, name } of Module.imports(module)) if (kind === "function") env[name] = importedFunction(name)
  return new Instance(module, { env }).exports as Readonly<Record<string, KernelRun>>
}
