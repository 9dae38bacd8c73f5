/** The backend: memory and launches, all synchronous underneath. */
import {
  type Backend,
  type Buffer,
  CORE,
  DTYPE_NAMES,
  type DType,
  describeKernel,
  type Executable,
  type Kernel,
  type Operand,
  type Scalar,
} from "@taeda/core"
import type { CpuBuffer } from "./buffer.ts"
import { canGenerateCode, compileKernel, kernelSupport, type Launch } from "./compile.ts"
import { Memory } from "./memory.ts"

export interface CpuJsOptions {
  /**
   * Whether kernels become functions made from source text, which a page's content security policy may forbid.
   * Default: tried once. false: kernels are composed of closures, with the same results, more slowly.
   */
  readonly codeGeneration?: boolean
}

/** A compiled kernel. */
class CpuExecutable {
  readonly run: Launch
  constructor(run: Launch) {
    this.run = run
  }
}

const bufferOf = (buffer: Buffer): CpuBuffer => buffer as unknown as CpuBuffer

/** The largest typed array that every engine of today can make. */
const MAX_BUFFER_BYTES = 2 ** 32 - 8

/**
 * Opens a cpu-js backend: pure JavaScript on typed arrays, for any engine.
 *
 * @throws EvalError from `compile` if `codeGeneration: true` was asked for where the page forbids it.
 */
export function createCpuJs(options: CpuJsOptions = {}): Backend {
  const generates = options.codeGeneration ?? canGenerateCode()
  const memory = new Memory()
  let open = true
  const check = (): void => {
    if (!open) throw new Error("cpu: the backend was disposed; open a new one with createCpuJs()")
  }
  const checked = (buffer: Buffer, from: number, count: number): CpuBuffer => {
    check()
    const memory = bufferOf(buffer)
    memory.checkAlive()
    if (from < 0 || count < 0 || from + count > memory.bytes)
      throw new RangeError(`cpu: bytes ${from} to ${from + count} lie outside a buffer of ${memory.bytes} bytes`)
    return memory
  }
  const readSync = (buffer: Buffer, byteOffset: number, bytes: number): Uint8Array =>
    checked(buffer, byteOffset, bytes)
      .asBytes()
      .slice(byteOffset, byteOffset + bytes)

  return {
    name: "cpu-js",
    core: CORE,
    capabilities: {
      dtypes: new Set(DTYPE_NAMES),
      syncRead: true,
      collectedMemory: true,
      strictNaN: true,
      random: "mt19937",
      maxOperands: Infinity,
      maxBufferBytes: MAX_BUFFER_BYTES,
      threads: 1,
      notes: [
        generates ? "kernels are generated functions" : "kernels are closures (the page forbids generating code)",
      ],
    },
    allocate(bytes: number, dtype: DType): Buffer {
      check()
      return memory.allocate(bytes, dtype) as unknown as Buffer
    },
    free(buffer) {
      if (open) memory.free(bufferOf(buffer))
    },
    write(buffer, bytes, byteOffset = 0) {
      checked(buffer, byteOffset, bytes.length).write(bytes, byteOffset)
    },
    copy(from, fromByte, to, toByte, bytes) {
      const source = checked(from, fromByte, bytes)
        .asBytes()
        .subarray(fromByte, fromByte + bytes)
      checked(to, toByte, bytes).asBytes().set(source, toByte)
    },
    read: async (buffer, byteOffset, bytes) => readSync(buffer, byteOffset, bytes),
    readSync,
    supports: kernelSupport,
    compile(kernel: Kernel): Executable {
      check()
      const support = kernelSupport(kernel)
      if (support !== true) throw new TypeError(`cpu: cannot compile ${describeKernel(kernel)}: ${support}`)
      return new CpuExecutable(compileKernel(kernel, generates)) as unknown as Executable
    },
    async warm() {},
    launch(executable: Executable, sizes: readonly number[], operands: readonly Operand[], scalars: readonly Scalar[]) {
      if (!open) check()
      ;(executable as unknown as CpuExecutable).run(sizes, operands, scalars)
    },
    async synchronize() {},
    memoryStats: () => memory.stats(),
    dispose() {
      open = false
      memory.clear()
    },
  }
}

/** Opens the backend, in the form in which every backend package offers it. */
export const open = async (): Promise<Backend> => createCpuJs()
