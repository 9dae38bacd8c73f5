/** A lower bound that gradients do not see. */
import { Pointwise } from "../pointwise.ts"

/** At least `least`, with the gradient of what is not bounded: PyTorch's `clamp_` of a clone without recording. */
export const BOUNDED = new Pointwise("clone", (x, least) => x.max(least), { gradient: (g) => [g, null] })
