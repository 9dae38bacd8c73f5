/** Two arms of a spiral that wind around each other: no straight line parts them. */
import * as torch from "taeda"

export const TURNS = 1.25

export interface Spirals {
  /** float32 [count, 2], within -1 and 1 or so. */
  readonly points: torch.Tensor
  /** int32 [count]: 0 or 1, the arm that a point belongs to. */
  readonly arms: torch.Tensor
}

/** Random points on both arms, with some noise. */
export function spirals(count: number, noise = 0.02): Spirals {
  const arms = torch.arange(count).remainder(2)
  const distance = torch.rand(count).sqrt()
  const angle = distance.mul(2 * Math.PI * TURNS).add(arms.mul(Math.PI))
  const points = torch.stack([angle.cos().mul(distance), angle.sin().mul(distance)], 1)
  return { points: points.add(torch.randn(count, 2).mul(noise)), arms }
}
