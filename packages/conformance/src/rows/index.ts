/** Every row, by family. */

import type { Row } from "../row.ts"
import { BINARY } from "./binary.ts"
import { CREATION } from "./creation.ts"
import { DTYPE_ROWS } from "./dtypes.ts"
import { INDEXING } from "./indexing.ts"
import { LINALG } from "./linalg.ts"
import { LOSS } from "./loss.ts"
import { NEURAL } from "./neural.ts"
import { REDUCTION } from "./reduction.ts"
import { SHAPE } from "./shape.ts"
import { SORTING } from "./sorting.ts"
import { UNARY } from "./unary.ts"

export const FAMILIES = {
  creation: CREATION,
  dtypes: DTYPE_ROWS,
  unary: UNARY,
  binary: BINARY,
  reduction: REDUCTION,
  shape: SHAPE,
  indexing: INDEXING,
  sorting: SORTING,
  linalg: LINALG,
  neural: NEURAL,
  loss: LOSS,
} as const satisfies Record<string, readonly Row[]>

export type Family = keyof typeof FAMILIES

export const ROWS: readonly Row[] = Object.values(FAMILIES).flat()
