/** The GPU of the tests, with a hold on its devices: they can be lost, run out of memory early, and be given other shaders. */
import { findGpu } from "../src/find-gpu.ts"
import type { Gpu, GpuAdapter, GpuBuffer, GpuDevice, GpuError } from "../src/gpu.ts"
import { USAGE } from "../src/gpu.ts"
import { UNCLEARED } from "./harness.ts"

export interface Grasped {
  readonly gpu: Gpu
  /** The devices that were opened, oldest first. */
  readonly devices: readonly GpuDevice[]
  /** Pipelines that were made while somebody waited, and those that were made in the background. */
  readonly pipelines: { blocking: number; background: number }
}

interface Differences {
  /** What a device's storage buffers find room in; those beyond are invalid, and an error comes late. */
  readonly memoryBytes?: number
  /** What becomes of a shader's text. */
  readonly edit?: (code: string) => string
}

export async function grasped(differences: Differences = {}): Promise<Grasped> {
  const { memoryBytes = Number.POSITIVE_INFINITY, edit = (code) => code } = differences
  const pipelines = { blocking: 0, background: 0 }
  const found = await findGpu(UNCLEARED.dawn)
  const devices: GpuDevice[] = []
  const requestAdapter: Gpu["requestAdapter"] = async (options) => {
    const adapter = await found.requestAdapter(options)
    return (
      adapter &&
      behind<GpuAdapter>(adapter, {
        async requestDevice(descriptor) {
          const device = await adapter.requestDevice(descriptor)
          devices.push(device)
          const counted = behind<GpuDevice>(device, {
            createShaderModule: ({ code, label }) => device.createShaderModule({ code: edit(code), label }),
            createComputePipeline(descriptor) {
              pipelines.blocking++
              return device.createComputePipeline(descriptor)
            },
            createComputePipelineAsync(descriptor) {
              pipelines.background++
              return device.createComputePipelineAsync(descriptor)
            },
          })
          return withMemory(counted, memoryBytes)
        },
      })
    )
  }
  return { gpu: behind<Gpu>(found, { requestAdapter }), devices, pipelines }
}

/** An object with some of its methods replaced. */
function behind<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (name in replaced) return replaced[name as keyof T]
      const value = target[name as keyof T]
      return typeof value === "function" ? value.bind(target) : value
    },
  })
}

function withMemory(device: GpuDevice, memoryBytes: number): GpuDevice {
  let left = memoryBytes
  /** Scopes that are open, with what they caught. */
  const scopes: { filter: string; error: GpuError | null }[] = []
  const invalid = (): GpuBuffer => {
    device.pushErrorScope("validation")
    const buffer = device.createBuffer({ size: device.limits.maxBufferSize + 4, usage: USAGE.storage })
    device.popErrorScope()
    return buffer
  }
  return behind<GpuDevice>(device, {
    pushErrorScope(filter) {
      scopes.push({ filter, error: null })
      device.pushErrorScope(filter)
    },
    async popErrorScope() {
      const scope = scopes.pop()
      const error = await device.popErrorScope()
      return scope?.error ?? error
    },
    createBuffer(descriptor) {
      const { size, usage } = descriptor
      if (!(usage & USAGE.storage)) return device.createBuffer(descriptor)
      const scope = scopes.findLast(({ filter }) => filter === "out-of-memory")
      if (size > left && scope) {
        scope.error = { message: `no room for ${size} bytes` }
        return invalid()
      }
      left -= size
      const buffer = device.createBuffer(descriptor)
      const destroy = buffer.destroy.bind(buffer)
      buffer.destroy = () => {
        left += size
        destroy()
      }
      return buffer
    },
  })
}
