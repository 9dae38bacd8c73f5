/** Reductions and scans to JavaScript source. */
import type { Expr, Monoid, ReduceKernel, ScanKernel } from "@taeda/core"
import { constantText, type LeafText, Scope, writeExpressions } from "./emit-expression.ts"
import { type Emitter, isName, loopHead, pointer, range } from "./emitter.ts"
import { constantValue, isHalf, storedExpression } from "./expression-plan.ts"
import { CHUNK, isChunked, lanesOf, mayRunByRows, ROW_BLOCK } from "./traversal.ts"

/** `combine` on named tuples, as lines that leave the result in `into`. */
function combineLines(
  monoid: Monoid,
  e: Emitter,
  left: readonly string[],
  right: readonly string[],
  into: readonly string[],
): string[] {
  const scope = new Scope(1, e.fresh)
  const leaf = (node: Expr): LeafText => {
    const k = Number(node.value)
    if (node.op === "scalar") return e.scalar(node)
    return { text: (node.op === "left" ? left : right)[k], level: 0, simple: true }
  }
  const values = writeExpressions(monoid.combine, scope, { leaf, wide: true })
  if (values.length === 1) return [...scope.take(0), `${into[0]} = ${values[0]}`]
  const named = values.map((v) => (isName(v) ? v : scope.declare(0, v)))
  return [...scope.take(0), ...into.map((name, k) => `${name} = ${named[k]}`)]
}

const identities = (monoid: Monoid): string[] =>
  monoid.identity.map((v, k) => constantText(constantValue(v, monoid.accumulators[k])))

/** `finish` on the named accumulators and its stores. */
function finishLines(
  kernel: ReduceKernel | ScanKernel,
  e: Emitter,
  accumulators: readonly string[],
  at: (j: number) => string,
  indexText: (d: number) => string,
  inputText: (k: number) => string = (k) => e.element(k, pointer(k, -1)),
): string[] {
  const scope = new Scope(1, e.fresh)
  const leaf = (node: Expr, coordinates: readonly string[]): LeafText => {
    const k = Number(node.value)
    if (node.op === "load") return { text: e.load(node, coordinates), level: 0, simple: false }
    if (node.op === "input") return { text: inputText(k), level: 0, simple: false }
    if (node.op === "scalar") return e.scalar(node)
    if (node.op === "index") return { text: indexText(k), level: 0, simple: true }
    const dtype = kernel.accumulators[k]
    return { text: dtype === "float32" ? `Math.fround(${accumulators[k]})` : accumulators[k], level: 0, simple: false }
  }
  const stored = kernel.finish.map((f, j) => (isHalf(kernel.outputs[j].dtype) ? storedExpression(f) : f))
  const values = writeExpressions(stored, scope, { leaf })
  return [...scope.take(0), ...values.map((v, j) => e.store(j, at(j), v))]
}

export function emitReduce(kernel: ReduceKernel, e: Emitter): string[] {
  const { rank, reduced } = kernel
  const kept = rank - reduced
  const outputs = kernel.outputs.map((_, j) => e.inputs.length + j)
  const lines = [...e.prologue(rank, kept)]
  lines.push(...e.strides(e.moving, range(rank)), ...e.strides(outputs, range(kept)))
  if (!mayRunByRows(kernel)) return [...lines, ...emitColumns(kernel, e, outputs)]
  return [
    ...lines,
    `if ($runsByRows(operands, ${e.inputs.length}, ${kept}, ${rank})) {`,
    ...emitRows(kernel, e, outputs),
    "} else {",
    ...emitColumns(kernel, e, outputs),
    "}",
  ]
}

/** One output at a time: the reduced dims run innermost. */
function emitColumns(kernel: ReduceKernel, e: Emitter, outputs: readonly number[]): string[] {
  const { rank, reduced } = kernel
  const kept = rank - reduced
  const inner = rank - 1
  const { moving } = e
  const lanes = reduced > 0 ? lanesOf(kernel) : 1
  const chunked = isChunked(kernel) && reduced > 0
  const count = kernel.accumulators.length
  const lane = (l: number): string[] => range(count).map((k) => `x${k}_${l}`)
  const total = range(count).map((k) => `y${k}`)
  const identity = identities(kernel)
  const strided = reduced > 0 ? moving.filter((k) => e.inputs[k].access === "strided") : []
  const base = (k: number): string => pointer(k, inner - 1)
  const scope = new Scope(4, e.fresh)
  const leafAt =
    (shift: number) =>
    (node: Expr, coordinates: readonly string[]): LeafText => {
      const k = Number(node.value)
      if (node.op === "load") return { text: e.load(node, coordinates), level: 0, simple: false }
      if (node.op === "scalar") return e.scalar(node)
      const i = shift ? `(i${inner} + ${shift})` : `i${inner}`
      if (node.op === "index") {
        if (k === inner && reduced > 0) return { text: i, level: 3, simple: true }
        return { text: `i${k}`, level: k < kept ? 1 : 2, simple: true }
      }
      const { access } = e.inputs[k]
      if (reduced === 0) return { text: e.element(k, pointer(k, inner)), level: 3, simple: false }
      if (access === "broadcast") return { text: e.element(k, base(k)), level: 2, simple: false }
      return { text: e.element(k, access === "unit" ? `${base(k)} + ${i}` : `q${k}`), level: 3, simple: false }
    }
  /** One element into one lane. */
  const element = (l: number, shift: number): string[] => {
    const lifted = writeExpressions(kernel.lift, scope, { leaf: leafAt(shift) }).map((text) =>
      isName(text) ? text : scope.declare(3, text),
    )
    const combine = combineLines(kernel, e, lane(l), lifted, lane(l))
    return ["{", ...scope.take(3), ...combine, ...strided.map((k) => `q${k} += s${k}_${inner}`), "}"]
  }
  const declare = (names: readonly string[]): string => `let ${names.map((n, k) => `${n} = ${identity[k]}`).join(", ")}`
  const allLanes = range(lanes).map((l) => declare(lane(l)))
  const mergeLanes =
    lanes === 1
      ? []
      : [
          ...combineLines(kernel, e, lane(0), lane(1), lane(0)),
          ...combineLines(kernel, e, lane(2), lane(3), lane(2)),
          ...combineLines(kernel, e, lane(0), lane(2), lane(0)),
        ]
  const run = (from: string, to: string): string[] => {
    const step = [...range(lanes).flatMap((l) => element(l, l))]
    const i = `i${inner}`
    if (lanes === 1) return [`for (let ${i} = ${from}; ${i} < ${to}; ${i}++) {`, ...step, "}"]
    return [
      `let ${i} = ${from}`,
      `for (; ${i} + ${lanes - 1} < ${to}; ${i} += ${lanes}) {`,
      ...step,
      "}",
      `for (; ${i} < ${to}; ${i}++) {`,
      ...element(0, 0),
      "}",
    ]
  }
  const body: string[] = []
  let accumulators = lane(0)
  if (reduced === 0) body.push(...allLanes, ...element(0, 0))
  else if (chunked) {
    accumulators = total
    const loop = run("chunk", "end")
    body.push(declare(total))
    for (const d of range(inner, kept)) body.push(loopHead(d, moving, (k) => pointer(k, d - 1)))
    body.push(...scope.take(2))
    if (strided.length) body.push(`let ${strided.map((k) => `q${k} = ${base(k)}`).join(", ")}`)
    body.push(`for (let chunk = 0; chunk < n${inner}; chunk += ${CHUNK}) {`)
    body.push(`const end = Math.min(n${inner}, chunk + ${CHUNK})`, ...allLanes, ...loop, ...mergeLanes)
    body.push(...combineLines(kernel, e, total, lane(0), total), "}")
    body.push(...range(inner, kept).map(() => "}"))
  } else {
    const loop = run("0", `n${inner}`)
    body.push(...allLanes)
    for (const d of range(inner, kept)) body.push(loopHead(d, moving, (k) => pointer(k, d - 1)))
    body.push(...scope.take(2))
    if (strided.length) body.push(`let ${strided.map((k) => `q${k} = ${base(k)}`).join(", ")}`)
    body.push(...loop, ...range(inner, kept).map(() => "}"), ...mergeLanes)
  }
  const finish = finishLines(kernel, e, accumulators, (j) => pointer(outputs[j], kept - 1), (d) => `i${d}`)
  const lines = scope.take(0)
  for (const d of range(kept)) lines.push(loopHead(d, [...moving, ...outputs], (k) => pointer(k, d - 1)))
  return [...lines, ...scope.take(1), ...body, ...finish, ...range(kept).map(() => "}")]
}

/** A block of outputs at a time: the last kept dim runs innermost over rows of accumulators. */
function emitRows(kernel: ReduceKernel, e: Emitter, outputs: readonly number[]): string[] {
  const { rank, reduced } = kernel
  const kept = rank - reduced
  const last = kept - 1
  const inner = rank - 1
  const { moving } = e
  const chunked = isChunked(kernel)
  const count = kernel.accumulators.length
  const identity = identities(kernel)
  const rowArray = (k: number): string => (kernel.accumulators[k] === "int64" ? "BigInt64Array" : "Float64Array")
  const rows = range(count).map((k) => `r${k}`)
  const totals = range(count).map((k) => `y${k}`)
  const used = chunked ? [...rows, ...totals] : rows
  used.forEach((name, i) => e.statics.push(`const ${name} = new ${rowArray(i % count)}(${ROW_BLOCK})`))
  const scope = new Scope(4, e.fresh)
  const leaf = (node: Expr, coordinates: readonly string[]): LeafText => {
    const k = Number(node.value)
    if (node.op === "load") return { text: e.load(node, coordinates), level: 0, simple: false }
    if (node.op === "scalar") return e.scalar(node)
    if (node.op === "index") {
      if (k === last) return { text: "(block + j)", level: 3, simple: true }
      return { text: `i${k}`, level: k < kept ? 1 : 2, simple: true }
    }
    return { text: e.element(k, `q${k}`), level: 3, simple: false }
  }
  const at = (names: readonly string[]): string[] => names.map((n) => `${n}[j]`)
  const lifted = writeExpressions(kernel.lift, scope, { leaf }).map((text) =>
    isName(text) ? text : scope.declare(3, text),
  )
  const into = range(count).map((k) => `v${k}`)
  const combine = combineLines(kernel, e, into, lifted, into)
  const row = [
    ...scope.take(2),
    ...(moving.length ? [`let ${moving.map((k) => `q${k} = ${pointer(k, inner)}`).join(", ")}`] : []),
    `for (let j = 0; j < width; j++) {`,
    ...scope.take(3),
    ...(into.length ? [`let ${into.map((v, k) => `${v} = ${at(rows)[k]}`).join(", ")}`] : []),
    ...combine,
    ...into.map((v, k) => `${at(rows)[k]} = ${v}`),
    ...moving.map((k) => `q${k} += s${k}_${last}`),
    "}",
  ]
  const fill = (names: readonly string[]): string[] => names.map((n, k) => `${n}.fill(${identity[k]}, 0, width)`)
  const blockStart = (k: number): string => `${pointer(k, last - 1)} + block * s${k}_${last}`
  const reducedLoop = (d: number): string => loopHead(d, moving, (k) => (d === kept ? blockStart(k) : pointer(k, d - 1)))
  const lines = scope.take(0)
  for (const d of range(last)) lines.push(loopHead(d, [...moving, ...outputs], (k) => pointer(k, d - 1)))
  lines.push(`for (let block = 0; block < n${last}; block += ${ROW_BLOCK}) {`)
  lines.push(`const width = Math.min(${ROW_BLOCK}, n${last} - block)`, ...scope.take(1), ...fill(chunked ? totals : rows))
  for (const d of range(inner, kept)) lines.push(reducedLoop(d))
  if (chunked) {
    const start = (k: number): string => (inner === kept ? blockStart(k) : pointer(k, inner - 1))
    const starts = moving.map((k) => `, p${k}_${inner} = ${start(k)} + chunk * s${k}_${inner}`).join("")
    const steps = moving.map((k) => `, p${k}_${inner} += s${k}_${inner}`).join("")
    lines.push(`for (let chunk = 0; chunk < n${inner}; chunk += ${CHUNK}) {`)
    lines.push(`const end = Math.min(n${inner}, chunk + ${CHUNK})`, ...fill(rows))
    lines.push(`for (let i${inner} = chunk${starts}; i${inner} < end; i${inner}++${steps}) {`, ...row, "}")
    lines.push("for (let j = 0; j < width; j++) {", ...combineLines(kernel, e, at(totals), at(rows), at(totals)), "}", "}")
  } else lines.push(reducedLoop(inner), ...row, "}")
  lines.push(...range(inner, kept).map(() => "}"))
  const outputAt = (j: number): string => `${pointer(outputs[j], last - 1)} + (block + j) * s${outputs[j]}_${last}`
  const indexText = (d: number): string => (d === last ? "(block + j)" : `i${d}`)
  lines.push("for (let j = 0; j < width; j++) {")
  lines.push(...finishLines(kernel, e, at(chunked ? totals : rows), outputAt, indexText), "}", "}")
  lines.push(...range(last).map(() => "}"))
  return lines
}

/** In order along the last dim; strides are multiplied, which serves both directions. */
export function emitScan(kernel: ScanKernel, e: Emitter): string[] {
  const { rank } = kernel
  const inner = rank - 1
  const outputs = kernel.outputs.map((_, j) => e.inputs.length + j)
  const all = [...e.moving, ...outputs]
  const accessOf = (k: number): string => (k < e.inputs.length ? e.inputs[k].access : e.outputs[k - e.inputs.length].access)
  const i = `i${inner}`
  const steps: Readonly<Record<string, (k: number) => string>> = {
    unit: () => ` + ${i}`,
    broadcast: () => "",
    strided: (k) => ` + ${i} * s${k}_${inner}`,
  }
  const at = (k: number): string => `${pointer(k, inner - 1)}${steps[accessOf(k)](k)}`
  const scope = new Scope(3, e.fresh)
  const leaf = (node: Expr, coordinates: readonly string[]): LeafText => {
    const k = Number(node.value)
    if (node.op === "load") return { text: e.load(node, coordinates), level: 0, simple: false }
    if (node.op === "scalar") return e.scalar(node)
    if (node.op === "index") return { text: `i${k}`, level: k === inner ? 2 : 1, simple: true }
    return { text: e.element(k, at(k)), level: e.inputs[k].access === "broadcast" ? 1 : 2, simple: false }
  }
  const accumulators = kernel.accumulators.map((_, k) => `x${k}`)
  const lifted = writeExpressions(kernel.lift, scope, { leaf }).map((t) => (isName(t) ? t : scope.declare(2, t)))
  const body = [
    ...scope.take(2),
    ...combineLines(kernel, e, accumulators, lifted, accumulators),
    ...finishLines(kernel, e, accumulators, (j) => at(outputs[j]), (d) => `i${d}`, (k) => e.element(k, at(k))),
  ]
  const lines = [...e.prologue(rank, rank), ...e.strides(all, range(rank)), ...scope.take(0)]
  for (const d of range(inner)) lines.push(loopHead(d, all, (k) => pointer(k, d - 1)))
  lines.push(...scope.take(1))
  lines.push(`let ${accumulators.map((x, k) => `${x} = ${identities(kernel)[k]}`).join(", ")}`)
  const head = kernel.reverse ? `let ${i} = n${inner} - 1; ${i} >= 0; ${i}--` : `let ${i} = 0; ${i} < n${inner}; ${i}++`
  return [...lines, `for (${head}) {`, ...body, "}", ...range(inner).map(() => "}")]
}
