/** Dropout as modules: in training zeros at random, otherwise nothing. */
import { dropout, dropout1d, dropout2d, dropout3d, type Tensor, valueText } from "@taeda/core"
import { activation, INPLACE, type SameClass } from "./layer.ts"
import type { Module } from "./module.ts"
import { python } from "./repr.ts"

const FIELDS = [["p", 0.5], INPLACE] as const

function dropping(name: string, compute: typeof dropout): SameClass<typeof FIELDS> {
  const Base = activation(
    name,
    FIELDS,
    (m, x: Tensor) => compute(x, m.p, (m as unknown as Module).training, m.inplace),
    (values) => `p=${python(values.p)}, inplace=${python(values.inplace)}`,
  )
  return class extends Base {
    constructor(...args: ConstructorParameters<typeof Base>) {
      super(...args)
      if (!(this.p >= 0 && this.p <= 1))
        throw new RangeError(`${name}: dropout probability has to be between 0 and 1, but got ${valueText(this.p)}`)
    }
  }
}

/** Each element zero with probability p in training, the others times 1/(1 − p). */
export class Dropout extends dropping("Dropout", dropout) {}
/** Whole channels of [N, C, L]. */
export class Dropout1d extends dropping("Dropout1d", dropout1d) {}
/** Whole channels of [N, C, H, W]. */
export class Dropout2d extends dropping("Dropout2d", dropout2d) {}
/** Whole channels of [N, C, D, H, W]. */
export class Dropout3d extends dropping("Dropout3d", dropout3d) {}
