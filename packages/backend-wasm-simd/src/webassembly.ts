/** The parts of the engine's WebAssembly that are used, typed here: the sources are compiled without any platform's types. */

export interface WasmMemory {
  readonly buffer: ArrayBufferLike
  /** Pages are numbers for memories of 32-bit addresses, bigints for those of 64. */
  grow(pages: number | bigint): number | bigint
}

export interface WasmMemoryDescriptor {
  readonly initial: number | bigint
  readonly maximum: number | bigint
  readonly shared: boolean
  /** "i64" for addresses of 64 bits. */
  readonly address?: "i64"
}

export type WasmModule = object

export interface WasmImport {
  readonly module: string
  readonly name: string
  readonly kind: string
}

// biome-ignore lint/suspicious/noExplicitAny: functions of any signature come in and go out
export type WasmFunction = (...values: any[]) => any

export interface WasmApi {
  readonly Memory: new (descriptor: WasmMemoryDescriptor) => WasmMemory
  readonly Module: {
    new (bytes: Uint8Array): WasmModule
    imports(module: WasmModule): WasmImport[]
  }
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, WasmFunction | WasmMemory>>>>,
  ) => { readonly exports: Readonly<Record<string, WasmFunction>> }
  validate(bytes: Uint8Array): boolean
}

/** The engine's WebAssembly, or undefined where there is none. */
export const webAssembly = (): WasmApi => (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly

/** Bytes of a page of linear memory. */
export const PAGE = 65536
