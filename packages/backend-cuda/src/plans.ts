/** Plans of a kernel's launches, each kept for launches of the same sizes. */
import type { Scalar } from "@taeda/core"
import type { Launch } from "./launch.ts"
import type { Loaded } from "./modules.ts"
import type { ConvolutionLaunch, KernelLaunch, Plan, ProductLaunch } from "./program.ts"

/** A launch of a kernel that the driver has compiled, with its numbers as the kernel reads them. */
export interface ReadyLaunch extends Pick<KernelLaunch, "buffers" | "blocks"> {
  readonly function: Loaded["function"]
  readonly number: number
  /** What stands behind the addresses in its block of parameters. */
  readonly words: Uint32Array
}

export interface ReadyPlan {
  readonly launches: readonly (ReadyLaunch | ProductLaunch | ConvolutionLaunch)[]
  readonly temporaries: Plan["temporaries"]
}

interface Kept {
  readonly structure: Float64Array
  readonly scalars: readonly Scalar[]
  readonly plan: ReadyPlan
}

/** So many are kept for each kernel. */
const MOST = 256
/** Plans ask whether offsets are multiples of powers of two up to this, and no more of them: addresses say where operands begin. */
const ALIGNMENT = 256

/** What is looked for: reused, so that looking makes nothing. */
let wanted = new Float64Array(64)
let length = 0
let hash = 0

function put(number: number): void {
  if (length === wanted.length) {
    const longer = new Float64Array(2 * length)
    longer.set(wanted)
    wanted = longer
  }
  wanted[length++] = number
  hash = Math.imul(hash ^ number, 0x9e3779b1)
}

/** Puts into `wanted` what plans depend on, but for the scalars. */
function describe({ sizes, operands }: Launch): void {
  length = hash = 0
  put(sizes.length)
  for (let d = 0; d < sizes.length; d++) put(sizes[d])
  for (let k = 0; k < operands.length; k++) {
    const { offset, sizes: own, strides } = operands[k]
    put(offset % ALIGNMENT)
    // Most have the launch's own.
    if (own === sizes) put(-1)
    else {
      put(own.length)
      for (let d = 0; d < own.length; d++) put(own[d])
    }
    for (let d = 0; d < strides.length; d++) put(strides[d])
  }
}

function isWanted({ structure, scalars }: Kept, given: readonly Scalar[]): boolean {
  if (structure.length !== length || scalars.length !== given.length) return false
  for (let i = 0; i < length; i++) if (structure[i] !== wanted[i]) return false
  // A NaN is planned anew, and -0 is not 0.
  for (let i = 0; i < given.length; i++)
    if (scalars[i] !== given[i] || (given[i] === 0 && !Object.is(scalars[i], given[i]))) return false
  return true
}

export class Plans {
  private readonly kept = new Map<number, Kept>()
  private version = 0

  /** The plan of a launch; `make` makes it where none is kept, or `version` has changed since. `keeps`: whether it may be kept. */
  get(launch: Launch, version: number, keeps: boolean, make: (launch: Launch) => ReadyPlan): ReadyPlan {
    const { kept } = this
    if (version !== this.version) {
      kept.clear()
      this.version = version
    }
    describe(launch)
    const key = hash
    const known = kept.get(key)
    if (known && isWanted(known, launch.scalars)) return known.plan
    const structure = wanted.slice(0, length)
    const plan = make(launch)
    if (!keeps) return plan
    if (kept.size >= MOST) kept.clear()
    kept.set(key, { structure, scalars: launch.scalars.slice(), plan })
    return plan
  }
}
