/**
 * @taeda/conformance: the suite that holds a backend to PyTorch's own numbers, as a function that gives a report.
 * `@taeda/conformance/vitest` registers the same as tests and `@taeda/conformance/command` is the command of the terminal;
 * `docs/writing-a-backend.md` shows them. Only the command needs Node.
 */

export { FORMS, type Form, type Prepared, prepare } from "./calls.ts"
export { type Case, type CaseArg, casesOf, type ErrorCase, errorCasesOf } from "./cases.ts"
export { type Check, type CheckGroup, checksOf, matches, type Selection, TEMPLATES } from "./checks.ts"
export { tensorsIn } from "./compare.ts"
export { type CountedBackend, counted } from "./decorators/counted.ts"
export { delegate } from "./decorators/delegate.ts"
export { type GuardedBackend, guarded } from "./decorators/guarded.ts"
export { ContractError, strict } from "./decorators/strict.ts"
export { describeGap, type KnownGap } from "./gaps.ts"
export { type Golden, type GoldenOutput, type GoldenTensor, loadGolden } from "./golden.ts"
export { knownGapsOf } from "./known-gaps.ts"
export { createMinimal, type MinimalOptions } from "./minimal/backend.ts"
export { type Loose, loosestOf, type Slow, slowestOf } from "./report/extremes.ts"
export { toHtml } from "./report/html.ts"
export { toJUnit } from "./report/junit.ts"
export { toMarkdown } from "./report/markdown.ts"
export { type CaseResult, type Failure, type Report, type Status, succeeded, toJson } from "./report/report.ts"
export { signatureOf } from "./resolve.ts"
export { idOf, pathOf, type Row, type Tag } from "./row.ts"
export { FAMILIES, type Family, ROWS } from "./rows/index.ts"
export { type Progress, type RunOptions, runConformance } from "./run.ts"
