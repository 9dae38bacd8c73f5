/** Modules on the device: compiled by the driver once for each text, and the kernels in them. */
import type { CudaContext, DriverFunction, DriverModule } from "./driver.ts"
import { type Packer, packerOf } from "./pack.ts"
import type { Module } from "./program.ts"

/** A kernel that can be launched. */
export interface Loaded extends Packer {
  readonly function: DriverFunction
}

export class Modules {
  private readonly context: CudaContext
  private readonly target: number
  /** By their text. */
  private readonly compiled = new Map<string, DriverModule>()
  private readonly compiling = new Map<string, Promise<void>>()
  private readonly loaded = new WeakMap<Module, Loaded>()

  /** `target` is the device's compute capability. */
  constructor(context: CudaContext, target: number) {
    this.context = context
    this.target = target
  }

  /** A module's kernel. The driver compiles it now, unless it did before. */
  get(module: Module): Loaded {
    return this.loaded.get(module) ?? this.load(module)
  }

  private load(module: Module): Loaded {
    this.check(module)
    const { ptx, entry, threads, dynamicSharedBytes, maps = [] } = module
    let compiled = this.compiled.get(ptx)
    if (!compiled) this.compiled.set(ptx, (compiled = this.context.loadModule(ptx)))
    const loaded = {
      ...packerOf(module),
      function: this.context.function(compiled, entry, threads, dynamicSharedBytes, maps.length),
    }
    this.loaded.set(module, loaded)
    return loaded
  }

  /** Compiles on another thread. */
  async warm(module: Module): Promise<void> {
    this.check(module)
    const { ptx, entry } = module
    if (this.compiled.has(ptx)) return
    let compiling = this.compiling.get(ptx)
    if (!compiling) {
      compiling = this.context
        .loadModuleAsync(ptx, entry)
        .then((compiled) => {
          if (this.compiled.has(ptx)) this.context.unloadModule(compiled)
          else this.compiled.set(ptx, compiled)
        })
        .finally(() => this.compiling.delete(ptx))
      this.compiling.set(ptx, compiling)
    }
    return compiling
  }

  private check({ entry, target }: Module): void {
    if (target > this.target)
      throw new Error(`cuda: ${entry} needs compute capability ${target / 10}, and this GPU has ${this.target / 10}`)
  }
}
