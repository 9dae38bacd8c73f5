/** The kinds of kernels that core composes of maps and reductions where a backend has none, each with who plans it. */
import type { ConvKernel, MatmulKernel, RowsKernel, ScanKernel, ScatterKernel, SortKernel } from "@taeda/core"
import { convPlanner } from "./conv.ts"
import { refusedRows, rowsPlanner } from "./emit-rows.ts"
import type { Kind } from "./executables.ts"
import { matmulPlanner } from "./matmul.ts"
import { scanPlanner } from "./scan.ts"
import { scatterPlanner } from "./scatter.ts"
import { sortPlanner } from "./sort.ts"

export const conv: Kind<ConvKernel> = { plannerOf: convPlanner }
export const matmul: Kind<MatmulKernel> = { plannerOf: matmulPlanner }
export const rows: Kind<RowsKernel> = { plannerOf: rowsPlanner, refuses: refusedRows }
export const scan: Kind<ScanKernel> = { plannerOf: scanPlanner }
export const scatter: Kind<ScatterKernel> = { plannerOf: scatterPlanner }
export const sort: Kind<SortKernel> = { plannerOf: sortPlanner }
