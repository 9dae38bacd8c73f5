/** Commands for the device, gathered and submitted together: at reads, and when there are many. */
import type { DeviceErrors } from "./errors.ts"
import { faultIn } from "./errors.ts"
import { type GpuBindGroup, type GpuComputePass, type GpuDevice, type GpuEncoder, MAP_READ, USAGE } from "./gpu.ts"
import type { Block, Memory } from "./memory.ts"
import { Params } from "./params.ts"
import type { Pipeline } from "./pipelines.ts"
import { Staging } from "./staging.ts"
import { FAULT_WORDS } from "./writer.ts"

/** Dispatches and copies of one submission: a training step of a small network, and few enough that the device begins early. */
const MOST_COMMANDS = 64
/** How many groups of bindings are remembered. */
const MOST_GROUPS = 4096
const FAULT_BYTES = 4 * FAULT_WORDS

export interface Dispatchable {
  readonly pipeline: Pipeline
  /** One for each binding of the shader. */
  readonly blocks: readonly Block[]
  readonly params: readonly number[]
  readonly workgroups: number
}

/** What to encode in place of dispatches that are to run as if in their order; of their numbers no more than twice the bytes. */
export type Arrange = (dispatches: readonly Dispatchable[]) => readonly Dispatchable[]

/** What was given to the device so far. */
export interface CommandCounts {
  dispatches: number
  submissions: number
  copies: number
  writtenBytes: number
  readBytes: number
}

export class Commands {
  readonly counts: CommandCounts = { dispatches: 0, submissions: 0, copies: 0, writtenBytes: 0, readBytes: 0 }
  private readonly device: GpuDevice
  private readonly errors: DeviceErrors
  private readonly memory: Memory
  private encoder: GpuEncoder | null = null
  private pass: GpuComputePass | null = null
  /** Dispatches that are not encoded yet, and the bytes that their numbers take at most. */
  private dispatches: Dispatchable[] = []
  private dispatchBytes = 0
  private readonly arrange: Arrange
  private pending = 0
  /** The number of the submission that is being gathered. */
  private serial = 0
  private readonly params: Params
  private readonly mostGroups: number
  private readonly groups = new Map<string, GpuBindGroup>()
  private readonly staging: Staging
  /** Where shaders report faults. */
  readonly faults: Block
  private mayFault = false
  private readonly nameOf: (kernel: number) => string

  /** `nameOf` names the kernels of faults by their numbers. */
  constructor(
    device: GpuDevice,
    errors: DeviceErrors,
    memory: Memory,
    arrange: Arrange,
    nameOf: (kernel: number) => string,
  ) {
    this.nameOf = nameOf
    this.arrange = arrange
    this.device = device
    this.errors = errors
    this.memory = memory
    this.staging = new Staging(device, errors)
    this.mostGroups = device.limits.maxComputeWorkgroupsPerDimension
    this.params = new Params(device)
    const usage = USAGE.storage | USAGE.copySource | USAGE.copyTarget
    this.faults = {
      gpu: device.createBuffer({ size: FAULT_BYTES, usage, label: "faults" }),
      id: -1,
      capacity: FAULT_BYTES,
      used: -1,
      need: null,
      failure: null,
    }
    // What is destroyed may stand in any group.
    memory.onDestroyed = () => this.groups.clear()
    memory.submit = () => this.flush()
  }

  private open(): GpuEncoder {
    return (this.encoder ??= this.device.createCommandEncoder())
  }

  /** An encoder outside of a pass, behind all dispatches so far. */
  private between(): GpuEncoder {
    this.encodeDispatches()
    this.pass?.end()
    this.pass = null
    return this.open()
  }

  private count(): void {
    if (++this.pending >= MOST_COMMANDS) this.flush()
  }

  dispatch(pipeline: Pipeline, blocks: readonly Block[], params: readonly number[], workgroups: number): void {
    const bytes = this.params.bytesFor(pipeline.shader.paramVectors)
    // Together dispatches take no more than one of them, and what was rounded up, besides.
    if (2 * (this.dispatchBytes + bytes) > this.params.room) {
      this.flush()
      this.params.clear()
    }
    this.dispatchBytes += bytes
    for (const block of blocks) {
      block.used = this.serial
      if (block === this.faults) this.mayFault = true
    }
    this.dispatches.push({ pipeline, blocks, params, workgroups })
    this.count()
  }

  private encodeDispatches(): void {
    if (this.dispatches.length === 0) return
    const arranged = this.arrange(this.dispatches)
    this.dispatches = []
    this.dispatchBytes = 0
    for (const dispatch of arranged) this.encode(dispatch)
  }

  private encode({ pipeline, blocks, params, workgroups }: Dispatchable): void {
    const at = this.params.place(params, pipeline.shader.paramVectors)
    this.pass ??= this.open().beginComputePass()
    this.pass.setPipeline(pipeline.gpu)
    this.pass.setBindGroup(0, this.group(pipeline, blocks), [at])
    const rows = Math.ceil(workgroups / this.mostGroups)
    this.pass.dispatchWorkgroups(Math.ceil(workgroups / rows), rows)
    this.counts.dispatches++
  }

  private group({ layout, layoutId, shader }: Pipeline, blocks: readonly Block[]): GpuBindGroup {
    let key = `${layoutId} ${shader.paramVectors}`
    for (const { id } of blocks) key += ` ${id}`
    let group = this.groups.get(key)
    if (!group) {
      const storage = blocks.map(({ gpu }, binding) => ({ binding, resource: { buffer: gpu } }))
      const uniform = { buffer: this.params.gpu, offset: 0, size: shader.paramVectors * 16 }
      group = this.device.createBindGroup({
        layout,
        entries: [...storage, { binding: blocks.length, resource: uniform }],
      })
      if (this.groups.size >= MOST_GROUPS) this.groups.clear()
      this.groups.set(key, group)
    }
    return group
  }

  /** Copies between two different blocks; all numbers are multiples of 4. */
  copy(from: Block, fromByte: number, to: Block, toByte: number, bytes: number): void {
    this.between().copyBufferToBuffer(from.gpu, fromByte, to.gpu, toByte, bytes)
    from.used = to.used = this.serial
    this.counts.copies++
    this.count()
  }

  /** Copies host bytes in; the offset and the length are multiples of 4. */
  write(block: Block, offset: number, bytes: Uint8Array): void {
    // What is written comes before all commands that are not submitted yet.
    if (block.used === this.serial) this.flush()
    this.device.queue.writeBuffer(block.gpu, offset, bytes)
    this.counts.writtenBytes += bytes.length
  }

  /** Submits what was gathered. */
  flush(): void {
    this.encodeDispatches()
    this.pass?.end()
    this.pass = null
    if (this.encoder) {
      this.params.send()
      this.device.queue.submit([this.encoder.finish()])
      this.counts.submissions++
      this.encoder = null
    }
    this.pending = 0
    this.serial++
    this.memory.sweep()
  }

  /** Bytes of a block when all commands so far are done; the offset and the length are multiples of 4. */
  async read(block: Block, offset: number, bytes: number): Promise<Uint8Array> {
    const faults = this.mayFault ? FAULT_BYTES : 0
    const size = bytes + faults
    const staging = this.staging.take(size)
    const encoder = this.between()
    if (bytes > 0) encoder.copyBufferToBuffer(block.gpu, offset, staging.gpu, 0, bytes)
    if (faults > 0) {
      encoder.copyBufferToBuffer(this.faults.gpu, 0, staging.gpu, bytes, FAULT_BYTES)
      encoder.clearBuffer(this.faults.gpu, 0, FAULT_BYTES)
      this.mayFault = false
    }
    this.flush()
    this.counts.readBytes += size
    try {
      await this.errors.soon(staging.gpu.mapAsync(MAP_READ, 0, size))
    } catch (error) {
      staging.gpu.destroy()
      throw await this.errors.explain("reading", error as Error)
    }
    const copy = new Uint8Array(staging.gpu.getMappedRange(0, size).slice(0))
    staging.gpu.unmap()
    this.staging.give(staging)
    await this.errors.settle()
    const fault = faults > 0 ? faultIn(new Uint32Array(copy.buffer, bytes, FAULT_WORDS), this.nameOf) : undefined
    if (fault) throw fault
    return copy.subarray(0, bytes)
  }

  /** Resolves when everything is done, rejects with what went wrong. */
  async finish(): Promise<void> {
    if (this.mayFault) {
      await this.read(this.faults, 0, 0)
      return
    }
    this.flush()
    try {
      await this.errors.soon(this.device.queue.onSubmittedWorkDone())
    } catch (error) {
      throw await this.errors.explain("waiting", error as Error)
    }
    await this.errors.settle()
  }
}
