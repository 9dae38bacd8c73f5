/**
 * Trains a small network for many steps on memory that the engine knows nothing of, and prints what was held on the way.
 * Arguments: the number of steps, how a step ends ("await", "scope" or "sync"), and the host ("full", "tasks" or "none").
 * A step leaves about 200 KB to the collector.
 */
import { installHost, pressure } from "@taeda/core"
import * as torch from "taeda"
import { collectingOf, collector } from "../src/collector.ts"
import { hostOf } from "../src/host.ts"
import { linearMemory } from "./linear-memory.ts"

const [count, ending, offered] = process.argv.slice(2)
const steps = Number(count)
const host = hostOf()
if (offered === "full") installHost({ ...host, collecting: collectingOf()! })
if (offered === "tasks") installHost(host)

const memory = linearMemory()
await torch.setDefaultDevice(memory.device)
torch.manualSeed(0)
const { nn, optim } = torch

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

const model = new Net(32, 64)
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-4 })
const x = torch.randn(256, 32)
const y = torch.randint(0, 10, [256])

function step(): torch.Tensor {
  optimizer.zeroGrad()
  const loss = torch.nn.functional.crossEntropy(model(x) as torch.Tensor, y)
  loss.backward()
  optimizer.step()
  return loss
}

interface Sample {
  readonly live: number
  readonly grown: number
  readonly heap: number
}

const collect = collector()!

/** The heap is what is still reachable: what the process occupies besides is up to the engine and the machine's load. */
function sample(): Sample {
  const [live, grown] = [memory.live(), memory.grown()]
  collect("all")
  return { live, grown, heap: process.memoryUsage().heapUsed }
}

let at100: Sample | null = null
const start = performance.now()
let relieved = 0
let collections = 0
const { relieve } = pressure
pressure.relieve = async function (this: typeof pressure) {
  const begin = performance.now()
  await relieve.call(this)
  relieved += performance.now() - begin
  collections++
}
let last = 0
for (let i = 0; i < steps; i++) {
  if (ending === "await") last = await step().item()
  else if (ending === "sync") step()
  else torch.scope(() => void step())
  if (i === 99) at100 = sample()
}
const took = performance.now() - start
process.stdout.write(
  JSON.stringify({
    at100,
    end: sample(),
    stepMs: took / steps,
    share: relieved / took,
    collections,
    budget: pressure.budgetBytes,
    last,
  }),
)
