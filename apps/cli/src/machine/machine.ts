/** Everything about a machine that matters, found without loading the library. */
import { type GraphicsFacts, graphicsFacts } from "./graphics.ts"
import { type NvidiaFacts, nvidiaFacts } from "./nvidia.ts"
import { type ProcessorFacts, processorFacts } from "./processor.ts"
import { type RuntimeFacts, runtimeFacts } from "./runtime.ts"
import { type Sources, sourcesHere } from "./sources.ts"
import { type SystemFacts, systemFacts } from "./system.ts"
import { type WebAssemblyFacts, webAssemblyFacts } from "./webassembly.ts"

export interface Machine {
  readonly runtime: RuntimeFacts
  readonly system: SystemFacts
  readonly processor: ProcessorFacts
  readonly webAssembly: WebAssemblyFacts
  readonly nvidia: NvidiaFacts
  readonly graphics: GraphicsFacts
}

export async function lookAtMachine(sources: Sources = sourcesHere()): Promise<Machine> {
  const [system, webAssembly, nvidia, graphics] = await Promise.all([
    systemFacts(sources),
    webAssemblyFacts(),
    nvidiaFacts(sources),
    graphicsFacts(sources),
  ])
  return { runtime: runtimeFacts(), system, processor: processorFacts(), webAssembly, nvidia, graphics }
}
