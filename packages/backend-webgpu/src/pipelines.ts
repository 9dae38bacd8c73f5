/** Compiled shaders, by their text. */
import type { DeviceErrors } from "./errors.ts"
import {
  COMPUTE_STAGE,
  type GpuBindGroupLayout,
  type GpuDevice,
  type GpuPipeline,
  type GpuPipelineLayout,
} from "./gpu.ts"
import type { Shader } from "./program.ts"

export interface Pipeline {
  readonly id: number
  readonly gpu: GpuPipeline
  readonly layout: GpuBindGroupLayout
  /** Equal for equal layouts of bindings. */
  readonly layoutId: number
  readonly shader: Shader
}

interface Layout {
  readonly id: number
  readonly group: GpuBindGroupLayout
  readonly pipeline: GpuPipelineLayout
}

export class Pipelines {
  private readonly device: GpuDevice
  private readonly errors: DeviceErrors
  private readonly layouts = new Map<string, Layout>()
  private readonly compiled = new Map<string, Pipeline>()
  private readonly warming = new Map<string, Promise<void>>()
  /** The same by object, which is found faster than by text. */
  private readonly known = new WeakMap<Shader, Pipeline>()
  private ids = 0

  constructor(device: GpuDevice, errors: DeviceErrors) {
    this.device = device
    this.errors = errors
  }

  /** The pipeline of a shader; `name` says in errors whose it is. @throws RangeError where it has too many buffers for the GPU. */
  get(shader: Shader, name: () => string): Pipeline {
    const known = this.known.get(shader)
    if (known) return known
    let found = this.compiled.get(shader.code)
    if (!found) {
      const layout = this.layout(shader, name)
      const gpu = this.errors.scoped("validation", name, () =>
        this.device.createComputePipeline(this.descriptor(shader, layout, name())),
      )
      found = this.made(gpu, layout, shader)
      this.compiled.set(shader.code, found)
    }
    this.known.set(shader, found)
    return found
  }

  /** Compiles without blocking. Rejects with what is wrong with the shader, and whose it is. */
  warm(shader: Shader, name: () => string): Promise<void> {
    const { code } = shader
    if (this.compiled.has(code)) return Promise.resolve()
    let warming = this.warming.get(code)
    if (!warming) {
      const keep = (pipeline: Pipeline): void => {
        if (!this.compiled.has(code)) this.compiled.set(code, pipeline)
      }
      warming = this.ahead(shader, name)
        .then(keep)
        .finally(() => this.warming.delete(code))
      this.warming.set(code, warming)
    }
    return warming
  }

  /** Compiles a shader that nobody else asks for, without blocking. Rejects as `warm` does. */
  async ahead(shader: Shader, name: () => string): Promise<Pipeline> {
    const layout = this.layout(shader, name)
    // The text is looked at first, and only then the pipeline made.
    const { value: descriptor, told } = this.errors.ask("validation", name, () =>
      this.descriptor(shader, layout, name()),
    )
    const making = this.device.createComputePipelineAsync(descriptor)
    try {
      return this.made(await making, layout, shader)
    } catch (error) {
      throw (await told) ?? (await this.errors.explain(name(), error as Error))
    }
  }

  private made(gpu: GpuPipeline, layout: Layout, shader: Shader): Pipeline {
    return { id: this.ids++, gpu, layout: layout.group, layoutId: layout.id, shader }
  }

  private descriptor({ code }: Shader, layout: Layout, label: string) {
    const module = this.device.createShaderModule({ code, label })
    return { label, layout: layout.pipeline, compute: { module, entryPoint: "main" } }
  }

  private layout({ bindings }: Shader, name: () => string): Layout {
    const most = this.device.limits.maxStorageBuffersPerShaderStage
    if (bindings.length > most)
      throw new RangeError(
        `webgpu: ${name()} takes ${bindings.length} buffers at once, and this GPU has a limit of ${most} (maxStorageBuffersPerShaderStage)`,
      )
    const key = bindings.map(({ access }) => access[0]).join("")
    const known = this.layouts.get(key)
    if (known) return known
    const group = this.device.createBindGroupLayout({
      entries: [
        ...bindings.map(({ access }, binding) => ({
          binding,
          visibility: COMPUTE_STAGE,
          buffer: { type: access === "read" ? ("read-only-storage" as const) : ("storage" as const) },
        })),
        {
          binding: bindings.length,
          visibility: COMPUTE_STAGE,
          buffer: { type: "uniform" as const, hasDynamicOffset: true },
        },
      ],
    })
    const made: Layout = {
      id: this.layouts.size,
      group,
      pipeline: this.device.createPipelineLayout({ bindGroupLayouts: [group] }),
    }
    this.layouts.set(key, made)
    return made
  }
}
