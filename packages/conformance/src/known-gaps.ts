/** What our own backends are known to fail, by their names. */
import type { KnownGap } from "./gaps.ts"

const KNOWN_GAPS: Readonly<Record<string, readonly KnownGap[]>> = {
  webgpu: [
    {
      case: "cumsum/9/float32",
      reason:
        "sums are float32, so that one over its range is infinite; PyTorch's are float64, and come back from there",
    },
  ],
}

/** Those of a backend; none of one that we do not know. */
export const knownGapsOf = (backend: string): readonly KnownGap[] =>
  Object.hasOwn(KNOWN_GAPS, backend) ? KNOWN_GAPS[backend] : []
