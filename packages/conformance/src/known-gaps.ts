/** What our own backends are known to fail, by their names: nothing. */
import type { KnownGap } from "./gaps.ts"

const KNOWN_GAPS: Readonly<Record<string, readonly KnownGap[]>> = {}

/** Those of a backend; none of one that we do not know. */
export const knownGapsOf = (backend: string): readonly KnownGap[] =>
  Object.hasOwn(KNOWN_GAPS, backend) ? KNOWN_GAPS[backend] : []
