/** Reductions and scans to JavaScript source. */
import type { Expr, Monoid, ReduceKernel, ScanKernel } from "@taeda/core"
import { constantText, type LeafText, Scope, writeExpressions } from "./emit-expression.ts"
import { type Emitter, isName, loopHead, pointer, range } from "./emitter.ts"
import { constantValue, isHalf, storedExpression } from "./expression-plan.ts"
import { CHUNK, chunkOf, isChunked, LANE_MERGES, LANES_FROM, lanesOf, mayRunByRows, ROW_BLOCK } from "./traversal.ts"

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
  const values = writeExpressions(monoid.combine, scope, { leaf, wide: true, branchless: false })
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
  const leaf = (node: Expr, coordinates: readonly LeafText[]): LeafText => {
    const k = Number(node.value)
    if (node.op === "load") return e.load(node, coordinates, scope)
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

/** One output at a time: the reduced dims run innermost. Level d + 1 is inside of the loop over dim d. */
function emitColumns(kernel: ReduceKernel, e: Emitter, outputs: readonly number[]): string[] {
  const { rank, reduced } = kernel
  const kept = rank - reduced
  const inner = rank - 1
  const { moving } = e
  const totals = range(kernel.accumulators.length).map((k) => `y${k}`)
  const scope = new Scope(reduced > 0 ? rank + 1 : rank + 2, e.fresh)
  const body: string[] = []
  if (reduced === 0) body.push(...elementLines(kernel, e, scope, totals, (k) => pointer(k, inner), 0))
  else {
    const { call, results } = emitRun(kernel, e, scope)
    const chunk = chunkOf(kernel)
    // Nothing is read ahead of an empty run.
    const some = range(rank, kept).map((d) => `n${d} > 0`)
    body.push(`if (${some.join(" && ")}) {`, ...scope.take(kept))
    for (const d of range(inner, kept))
      body.push(
        loopHead(d, moving, (k) => pointer(k, d - 1)),
        ...scope.take(d + 1),
      )
    body.push(`for (let chunk = 0; chunk < n${inner}; chunk += ${chunk}) {`)
    body.push(`const end = Math.min(n${inner}, chunk + ${chunk})`, call)
    body.push(...combineLines(kernel, e, totals, results, totals), "}", ...range(inner, kept).map(() => "}"), "}")
  }
  const finish = finishLines(
    kernel,
    e,
    totals,
    (j) => pointer(outputs[j], kept - 1),
    (d) => `i${d}`,
  )
  const lines = scope.take(0)
  for (const d of range(kept))
    lines.push(
      loopHead(d, [...moving, ...outputs], (k) => pointer(k, d - 1)),
      ...scope.take(d + 1),
    )
  return [...lines, declareTuple(totals, kernel), ...body, ...finish, ...range(kept).map(() => "}")]
}

const declareTuple = (names: readonly string[], monoid: Monoid): string =>
  `let ${names.map((n, k) => `${n} = ${identities(monoid)[k]}`).join(", ")}`

/** One element, `shift` further than the loop says, into the accumulators named. */
function elementLines(
  kernel: ReduceKernel,
  e: Emitter,
  scope: Scope,
  into: readonly string[],
  at: (k: number) => string,
  shift: number,
): string[] {
  const inner = kernel.rank - 1
  const looped = kernel.reduced > 0
  const i = shift ? `(i${inner} + ${shift})` : `i${inner}`
  const leaf = (node: Expr, coordinates: readonly LeafText[]): LeafText => {
    const k = Number(node.value)
    if (node.op === "load") return e.load(node, coordinates, scope)
    if (node.op === "scalar") return e.scalar(node)
    if (node.op === "index") return { text: looped && k === inner ? i : `i${k}`, level: k + 1, simple: true }
    const step = looped && e.inputs[k].access === "unit" ? ` + ${i}` : ""
    const level = looped && e.inputs[k].access === "broadcast" ? inner : scope.innermost
    return { text: e.element(k, at(k) + step), level, simple: false }
  }
  const lifted = writeExpressions(kernel.lift, scope, { leaf }).map((text) =>
    isName(text) ? text : scope.declare(scope.innermost, text),
  )
  const combine = combineLines(kernel, e, into, lifted, into)
  return ["{", ...scope.take(scope.innermost), ...combine, "}"]
}

/**
 * The innermost loop as a function of its own, over the elements from `chunk` to before `end`. A function that is called
 * often is compiled once and for all, where a long loop inside of `launch` would be replaced half-way on every call.
 */
function emitRun(kernel: ReduceKernel, e: Emitter, scope: Scope): { call: string; results: string[] } {
  const inner = kernel.rank - 1
  const count = kernel.accumulators.length
  const lanes = lanesOf(kernel)
  const lane = (l: number): string[] => range(count).map((k) => `x${k}_${l}`)
  const base = (k: number): string => pointer(k, inner - 1)
  const strided = e.moving.filter((k) => e.inputs[k].access === "strided")
  const at = (k: number): string => (strided.includes(k) ? `q${k}` : base(k))
  const advance = strided.map((k) => `q${k} += s${k}_${inner}`)
  const element = (l: number, shift: number): string[] => [
    ...elementLines(kernel, e, scope, lane(l), at, shift),
    ...advance,
  ]
  const i = `i${inner}`
  const lines = [declareTuple(lane(0), kernel), `let ${i} = chunk`]
  if (strided.length) lines.push(`let ${strided.map((k) => `q${k} = ${base(k)} + chunk * s${k}_${inner}`).join(", ")}`)
  if (lanes > 1) {
    lines.push(`if (end - chunk >= ${LANES_FROM}) {`, ...range(lanes, 1).map((l) => declareTuple(lane(l), kernel)))
    lines.push(
      `for (; ${i} + ${lanes - 1} < end; ${i} += ${lanes}) {`,
      ...range(lanes).flatMap((l) => element(l, l)),
      "}",
    )
    for (const [l, r] of LANE_MERGES) lines.push(...combineLines(kernel, e, lane(l), lane(r), lane(l)))
    lines.push("}")
  }
  lines.push(`for (; ${i} < end; ${i}++) {`, ...element(0, 0), "}")
  const single = count === 1
  const results = single ? ["run0"] : range(count).map((k) => `w${k}`)
  lines.push(...(single ? [`return ${lane(0)[0]}`] : results.map((w, k) => `${w} = ${lane(0)[k]}`)))
  if (!single) e.statics.push(`let ${results.join(", ")}`)
  const parameters = freeNames(lines)
  e.statics.push(`function run(${parameters.join(", ")}) {`, ...lines, "}")
  const call = `run(${parameters.join(", ")})`
  return { call: single ? `const run0 = ${call}` : call, results }
}

/** The names of a launch that some lines use and do not declare. */
function freeNames(lines: readonly string[]): string[] {
  const text = lines.join("\n")
  const declared = new Set(
    [...text.matchAll(/\b(?:const|let) ([^\n]*)/g)].flatMap((m) => [...m[1].matchAll(/(\w+) = /g)].map((n) => n[1])),
  )
  const used = new Set([...text.matchAll(/\b(?:[acinopqtz]\d+(?:_\d+)?|s\d+_\d+|chunk|end)\b/g)].map((m) => m[0]))
  return [...used].filter((n) => !declared.has(n)).sort()
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
  const leaf = (node: Expr, coordinates: readonly LeafText[]): LeafText => {
    const k = Number(node.value)
    if (node.op === "load") return e.load(node, coordinates, scope)
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
  const reducedLoop = (d: number): string =>
    loopHead(d, moving, (k) => (d === kept ? blockStart(k) : pointer(k, d - 1)))
  const lines = scope.take(0)
  for (const d of range(last)) lines.push(loopHead(d, [...moving, ...outputs], (k) => pointer(k, d - 1)))
  lines.push(`for (let block = 0; block < n${last}; block += ${ROW_BLOCK}) {`)
  lines.push(
    `const width = Math.min(${ROW_BLOCK}, n${last} - block)`,
    ...scope.take(1),
    ...fill(chunked ? totals : rows),
  )
  for (const d of range(inner, kept)) lines.push(reducedLoop(d))
  if (chunked) {
    const start = (k: number): string => (inner === kept ? blockStart(k) : pointer(k, inner - 1))
    const starts = moving.map((k) => `, p${k}_${inner} = ${start(k)} + chunk * s${k}_${inner}`).join("")
    const steps = moving.map((k) => `, p${k}_${inner} += s${k}_${inner}`).join("")
    lines.push(`for (let chunk = 0; chunk < n${inner}; chunk += ${CHUNK}) {`)
    lines.push(`const end = Math.min(n${inner}, chunk + ${CHUNK})`, ...fill(rows))
    lines.push(`for (let i${inner} = chunk${starts}; i${inner} < end; i${inner}++${steps}) {`, ...row, "}")
    lines.push(
      "for (let j = 0; j < width; j++) {",
      ...combineLines(kernel, e, at(totals), at(rows), at(totals)),
      "}",
      "}",
    )
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
  // A rank of 0 is a row of one element.
  const rank = Math.max(kernel.rank, 1)
  const inner = rank - 1
  const outputs = kernel.outputs.map((_, j) => e.inputs.length + j)
  const all = [...e.moving, ...outputs]
  const accessOf = (k: number): string =>
    kernel.rank === 0 ? "broadcast" : k < e.inputs.length ? e.inputs[k].access : e.outputs[k - e.inputs.length].access
  const i = `i${inner}`
  const steps: Readonly<Record<string, (k: number) => string>> = {
    unit: () => ` + ${i}`,
    broadcast: () => "",
    strided: (k) => ` + ${i} * s${k}_${inner}`,
  }
  const at = (k: number): string => `${pointer(k, inner - 1)}${steps[accessOf(k)](k)}`
  const scope = new Scope(rank + 1, e.fresh)
  const leaf = (node: Expr, coordinates: readonly LeafText[]): LeafText => {
    const k = Number(node.value)
    if (node.op === "load") return e.load(node, coordinates, scope)
    if (node.op === "scalar") return e.scalar(node)
    if (node.op === "index") return { text: `i${k}`, level: k + 1, simple: true }
    return { text: e.element(k, at(k)), level: e.inputs[k].access === "broadcast" ? inner : rank, simple: false }
  }
  const accumulators = kernel.accumulators.map((_, k) => `x${k}`)
  const lifted = writeExpressions(kernel.lift, scope, { leaf }).map((t) => (isName(t) ? t : scope.declare(rank, t)))
  const body = [
    ...scope.take(rank),
    ...combineLines(kernel, e, accumulators, lifted, accumulators),
    ...finishLines(
      kernel,
      e,
      accumulators,
      (j) => at(outputs[j]),
      (d) => `i${d}`,
      (k) => e.element(k, at(k)),
    ),
  ]
  const lines = [...e.prologue(kernel.rank, kernel.rank), ...e.strides(all, range(kernel.rank)), ...scope.take(0)]
  if (kernel.rank === 0) lines.push("const n0 = 1")
  for (const d of range(inner))
    lines.push(
      loopHead(d, all, (k) => pointer(k, d - 1)),
      ...scope.take(d + 1),
    )
  lines.push(`let ${accumulators.map((x, k) => `${x} = ${identities(kernel)[k]}`).join(", ")}`)
  const head = kernel.reverse ? `let ${i} = n${inner} - 1; ${i} >= 0; ${i}--` : `let ${i} = 0; ${i} < n${inner}; ${i}++`
  return [...lines, `for (${head}) {`, ...body, "}", ...range(inner).map(() => "}")]
}
