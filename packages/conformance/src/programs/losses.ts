/** Takes the steps of a training program on the default device. */

import { deviceOf, getDefaultDevice, scope, type Tensor, withDevice } from "@taeda/core"
import { createMinimal } from "../minimal/backend.ts"
import type { Training } from "./training.ts"

/**
 * The losses of the first steps. A device that draws other numbers than PyTorch's gets them from one that draws the
 * same, so that the curve is PyTorch's everywhere.
 */
export async function lossesOf(training: Training, steps: number): Promise<Float64Array> {
  const device = getDefaultDevice()
  const drawing = device.backend.capabilities.random === "mt19937" ? device : deviceOf(createMinimal())
  const begun = withDevice(drawing, () => training.begin())
  const [x, y, order] = [begun.x, begun.y, begun.order].map((tensor) => tensor.to(device))
  const model = begun.model.to(device)
  const optimizer = training.optimizer(model)
  const lossOf = training.loss()
  const step = (rows: Tensor): Tensor => {
    const loss = lossOf(model(x.at(rows)), y.at(rows))
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss.detach()
  }
  const losses = new Float64Array(steps)
  for (let i = 0; i < steps; i++) {
    // Each step's own memory goes with it, as a person's loop would have it.
    const loss = scope(
      () => step(order.select(0, i)),
      () => [...optimizer.state.values()],
    )
    losses[i] = Number(await loss.item())
  }
  return losses
}
