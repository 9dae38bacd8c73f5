/**
 * Devices: an opened backend with its cache of compiled kernels, and the registry that finds them by name.
 *
 * Core knows no backend: whoever has one registers how to open it (`registerBackend`). The names people use are those of
 * PyTorch's devices: "cpu" (cpu-js), "wasm" (wasm-simd), "webgpu", "cuda", "cuda:1".
 */
import { type Backend, type Buffer, type Executable, HOW_TO_FREE, type Operand, OutOfMemoryError } from "./backend.ts"
import type { DType } from "./dtype.ts"
import { didYouMean } from "./errors.ts"
import type { Scalar } from "./expr.ts"
import { describeKernel, type Kernel, kernelKey, operandDtypes } from "./kernel.ts"
import type { Lowering, LoweringContext } from "./lowering/views.ts"
import { pressure } from "./pressure.ts"
import { watch } from "./regions.ts"
import { CORE, strangeness } from "./this-core.ts"

let devices = 0

/** An opened backend under the name that programs use: `"cpu"`, `"wasm"`, `"webgpu"`, `"cuda:1"`. */
export class Device {
  /** What people write: "cpu", "cuda:0". */
  readonly name: string
  readonly backend: Backend
  /** A small integer, for tables. */
  readonly id: number
  /** Whether the engine's collector frees buffers by itself. */
  readonly collects: boolean
  /** Whose tensors it has. */
  readonly core = CORE
  private readonly executables = new Map<string, Executable>()
  private readonly context: LoweringContext

  constructor(name: string, backend: Backend) {
    if (backend.core && backend.core !== CORE)
      throw new TypeError(`${name}: backend ${backend.name} is${strangeness(backend.core)}`)
    this.name = name
    this.backend = backend
    this.id = devices++
    this.collects = backend.capabilities.collectedMemory
    if (!this.collects) {
      watch()
      pressure.atMost(backend.capabilities.memoryBytes ?? Number.POSITIVE_INFINITY)
    }
    this.context = {
      capabilities: backend.capabilities,
      allocate: (bytes, dtype) => backend.allocate(bytes, dtype),
      free: (buffer) => backend.free(buffer),
      run: (kernel, sizes, operands, scalars) => backend.launch(this.compile(kernel), sizes, operands, scalars),
    }
  }

  /** As errors have it. */
  toString(): string {
    return this.backend.lost ? `${this.name} (lost)` : this.name
  }

  /** Compiled once per structure. */
  compile(kernel: Kernel): Executable {
    const key = kernelKey(kernel)
    let executable = this.executables.get(key)
    if (!executable) {
      // Every op comes by here before it touches a buffer of such a dtype, and only once per kernel.
      for (const dtype of operandDtypes(kernel)) this.requireDtype(kernel.kind, dtype)
      const reason = this.backend.supports(kernel)
      if (reason !== true)
        throw new TypeError(`${this.backend.name} cannot run this kernel (${describeKernel(kernel)}): ${reason}`)
      executable = this.backend.compile(kernel)
      this.executables.set(key, executable)
    }
    return executable
  }

  /**
   * Runs a kernel natively where the backend can, and otherwise as `lowering` composes it of map and reduce. The caller names
   * that, so that a bundler keeps the defaults of those kinds alone that a program runs.
   */
  run<K extends Kernel>(
    kernel: K,
    sizes: readonly number[],
    operands: readonly Operand[],
    scalars: readonly Scalar[],
    lowering: Lowering<K>,
  ): void {
    if (this.backend.supports(kernel) === true) this.backend.launch(this.compile(kernel), sizes, operands, scalars)
    else lowering(kernel, sizes, operands, scalars, this.context)
  }

  /** Memory for a storage. Throws an OutOfMemoryError that says what to do. */
  allocate(bytes: number, dtype: DType): Buffer {
    try {
      return this.backend.allocate(bytes, dtype)
    } catch (error) {
      if (!(error instanceof OutOfMemoryError) || this.collects) throw error
      throw new OutOfMemoryError(`${error.message.replace(/[. ]*$/, "")}. ${HOW_TO_FREE}`, { cause: error })
    }
  }

  /** Gives back memory of a storage, on a device whose memory the engine's collector does not know. */
  release(buffer: Buffer, bytes: number): void {
    pressure.freed(bytes)
    this.backend.free(buffer)
  }

  /** Throws a TypeError that names the dtype, the backend and what to do. */
  requireDtype(op: string, dtype: DType): void {
    if (!this.backend.capabilities.dtypes.has(dtype))
      throw new TypeError(
        `${op}: backend ${this.backend.name} has no ${dtype}; use ${[...this.backend.capabilities.dtypes].join(", ")}, or a tensor on another device (x.to("cpu"))`,
      )
  }
}

interface Entry {
  /** Opens without waiting, where that is possible (cpu-js). */
  readonly openSync?: () => Backend
  /** Is given the device's number: 1 for "cuda:1". */
  readonly open: (index: number) => Promise<Backend>
}

const registry = new Map<string, Entry>()
const opened = new Map<string, Device>()
let defaultDevice: Device | null = null
let unknownDevice: (name: string) => string = () => ""

/** PyTorch's spelling of device names: "cuda" is "cuda:0". */
const canonical = (name: string): string => (name === "cuda" ? "cuda:0" : name)

/** What opens a device, and its number. All devices of a kind that has numbers are opened as its first is, unless they have an entry of their own. */
function entryOf(key: string): { readonly entry: Entry; readonly index: number } | undefined {
  const [, kind, digits = "0"] = /^(.+):(\d+)$/.exec(key) ?? []
  const entry = registry.get(key) ?? registry.get(`${kind}:0`)
  return entry && { entry, index: Number(digits) }
}

/**
 * Tells core how a device is opened. `name` is the device's ("cpu", "wasm", "webgpu"); "cuda" stands for "cuda:0" and for
 * those with other numbers, which `entry` is given. A later registration of the same name replaces the former for later
 * openings.
 */
export function registerBackend(name: string, entry: Entry | Entry["open"]): void {
  registry.set(canonical(name), typeof entry === "function" ? { open: entry } : entry)
}

/** What to say of a device nobody registered: the command that installs it, for instance. */
export function onUnknownDevice(advice: (name: string) => string): void {
  unknownDevice = advice
}

function unknown(op: string, name: string): RangeError {
  const advice = unknownDevice(name)
  return new RangeError(
    `${op}: no device ${JSON.stringify(name)}${advice ? `: ${advice}` : registry.size > 0 ? didYouMean(name, [...registry.keys()]) : `: none was registered; registerBackend(${JSON.stringify(name)}, open), with the open of the backend's package`}`,
  )
}

function keep(name: string, backend: Backend): Device {
  const device = new Device(name, backend)
  opened.set(name, device)
  return device
}

/** The device that was opened by this name, unless its machine went away. */
function present(key: string): Device | undefined {
  const known = opened.get(key)
  return known?.backend.lost ? undefined : known
}

/** Opens a device (once; later calls give the same). Rejects where the machine or the packages lack it, saying why. */
export async function open(name: string): Promise<Device> {
  const key = canonical(name)
  const known = present(key)
  if (known) return known
  const found = entryOf(key)
  if (!found) throw unknown("open", name)
  const backend = await found.entry.open(found.index)
  return present(key) ?? keep(key, backend)
}

/** A device made from a backend in hand, not in the registry: for tests and decorators. */
export const deviceOf = (backend: Backend, name = backend.name): Device => new Device(name, backend)

/** The open device of that name; one that opens synchronously is opened. Throws otherwise, saying to await `open`. */
export function deviceByName(op: string, name: string | Device): Device {
  if (name instanceof Device) return name
  const key = canonical(name)
  const known = present(key)
  if (known) return known
  const entry = entryOf(key)?.entry
  if (!entry) throw unknown(op, name)
  if (!entry.openSync)
    throw new Error(`${op}: device ${JSON.stringify(name)} is not open yet; await open(${JSON.stringify(name)}) first`)
  return keep(key, entry.openSync())
}

/** Where tensors are made when nothing else is said. */
export function getDefaultDevice(): Device {
  return (defaultDevice ??= deviceByName("default device", "cpu"))
}

/** Opens the device and makes it the default. A failed call changes nothing. */
export async function setDefaultDevice(device: string | Device): Promise<Device> {
  const next = device instanceof Device ? device : await open(device)
  defaultDevice = next
  return next
}

/** Runs `body` with another default device, until it returns or, if asynchronous, settles. */
export function withDevice<T>(device: Device, body: () => T): T {
  const before = defaultDevice
  defaultDevice = device
  let waits = false
  try {
    const result = body()
    if (result instanceof Promise) {
      waits = true
      return result.finally(() => (defaultDevice = before)) as T
    }
    return result
  } finally {
    if (!waits) defaultDevice = before
  }
}

/** The open devices, in the order in which they were opened. */
export const openDevices = (): readonly Device[] => [...opened.values()]
