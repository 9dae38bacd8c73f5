/** The backend: buffers of a GPU, and launches that are queued on its stream. */
import {
  type Backend,
  type Buffer,
  CORE,
  DTYPE_NAMES,
  describeKernel,
  type Executable,
  type Kernel,
  kernelKey,
  OutOfMemoryError,
  type Scalar,
} from "@taeda/core"
import { type Download, Downloads } from "./downloads.ts"
import type { CudaContext, DeviceInfo } from "./driver.ts"
import { capabilityText, chooseDevice, versionText } from "./driver-words.ts"
import { libraryErrorOf } from "./errors.ts"
import { plannerOf, supports } from "./executables.ts"
import { elementBytes } from "./extent.ts"
import { Faults, type Question } from "./faults.ts"
import { findDriver } from "./find-driver.ts"
import { KernelTrials } from "./kernel-trials.ts"
import type { Launch } from "./launch.ts"
import { blockOf, CudaBuffer, Launcher, MOST_OPERANDS } from "./launcher.ts"
import { Libraries, type LibraryChoice, type LibraryReport } from "./libraries.ts"
import { Loss } from "./loss.ts"
import { bytesText, type CudaMemoryStats, Memory } from "./memory.ts"
import { Modules } from "./modules.ts"
import type { LibraryName, NativeLibraries } from "./native-libraries.ts"
import { Arrivals, introduce, type Peer } from "./peers.ts"
import type { Planner } from "./planner.ts"
import { Plans, type ReadyPlan } from "./plans.ts"
import { type DeviceLimits, limitsOf } from "./program.ts"
import { Recording } from "./recording.ts"
import type { Block } from "./segments.ts"
import { CudaEvent } from "./timing.ts"
import { Uploads } from "./uploads.ts"

export interface CudaOptions {
  /** Which GPU, as the driver counts those that this process sees. Default 0. */
  readonly device?: number
  /** The driver's library. Default: the system's. */
  readonly driver?: string
  /** The native addon's file. Default: that of this platform's package. */
  readonly addon?: string
  /** Which of NVIDIA's libraries are used. Default "auto": those that the machine has, where they are likely to be faster. */
  readonly libraries?: LibraryChoice
  /** The folder that alone is searched for them. Default: what TAEDA_CUDA_LIBRARIES names, else where the system has libraries. */
  readonly libraryFolder?: string
}

/** What was given to the GPU so far. */
export interface CudaCounts {
  readonly launches: number
  readonly copies: number
  readonly writtenBytes: number
  readonly readBytes: number
}

/** What this backend tells and does besides what every backend does. */
export interface CudaBackend extends Backend {
  /** The number of its GPU. */
  readonly index: number
  readonly device: DeviceInfo
  readonly capture: NonNullable<Backend["capture"]>
  readonly readSync: NonNullable<Backend["readSync"]>
  readonly copyFrom: NonNullable<Backend["copyFrom"]>
  counts(): CudaCounts
  cudaMemoryStats(): CudaMemoryStats
  /** The peaks of the statistics begin anew. */
  resetPeakMemoryStats(): void
  /** Gives the driver what is only kept for reuse. */
  emptyCache(): void
  /** Waits, blocking, until everything launched is done. */
  synchronizeSync(): void
  /** A point in the device's work, for measuring time. */
  event(): CudaEvent
  /** What became of each of NVIDIA's libraries, and how often it was used. Looks for those that were not needed so far. */
  libraries(): readonly LibraryReport[]
  /** Changes which of them are used. @throws Error where one that is named is missing; the choice stays as it was. */
  useLibraries(choice: LibraryChoice): void
  /** Whether one may be used: by that choice, and where it wasn't switched off. */
  isLibraryEnabled(name: LibraryName): boolean
  /** Switches one off, whatever was chosen, or on again. */
  enableLibrary(name: LibraryName, enabled: boolean): void
}

/** What `make` gives; where it throws, the context goes. */
function librariesOf(make: () => Libraries, context: CudaContext): Libraries {
  try {
    return make()
  } catch (error) {
    context.dispose()
    throw error
  }
}

/** A read that is queued. */
interface Reading {
  readonly download: Download
  readonly question: Question | null
  readonly check: () => void
}

/** A compiled kernel. */
class CudaExecutable {
  /** The number by which faults name it. */
  readonly id: number
  readonly planner: Planner
  /** Of each operand. */
  readonly elementBytes: readonly number[]
  readonly name: () => string
  readonly plans = new Plans()

  constructor(kernel: Kernel, id: number, limits: DeviceLimits, libraries: NativeLibraries) {
    this.id = id
    this.planner = plannerOf(kernel, limits, libraries)
    this.elementBytes = elementBytes(kernel)
    this.name = () => describeKernel(kernel)
  }
}

/**
 * Opens a CUDA backend.
 *
 * @throws Error where there is no driver, no GPU, or one that is too old, saying what to do.
 */
export async function createCuda(options: CudaOptions = {}): Promise<CudaBackend> {
  const index = options.device ?? 0
  const { driver, circumstances } = await findDriver(options.addon, options.driver)
  const device = chooseDevice(driver.devices(), index, circumstances)
  const limits = limitsOf(device, driver)
  const name = `cuda:${index}`
  const context = driver.open(index)
  const { total } = context.memoryInfo()
  const loss = new Loss(context, name)
  const memory = new Memory(context, name)
  /** By their numbers. */
  const kernels: Kernel[] = []
  const surroundings = {
    ...circumstances,
    env: process.env,
    folder: options.libraryFolder ?? process.env.TAEDA_CUDA_LIBRARIES,
  }
  const libraries = librariesOf(
    () => new Libraries(driver, context, name, surroundings, options.libraries ?? "auto"),
    context,
  )
  const insisted = libraries.insisted()
  const executableOf = (kernel: Kernel): CudaExecutable =>
    new CudaExecutable(kernel, kernels.push(kernel) - 1, tried, libraries.forPlanners)
  const modules = new Modules(context, limits.target)
  const about = { name, info: device, driverVersion: driver.version }
  const trials = new KernelTrials(context, modules, limits, about, () => recording === null)
  const tried: DeviceLimits = { ...limits, trusts: (trial) => trials.trusts(trial) }
  const faults = new Faults(context, memory, (kernel) => describeKernel(kernels[kernel]))
  const launcher = new Launcher(context, memory, modules, faults, libraries)
  const uploads = new Uploads(context)
  const downloads = new Downloads(context)
  const warmed = new Map<string, CudaExecutable>()
  let recording: Recording | null = null
  const mention = (block: Block): void => recording?.mention(block)
  let copies = 0
  let open = true

  const check = (): void => {
    if (!open) throw new Error("cuda: the backend was disposed; open a new one with createCuda()")
    loss.checkPresent()
  }
  const refuseWhileRecording = (what: string): void => {
    if (recording) throw new Error(`cuda: ${what} while launches are recorded: nothing is computed yet`)
  }
  const checked = (buffer: Buffer, from: number, count: number): Block => {
    check()
    const block = blockOf(buffer)
    const { bytes } = buffer as CudaBuffer
    if (from < 0 || count < 0 || from + count > bytes)
      throw new RangeError(`cuda: bytes ${from} to ${from + count} lie outside a buffer of ${bytes} bytes`)
    return block
  }

  const self: Peer = { context, faults, loss, checked, refuseWhileRecording }
  const arrivals = new Arrivals(self)

  /** Queues a read of a block, and of the faults that may have been reported before. */
  const queueRead = (block: Block, from: number, bytes: number): Reading => {
    const own = { memory: block.segment.memory, byte: block.offset + from, bytes }
    const question = faults.expected ? faults.question() : null
    const download = downloads.queue(question ? [own, ...question.sources] : [own])
    if (question) faults.clear()
    return { download, question, check: arrivals.check() }
  }
  /** The bytes that came. @throws KernelFault @throws DeviceLostError of a device from which something came */
  const taken = ({ download, question, check: checkSources }: Reading): Uint8Array => {
    const [bytes, ...words] = download.take()
    checkSources()
    const fault = question?.answer(words)
    if (fault) throw fault
    return bytes
  }
  /** Everything that was queued is done. */
  const passed = (): void => {
    loss.lastLaunched = null
    uploads.passed()
  }
  const readNow = (block: Block, from: number, bytes: number): Uint8Array => {
    if (Downloads.fits(bytes)) {
      const reading = queueRead(block, from, bytes)
      reading.download.wait()
      passed()
      return taken(reading)
    }
    const read = downloads.readNow(block.segment.memory, block.offset + from, bytes)
    readNow(block, 0, 0)
    return read
  }
  /** More than is queued at once: of a copy, since what is launched meanwhile must not be seen. */
  const readCopy = async (block: Block, from: number, bytes: number): Promise<Uint8Array> => {
    let held: Block
    try {
      held = memory.take(bytes)
    } catch (error) {
      if (error instanceof OutOfMemoryError) return readNow(block, from, bytes)
      throw error
    }
    try {
      context.copy(held.segment.memory, held.offset, block.segment.memory, block.offset + from, bytes)
      const reported = readLater(block, 0, 0)
      // Told when the bytes have come.
      reported.catch(() => {})
      const read = await downloads.readLater(held.segment.memory, held.offset, bytes)
      await reported
      return read
    } finally {
      // With the context everything was given back.
      if (open) memory.give(held)
    }
  }
  const readLater = async (block: Block, from: number, bytes: number): Promise<Uint8Array> => {
    if (!Downloads.fits(bytes)) return readCopy(block, from, bytes)
    const reading = queueRead(block, from, bytes)
    if (reading.download.cameSoon()) passed()
    else await context.finished()
    return taken(reading)
  }

  const copyBytes = (from: Block, fromByte: number, to: Block, toByte: number, bytes: number): void => {
    copies++
    mention(from)
    mention(to)
    const [source, target] = [from.segment.memory, to.segment.memory]
    const [first, second] = [from.offset + fromByte, to.offset + toByte]
    if (source !== target || Math.abs(first - second) >= bytes) {
      context.copy(target, second, source, first, bytes)
      return
    }
    // The driver copies in any order.
    const between = memory.take(bytes)
    try {
      context.copy(between.segment.memory, between.offset, source, first, bytes)
      context.copy(target, second, between.segment.memory, between.offset, bytes)
    } finally {
      memory.give(between)
    }
  }

  const queue = (mine: CudaExecutable, launch: Launch): void => {
    const planned = (given: Launch): ReadyPlan => launcher.ready(mine.planner.plan(given))
    const plan = mine.plans.get(launch, libraries.version + trials.failures, recording === null, planned)
    if (plan.launches.length === 0) return
    try {
      launcher.run(plan)
    } catch (error) {
      // A library may want much memory to work in; our own kernels get along with less.
      if (!(error instanceof OutOfMemoryError) || plan.launches.every((each) => "words" in each)) throw error
      launcher.run(libraries.without(() => planned(launch)))
    }
    loss.lastLaunched = mine.name
  }
  const run = (mine: CudaExecutable, launch: Launch): void => {
    try {
      queue(mine, launch)
    } catch (error) {
      const said = libraryErrorOf(error)
      if (!said || !libraries.standsIn(said, mine.name())) throw error
      // Where the device is lost, that is what this says.
      queue(mine, launch)
      libraries.warnOfFailures()
    }
  }

  const backend: CudaBackend = {
    name: "cuda",
    core: CORE,
    index,
    device,
    capabilities: {
      dtypes: new Set(DTYPE_NAMES),
      syncRead: true,
      lateFaults: true,
      collectedMemory: false,
      strictNaN: true,
      random: "philox",
      maxOperands: MOST_OPERANDS,
      maxBufferBytes: total,
      memoryBytes: total,
      threads: 1,
      notes: [
        `GPU: ${device.name} (compute capability ${capabilityText(device.computeCapability)}, ${bytesText(total)})`,
        `driver for CUDA ${versionText(driver.version)}`,
        ...(insisted ? [insisted] : []),
      ],
    },
    allocate(bytes) {
      check()
      return loss.guard("an allocation", () => new CudaBuffer(memory.take(bytes), bytes)) as Buffer
    },
    free(buffer) {
      const mine = buffer as CudaBuffer
      if (mine.block && open) memory.give(mine.block)
      mine.block = null
    },
    write(buffer, bytes, byteOffset = 0) {
      const block = checked(buffer, byteOffset, bytes.length)
      if (bytes.length === 0) return
      mention(block)
      const into = recording ?? uploads
      loss.guard("a write", () => into.write(block.segment.memory, block.offset + byteOffset, bytes))
    },
    copy(from, fromByte, to, toByte, bytes) {
      const source = checked(from, fromByte, bytes)
      const target = checked(to, toByte, bytes)
      if (bytes > 0) loss.guard("a copy", () => copyBytes(source, fromByte, target, toByte, bytes))
    },
    copyFrom(to, source, from, fromByte, bytes) {
      const isDone = arrivals.copy(to, source, from, fromByte, bytes)
      if (isDone) copies++
      return isDone
    },
    async read(buffer, byteOffset, bytes) {
      const block = checked(buffer, byteOffset, bytes)
      refuseWhileRecording("a read")
      return loss.guardAsync("a read", () => readLater(block, byteOffset, bytes))
    },
    readSync(buffer, byteOffset, bytes) {
      const block = checked(buffer, byteOffset, bytes)
      refuseWhileRecording("a read")
      return loss.guard("a read", () => readNow(block, byteOffset, bytes))
    },
    supports,
    compile(kernel): Executable {
      check()
      const support = supports(kernel)
      if (support !== true) throw new TypeError(`cuda: cannot compile ${describeKernel(kernel)}: ${support}`)
      const ready = warmed.size > 0 && warmed.get(kernelKey(kernel))
      return ready || executableOf(kernel)
    },
    async warm(wanted) {
      check()
      const compiling = wanted.flatMap((kernel) => {
        const key = kernelKey(kernel)
        if (supports(kernel) !== true || warmed.has(key)) return []
        const executable = executableOf(kernel)
        warmed.set(key, executable)
        const doing = `the compilation of ${executable.name()}`
        return executable.planner.modules().map((module) => loss.guardAsync(doing, () => modules.warm(module)))
      })
      await Promise.all(compiling)
    },
    launch(executable, sizes, operands, scalars: readonly Scalar[]) {
      check()
      const mine = executable as CudaExecutable
      launcher.place(operands, mine.elementBytes, recording ? mention : undefined)
      try {
        run(mine, { sizes, operands, scalars, kernel: mine.id })
      } catch (error) {
        throw loss.told(error, mine.name())
      }
    },
    async synchronize() {
      check()
      refuseWhileRecording("to wait")
      await loss.guardAsync("synchronize", async () => {
        if (faults.expected) await readLater(faults.block, 0, 0)
        else {
          const checkSources = arrivals.check()
          await context.finished()
          checkSources()
        }
      })
    },
    synchronizeSync() {
      check()
      refuseWhileRecording("to wait")
      loss.guard("synchronize", () => void readNow(faults.block, 0, 0))
    },
    capture(record) {
      check()
      refuseWhileRecording("another recording")
      const mine = new Recording(context, memory)
      const expected = faults.expected
      faults.expected = false
      recording = mine
      try {
        loss.guard("a recording", () => mine.record(record))
        mine.mayFault = faults.expected
      } finally {
        recording = null
        faults.expected = expected
      }
      return {
        replay() {
          check()
          refuseWhileRecording("a replay")
          loss.guard("a replay", () => mine.replay())
          loss.lastLaunched = () => "a recording"
          if (mine.mayFault) faults.expected = true
        },
        dispose() {
          if (open && !loss.isLost) loss.guard("the end of a recording", () => mine.dispose())
        },
      }
    },
    event() {
      check()
      return new CudaEvent(context)
    },
    libraries() {
      check()
      return libraries.report()
    },
    useLibraries(choice) {
      check()
      libraries.use(choice)
    },
    isLibraryEnabled: (name) => libraries.isEnabled(name),
    enableLibrary: (name, enabled) => libraries.enable(name, enabled),
    memoryStats: () => memory.stats(),
    cudaMemoryStats: () => memory.cudaStats(),
    resetPeakMemoryStats: () => memory.resetPeaks(),
    emptyCache() {
      check()
      refuseWhileRecording("memory cannot be given back")
      loss.guard("emptyCache", () => memory.emptyCache())
    },
    counts: () => ({
      launches: launcher.launches,
      copies,
      writtenBytes: uploads.bytes,
      readBytes: downloads.bytes,
    }),
    get lost() {
      return open && loss.isLost
    },
    dispose() {
      if (!open) return
      open = false
      context.dispose()
    },
  }
  introduce(backend, self)
  return backend
}

/**
 * The GPUs that this process sees, without opening one.
 *
 * @throws Error where there is no driver, or it does not work, saying what to do.
 */
export async function devices(options: Omit<CudaOptions, "device"> = {}): Promise<readonly DeviceInfo[]> {
  return (await findDriver(options.addon, options.driver)).driver.devices()
}

/** Opens the backend of a GPU, in the form in which every backend package offers it. */
export const open = async (device = 0): Promise<Backend> => createCuda({ device })
