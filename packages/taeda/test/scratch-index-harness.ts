import * as torch from "@taeda/core"
import { createCpuJs } from "@taeda/backend-cpu-js"
import { casesOf, errorCasesOf, type Case, type CaseArg } from "../../conformance/src/cases.ts"
import { cotangent, secondCotangent, storageOf, valuesOf, type TensorInput } from "../../conformance/src/inputs.ts"
import { pathOf, toleranceOf, type Row } from "../../conformance/src/row.ts"
import type { Golden, GoldenTensor } from "../../conformance/src/golden.ts"
import { createMinimal } from "../../conformance/src/minimal/backend.ts"
import * as S from "../../conformance/src/decorators/strict.ts"
import * as G from "../../conformance/src/decorators/guarded.ts"
const make = () => process.env.BACKEND === "minimal" ? createMinimal() : process.env.BACKEND === "strict" ? (S as any).strict((G as any).guarded(createCpuJs())) : createCpuJs()
torch.registerBackend("cpu", { openSync: make, open: async () => make() })
import { grad } from "../../core/src/autograd/engine.ts"
const T = { ...torch, grad } as any
const made = (input: TensorInput): any => {
  const flat = T.tensor(Float64Array.from(storageOf(input)), { dtype: "float64" }).to(input.dtype)
  const x = input.length === 0 ? T.zeros(input.shape, { dtype: input.dtype }) : T.asStrided(flat, input.shape, input.strides, input.offset).detach()
  return input.requiresGrad ? x.requiresGrad_() : x
}
const dense = (input: TensorInput): any => T.tensor(valuesOf(input), { dtype: "float64" }).to(input.dtype).reshape(input.shape)
const build = (each: Case) => {
  const tensors: any[] = []
  const visit = (a: CaseArg): any => {
    if (Array.isArray(a)) return a.map(visit)
    if (typeof a === "object" && a !== null) {
      const s = a as any
      if (s.spec === "tensor") { const t = made(s); tensors.push(t); return t }
      return T.slice(s.start, s.stop, s.step)
    }
    return a
  }
  const args = each.args.map(visit)
  const options = Object.fromEntries(Object.entries(each.options).map(([k, v]) => [k, visit(v)]))
  return { args, options, tensors }
}
export const NAMES: Record<string, string> = { unfold: "im2col", fold: "col2im" }
const call = (row: Row, args: any[], options: any, how: string) => {
  const name = row.in === "nn.functional" ? (NAMES[row.name] ?? row.name) : row.name
  const all = Object.keys(options).length ? [...args, options] : args
  const rest = all.slice(1)
  if (row.property) return args[0][row.name]
  if (how === "method") return args[0][name](...rest)
  if (how === "inPlace") return args[0][`${name}_`](...rest)
  if (how === "sync") return (T[`${name}Sync`] ?? ((x: any, ...r: any[]) => x[`${name}Sync`](...r)))(...all)
  if (row.in === "Tensor") return args[0][name](...rest)
  if (!T[name]) throw new Error("missing function " + name)
  return T[name](...all)
}
const close = (a: number, b: number, tol: { rtol: number; atol: number }) =>
  Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= tol.atol + tol.rtol * Math.abs(b)
const diff = (t: any, g: GoldenTensor, tol: any, what: string): string | null => {
  if (t === null || t === undefined) return `${what}: missing`
  if (t.dtype !== g.dtype) return `${what}: dtype ${t.dtype} vs ${g.dtype}`
  if (JSON.stringify(t.shape) !== JSON.stringify(g.shape)) return `${what}: shape ${JSON.stringify(t.shape)} vs ${JSON.stringify(g.shape)}`
  const d = Array.from(t.detach().dataSync() as ArrayLike<number>, Number)
  for (let i = 0; i < d.length; i++) if (!close(d[i]!, g.data[i]!, tol)) return `${what}: [${i}] ${d[i]} vs ${g.data[i]}  (all ${d.slice(0, 12)} vs ${Array.from(g.data.slice(0, 12))})`
  return null
}
export async function runCase(each: Case, golden: Golden, how: string): Promise<string[]> {
  const problems: string[] = []
  const { row } = each
  const tol = toleranceOf(row, each.dtype)
  try {
    const { args, options, tensors } = build(each)
    if (row.mutates || how === "inPlace") {
      args[0] = args[0].clone()
    }
    let result = call(row, args, options, how)
    if (each.awaited && how !== "sync") result = await result
    const outs: any[] = golden.form === "tensor" ? [result] : golden.fields ? [...result] : [...result]
    golden.outputs.forEach((g, i) => {
      const p = diff(outs[i], g, tol, `out${i}`)
      if (p) return problems.push(p)
      if (g.gradFn !== undefined && how !== "inPlace") {
        const name = outs[i].gradFn?.name() ?? null
        if (name !== (g.gradFn?.replace("torch::autograd::", "") ?? null)) problems.push(`gradFn ${name} vs ${g.gradFn}`)
      }
      if (g.alias && how !== "inPlace") {
        const inp = tensors[g.alias.input]
        if (inp.numel() && outs[i].storage !== inp.storage) problems.push(`not an alias of input ${g.alias.input}`)
        else if (g.alias.same && outs[i] !== inp) problems.push("not the same tensor")
        else if (inp.numel() && (JSON.stringify(outs[i].strides) !== JSON.stringify(g.alias.strides) || outs[i].offset !== g.alias.offset)) problems.push(`strides ${outs[i].strides} @${outs[i].offset} vs ${g.alias.strides} @${g.alias.offset}`)
      }
    })
    if (problems.length || !golden.gradients) return problems
    const driven = outs.map((o, k) => [o, k] as const).filter(([o]) => o.requiresGrad)
    const wanted = tensors.filter((t) => t.requiresGrad)
    const gs = T.grad(driven.map(([o]) => o), wanted, { gradOutputs: driven.map(([o, k]) => dense(cotangent(o.shape, o.dtype, k))), createGraph: !!golden.secondGradients, allowUnused: true })
    let w = 0
    const full = tensors.map((t) => (t.requiresGrad ? gs[w++] : null))
    full.forEach((g, i) => {
      const e = golden.gradients![i]
      if (!e) { if (g && Array.from(g.detach().dataSync()).some((v: any) => v !== 0)) problems.push(`grad ${i} should be none`); return }
      const p = diff(g, e, tol, `grad${i}`)
      if (p) problems.push(p)
    })
    if (problems.length || !golden.secondGradients) return problems
    // Sum of grad * second cotangent.
    const again = full.map((g, i) => [g, i] as const).filter(([g]) => g && g.requiresGrad)
    if (!again.length) { if (golden.secondGradients.some((g) => g && g.data.some((v) => v !== 0))) problems.push("no second gradient"); return problems }
    const ss = T.grad(again.map(([g]) => g), wanted, { gradOutputs: again.map(([g, i]) => dense(secondCotangent(g.shape, g.dtype, i))), allowUnused: true })
    w = 0
    tensors.forEach((t, i) => {
      if (!t.requiresGrad) return
      const s = ss[w++]
      const e = golden.secondGradients![i]
      if (!e) { if (s && Array.from(s.detach().dataSync()).some((v: any) => v !== 0)) problems.push(`second ${i} should be none`); return }
      if (!s) { if (e.data.some((v) => v !== 0)) problems.push(`second ${i} missing`); return }
      const p = diff(s, e, tol, `second${i}`)
      if (p) problems.push(p)
    })
  } catch (e: any) {
    problems.push(`threw ${e.stack?.split("\n").slice(0, 3).join(" | ") ?? e}`)
  }
  return problems
}
export async function check(rows: readonly Row[], goldens: Map<string, Golden>): Promise<string[]> {
  const out: string[] = []
  let n = 0
  for (const row of rows) {
    const ways = ["function", ...(row.method && row.in === "torch" ? ["method"] : []), ...(row.inPlace ? ["inPlace"] : [])]
    for (const each of casesOf(row)) {
      const g = goldens.get(each.id)
      if (!g) { out.push(`${each.id}: no golden`); continue }
      for (const how of [...ways, ...(each.awaited ? ["sync"] : [])]) {
        if (how === "inPlace" && g.outputs[0] && (g.outputs[0].dtype !== each.inputs[0]!.dtype)) continue
        n++
        const p = await runCase(each, g, how)
        for (const q of p) out.push(`${each.id} ${how}: ${q}`)
      }
    }
    for (const each of errorCasesOf(row)) {
      const { args, options } = build(each as any)
      n++
      try {
        const r = call(row, args, options, "function")
        if (r instanceof Promise) await r
        out.push(`${each.id}: did not throw`)
      } catch (e: any) {
        const missing = each.error.words.filter((w) => !String(e.message).toLowerCase().includes(w.toLowerCase()))
        if (missing.length) out.push(`${each.id}: lacks ${missing} in: ${e.message}`)
        if (!(e instanceof RangeError || e instanceof TypeError)) out.push(`${each.id}: is ${e.name} ${e.message}`)
      }
    }
  }
  out.push(`ran ${n}`)
  return out
}
