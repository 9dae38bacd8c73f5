/** A training loop as people write it, which disposes of nothing. Runs in Node and in a page. */

import { createWebGpu } from "@taeda/backend-webgpu"
import { pressure } from "@taeda/core"
import { CollectingByCost } from "@taeda/core/collecting"
import * as torch from "taeda"

const { nn, optim } = torch

export interface Task {
  readonly device: "wasm" | "webgpu" | "cuda"
  readonly steps: number
  /** Whether a step is awaited (`await loss.item()`), or runs in a scope without a pause. */
  readonly ending: "await" | "scope"
  readonly inputs: number
  readonly hidden: number
  readonly batch: number
}

export interface Sample {
  readonly step: number
  /** Bytes in buffers. */
  readonly live: number
  /** Bytes that the backend holds, for reuse as well. */
  readonly held: number
}

/** Is shown every sample as it is taken: the process can be looked at then. What it returns is awaited where steps are. */
export type Note = (sample: Sample) => unknown

export interface Held {
  readonly samples: readonly Sample[]
  readonly stepMs: number
  /** The part of the time that went into collecting and finalizing. */
  readonly share: number
}

const SAMPLES = 10
const FIRST = 100

/** Milliseconds from any origin. */
export type Clock = () => number

/** Counts the time that goes into memory: at await points, and in collections asked for elsewhere. Before a device is opened. */
function timed(clock: Clock): () => number {
  let spent = 0
  let waiting = false
  const { relieve, install } = pressure
  pressure.relieve = async () => {
    const start = clock()
    waiting = true
    await relieve.call(pressure)
    waiting = false
    spent += clock() - start
  }
  pressure.install = (host) => {
    const { collecting } = host
    install.call(pressure, host)
    if (!(collecting instanceof CollectingByCost)) return
    const { collect } = collecting
    collecting.collect = (what) => {
      const start = clock()
      collect(what)
      if (!waiting) spent += clock() - start
    }
  }
  return () => spent
}

/** As people write it: what its forward makes is in their sight, unlike what passes between the modules of a Sequential. */
class Net extends nn.Module {
  readonly first: torch.nn.Linear
  readonly second: torch.nn.Linear

  constructor(inputs: number, hidden: number) {
    super()
    this.first = new nn.Linear(inputs, hidden)
    this.second = new nn.Linear(hidden, 10)
  }

  override forward(x: torch.Tensor): torch.Tensor {
    return this.second(this.first(x).relu())
  }
}

/** The software GPU takes seconds to compile the clearing of workgroup memory, on which no shader relies. */
const UNCLEARED = ["enable-dawn-features=disable_workgroup_init"]

const wallClock: Clock = () => performance.now()

/** Trains, and tells `note` of every sample. The share is of the time that `clock` tells. */
export async function train(task: Task, note: Note, clock = wallClock): Promise<Held> {
  const spent = timed(clock)
  const { device, steps, ending, inputs, hidden, batch } = task
  torch.registerBackend("webgpu", () => createWebGpu({ dawn: UNCLEARED }))
  const { backend } = await torch.setDefaultDevice(device)
  torch.manualSeed(0)
  const model = new Net(inputs, hidden)
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.01 })
  const x = torch.randn(batch, inputs)
  const y = torch.randint(0, 10, [batch])
  const step = (): torch.Tensor => {
    optimizer.zeroGrad()
    const loss = nn.functional.crossEntropy(model(x) as torch.Tensor, y)
    loss.backward()
    optimizer.step()
    return loss
  }
  const samples: Sample[] = []
  const start = performance.now()
  const [origin, before] = [clock(), spent()]
  const notes: unknown[] = []
  let noting = 0
  for (let i = 1; i <= steps; i++) {
    if (ending === "await") await step().item()
    else torch.scope(() => void step())
    if (i !== FIRST && i % (steps / SAMPLES)) continue
    const begin = performance.now()
    const { liveBytes, pooledBytes } = backend.memoryStats()
    const sample = { step: i, live: liveBytes, held: liveBytes + pooledBytes }
    samples.push(sample)
    notes.push(note(sample))
    if (ending === "await") await notes.at(-1)
    noting += performance.now() - begin
  }
  // A device that computes by itself may be far behind.
  await backend.synchronize()
  const took = performance.now() - start - noting
  await Promise.all(notes)
  return { samples, stepMs: took / steps, share: (spent() - before) / (clock() - origin) }
}

/** For a page. */
export const main = (task: Task, tell: Note): Promise<Held> => train(task, tell)
