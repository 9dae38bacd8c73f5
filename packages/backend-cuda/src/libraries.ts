/**
 * NVIDIA's own libraries, where the machine has them: cuBLASLt for products of matrices, cuDNN for convolutions. They are looked for at their first
 * use. Whichever is missing, or turns out to be of no use, our own kernels stand in for.
 */
import type { CublasLt, CublasLtHandle, CudaContext, CudaDriver, Cudnn, CudnnHandle, LibraryError } from "./driver.ts"
import { libraryErrorOf } from "./errors.ts"
import { type FileName, libraryFiles, type Surroundings } from "./library-files.ts"
import { LIBRARY_NAMES, type LibraryName, type NativeLibraries } from "./native-libraries.ts"

/**
 * Which of NVIDIA's libraries are used. "auto": those that the machine has, where they are likely to be faster than our own
 * kernels. "none": none. Names: these, for all that they can do; it is an error where one is missing or fails.
 */
export type LibraryChoice = "auto" | "none" | readonly LibraryName[]

/** What became of a library. */
export interface LibraryReport {
  readonly name: LibraryName
  /** "ready": it works; "missing": the machine has none; "failed": it has one that is of no use. */
  readonly state: "ready" | "missing" | "failed"
  /** Whether it may be used: by the choice of libraries, and where it wasn't switched off. */
  readonly enabled: boolean
  /** Such as "13.1.0"; null where none was loaded. */
  readonly version: string | null
  readonly file: string | null
  /** In words; empty where it is ready. */
  readonly reason: string
  /** How often something was computed with it. */
  readonly calls: number
}

interface Loaded {
  readonly file: string
  readonly version: readonly [number, number, number]
}

/** What the libraries are told apart by. */
interface Kind<Library extends Loaded, Handle> {
  /** As NVIDIA writes it. */
  readonly title: string
  readonly files: Readonly<Record<string, FileName>>
  /** Major versions that there are for a driver, the best first. */
  readonly majors: (driverVersion: number) => readonly number[]
  readonly load: (driver: CudaDriver, files: readonly string[]) => Library
  readonly open: (context: CudaContext, library: Library) => Handle
}

const CUBLASLT: Kind<CublasLt, CublasLtHandle> = {
  title: "cuBLASLt",
  files: { linux: (major) => `libcublasLt.so.${major}`, win32: (major) => `cublasLt64_${major}.dll` },
  // Of a newer toolkit than the driver is for, none works.
  majors: (version) => [13, 12, 11].filter((major) => major <= Math.floor(version / 1000)),
  load: (driver, files) => driver.loadCublasLt(files),
  open: (context, library) => context.openCublasLt(library),
}

const CUDNN: Kind<Cudnn, CudnnHandle> = {
  title: "cuDNN",
  files: { linux: (major) => `libcudnn.so.${major}`, win32: (major) => `cudnn64_${major}.dll` },
  // Of 9 the graph API is the same for all toolkits.
  majors: () => [9],
  load: (driver, files) => driver.loadCudnn(files),
  open: (context, library) => context.openCudnn(library),
}

/** What a library may be. */
type State<Handle> =
  | { readonly name: "unknown" }
  | { readonly name: "ready"; readonly handle: Handle }
  | { readonly name: "missing" | "failed"; readonly reason: string }

/** Whether a reason only says that there is no such file. */
const isAbsence = (reason: string): boolean => /No such file or directory$/.test(reason)

class Library<L extends Loaded, Handle> {
  readonly kind: Kind<L, Handle>
  private readonly driver: CudaDriver
  private readonly context: CudaContext
  private readonly surroundings: Surroundings & { readonly libc?: string }
  private state: State<Handle> = { name: "unknown" }
  private loaded: Loaded | null = null
  calls = 0

  constructor(
    kind: Kind<L, Handle>,
    driver: CudaDriver,
    context: CudaContext,
    surroundings: Surroundings & { readonly libc?: string },
  ) {
    this.kind = kind
    this.driver = driver
    this.context = context
    this.surroundings = surroundings
  }

  /** Null where there is none, or it is of no use. */
  get handle(): Handle | null {
    if (this.state.name === "unknown") this.state = this.found()
    return this.state.name === "ready" ? this.state.handle : null
  }

  /** It is not used any more. */
  fail(reason: string): void {
    this.state = { name: "failed", reason }
  }

  /** Why it is of no use; undefined where it is missing, or ready. */
  get failure(): string | undefined {
    return this.state.name === "failed" ? this.state.reason : undefined
  }

  report(): Omit<LibraryReport, "name" | "enabled"> {
    void this.handle
    const { state, loaded, calls } = this
    if (state.name === "unknown") throw new Error("unreachable")
    const reason = state.name === "ready" ? "" : state.reason
    return {
      state: state.name,
      version: loaded?.version.join(".") ?? null,
      file: loaded?.file ?? null,
      reason,
      calls,
    }
  }

  private found(): State<Handle> {
    const { title, files, majors, load, open } = this.kind
    const { libc, folder } = this.surroundings
    const where = folder ? ` in ${folder}` : ""
    const missing = { name: "missing", reason: `there is no ${title}${where}` } as const
    if (libc === "musl") return { name: "missing", reason: `NVIDIA makes ${title} for glibc, and this system has musl` }
    const places = libraryFiles(files, majors(this.driver.version), this.surroundings)
    if (places.length === 0) return missing
    let library: L
    try {
      library = load(this.driver, places)
    } catch (error) {
      const reasons = (error as Error).message.split("; ").filter((reason) => !isAbsence(reason))
      return reasons.length === 0
        ? missing
        : { name: "failed", reason: `${title} does not load (${reasons.join("; ")})` }
    }
    this.loaded = library
    try {
      return { name: "ready", handle: open(this.context, library) }
    } catch (error) {
      if (!libraryErrorOf(error)) throw error
      return {
        name: "failed",
        reason: `${title} ${library.version.join(".")} (${library.file}) does not start: ${(error as Error).message}. It may be of another version than the driver is for`,
      }
    }
  }
}

/** Tells what a person should know, once. */
const warn = (message: string): void => process.emitWarning(message, "CudaLibraryWarning")

export class Libraries {
  /** What planners ask. */
  readonly forPlanners: NativeLibraries
  private readonly device: string
  private readonly known: {
    readonly cublasLt: Library<CublasLt, CublasLtHandle>
    readonly cudnn: Library<Cudnn, CudnnHandle>
  }
  private chosen: LibraryChoice = "auto"
  /** Changes whenever plans may come out otherwise. */
  version = 0
  private readonly off = new Set<LibraryName>()
  private readonly warned = new Set<LibraryName>()

  /** `device` is what words call it: "cuda:0". @throws RangeError for a choice that is none, Error where one that is named is missing. */
  constructor(
    driver: CudaDriver,
    context: CudaContext,
    device: string,
    surroundings: Surroundings & { readonly libc?: string },
    choice: LibraryChoice,
  ) {
    this.device = device
    this.known = {
      cublasLt: new Library(CUBLASLT, driver, context, surroundings),
      cudnn: new Library(CUDNN, driver, context, surroundings),
    }
    this.forPlanners = {
      isThere: (name) => this.handleOf(name) !== null,
      isInsisted: (name) => this.isInsisted(name),
      prepareProduct: (spec) => {
        const handle = this.handleOf("cublasLt")
        return handle && context.prepareProduct(handle, spec)
      },
      prepareConvolution: (spec) => {
        const handle = this.handleOf("cudnn")
        return handle && context.prepareConvolution(handle, spec)
      },
    }
    this.use(choice)
  }

  /** Changes the choice. @throws as the constructor does; then the choice stays as it was. */
  use(choice: LibraryChoice): void {
    const isNames = (given: unknown): boolean =>
      Array.isArray(given) && given.every((name) => LIBRARY_NAMES.includes(name as LibraryName))
    if (choice !== "auto" && choice !== "none" && !isNames(choice))
      throw new RangeError(
        `cuda: libraries is ${JSON.stringify(choice)}; it is "auto", "none", or an array of ${LIBRARY_NAMES.map((name) => JSON.stringify(name)).join(" and ")}`,
      )
    if (typeof choice !== "string")
      for (const name of choice) {
        const { state, reason } = this.known[name].report()
        if (state !== "ready")
          throw new Error(
            `cuda: ${reason}. ${this.known[name].kind.title} was asked for by name; with libraries: "auto" the backend's own kernels stand in for what is missing. TAEDA_CUDA_LIBRARIES names a folder that has it.`,
          )
      }
    this.chosen = choice
    this.version++
  }

  get choice(): LibraryChoice {
    return this.chosen
  }

  /** Whether a library that may be used is for all that it can do. */
  isInsisted(name: LibraryName): boolean {
    return this.chosen !== "auto" && this.chosen !== "none" && this.chosen.includes(name)
  }

  /** Those that are asked for by name, in words, such as "cuBLASLt 13.1.0, cuDNN 9.14.0"; null where none are. */
  insisted(): string | null {
    const titles = LIBRARY_NAMES.filter((name) => this.isInsisted(name)).map(
      (name) => `${this.known[name].kind.title} ${this.known[name].report().version}`,
    )
    return titles.length === 0 ? null : titles.join(", ")
  }

  /** Whether it may be used. */
  isEnabled(name: LibraryName): boolean {
    return !this.off.has(name) && (this.chosen === "auto" || this.isInsisted(name))
  }

  /** Switches a library off, whatever was chosen, or on again. */
  enable(name: LibraryName, enabled: boolean): void {
    if (enabled) this.off.delete(name)
    else this.off.add(name)
    this.version++
  }

  /** Null where it is not to be used, or cannot be. */
  private handleOf(name: LibraryName): object | null {
    if (!this.isEnabled(name)) return null
    const library = this.known[name]
    const { handle } = library
    if (!handle && library.failure) this.warnOnce(name, library.failure)
    return handle
  }

  /** Runs `body` as if there were none. */
  without<T>(body: () => T): T {
    const { chosen } = this
    this.chosen = "none"
    try {
      return body()
    } finally {
      this.chosen = chosen
    }
  }

  counted(name: LibraryName): void {
    this.known[name].calls++
  }

  /** Whether our own kernels are to stand in for a library that failed; from then on they do always. */
  standsIn(error: LibraryError, doing: string): boolean {
    const { library: name } = error
    if (this.isInsisted(name)) return false
    this.known[name].fail(`${this.known[name].kind.title} failed in ${doing}: ${error.message}`)
    this.version++
    return true
  }

  /** Says once why a library is not used. */
  warnOnce(name: LibraryName, reason: string): void {
    if (this.warned.has(name)) return
    this.warned.add(name)
    warn(`cuda: ${reason}. ${this.device} goes on with kernels of its own, which may be slower.`)
  }

  /** Says once why those libraries that failed are not used. */
  warnOfFailures(): void {
    for (const name of LIBRARY_NAMES) {
      const { failure } = this.known[name]
      if (failure) this.warnOnce(name, failure)
    }
  }

  /** What became of each; those that were not needed so far are looked for. */
  report(): LibraryReport[] {
    return LIBRARY_NAMES.map((name) => ({ name, enabled: this.isEnabled(name), ...this.known[name].report() }))
  }
}
