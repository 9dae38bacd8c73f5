/** Works as graphs. */
import * as torch from "taeda"
import type { Prepared } from "./ours.ts"

/** The work as one launch. */
export function recorded({ run, ...rest }: Prepared): Prepared {
  // Kernels must be compiled before.
  torch.scope(() => void run())
  const graph = new torch.cuda.CUDAGraph()
  torch.cuda.graph(graph, () => torch.scope(() => void run()))
  return {
    ...rest,
    run: () => graph.replay(),
    dispose() {
      graph.reset()
      rest.dispose?.()
    },
  }
}
