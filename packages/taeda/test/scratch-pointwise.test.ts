import { expect, test } from "vitest"
import * as torch from "@taeda/core"
import { createCpuJs } from "@taeda/backend-cpu-js"
import { casesOf, errorCasesOf } from "../../conformance/src/cases.ts"
import { loadGolden } from "../../conformance/src/golden.ts"
import { cotangent, secondCotangent, storageOf } from "../../conformance/src/inputs.ts"
import { FAMILIES } from "../../conformance/src/rows/index.ts"
import { toleranceOf } from "../../conformance/src/row.ts"
torch.registerBackend("cpu", { openSync: () => createCpuJs(), open: async () => createCpuJs() })
import * as engine from "../../core/src/autograd/engine.ts"
import * as m1 from "../../core/src/ops/unary.ts"
import * as m2 from "../../core/src/ops/math.ts"
import * as m3 from "../../core/src/ops/activation.ts"
import * as m4 from "../../core/src/ops/comparison.ts"
import * as m5 from "../../core/src/ops/bitwise.ts"
import * as m6 from "../../core/src/ops/selection.ts"
const T = { ...torch, ...m1, ...m2, ...m3, ...m4, ...m5, ...m6, grad: engine.grad } as any
const only = process.env.ONLY?.split(",")
const MINE = new Set((process.env.MINE ?? "abs neg positive sign sgn exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc erfinv lgamma digamma sigmoid logit sinc floor ceil trunc round frac deg2rad rad2deg isnan isinf isfinite isposinf isneginf signbit logicalNot bitwiseNot nanToNum clamp clampMin clampMax relu relu6 leakyRelu elu selu celu gelu silu mish softplus softsign hardtanh hardsigmoid hardswish tanhshrink softshrink hardshrink logsigmoid threshold prelu glu rrelu pow floatPower atan2 maximum minimum fmax fmin hypot copysign heaviside logaddexp logaddexp2 xlogy eq ne lt le gt ge logicalAnd logicalOr logicalXor bitwiseAnd bitwiseOr bitwiseXor bitwiseLeftShift bitwiseRightShift isclose where lerp addcmul addcdiv maskedFill equal allclose ldexp nextafter").split(" "))
function make(i: any) {
  const s = storageOf(i)
  let base = T.tensor(i.dtype === "int64" ? BigInt64Array.from([...s].map((x: number) => BigInt(x))) : new Float64Array(s)).to(i.dtype)
  if (i.length === 0) base = T.empty([1], { dtype: i.dtype })
  const x = T.asStrided(base, i.shape, i.strides, i.offset)
  return x.detach().requiresGrad_(i.requiresGrad)
}
const build = (a: any, made: any[]): any => Array.isArray(a) ? a.map((x) => build(x, made)) : a && a.spec === "tensor" ? (made.push(make(a)), made.at(-1)) : a
function diff(got: any, want: any, tol: any): string | null {
  if (got === null || got === undefined) return want === null ? null : "null grad"
  if (want === null) { return null }
  if (got.dtype !== want.dtype) return `dtype ${got.dtype} want ${want.dtype}`
  if (String(got.shape) !== String(want.shape)) return `shape ${got.shape} want ${want.shape}`
  const d = [...got.dataSync()].map(Number)
  const bad: string[] = []
  for (let i = 0; i < d.length; i++) {
    const w = want.data[i]
    const ok = Number.isFinite(w) && Number.isFinite(d[i]) ? Math.abs(w - d[i]!) <= tol.atol + tol.rtol * Math.abs(w) : Object.is(w, d[i])
    if (!ok) bad.push(`[${i}] ${d[i]} want ${w}`)
  }
  return bad.length ? bad.slice(0, 6).join("; ") + (bad.length > 6 ? ` (+${bad.length - 6})` : "") : null
}
for (const [family, rows] of Object.entries(FAMILIES)) {
  const mine = (rows as any[]).filter((r) => MINE.has(r.name) && (!only || only.includes(r.name)))
  if (!mine.length) continue
  test(family, async () => {
    const golden = await loadGolden(family as any)
    const fails: string[] = []
    let n = 0
    for (const row of mine) {
      const f = T[row.name]
      if (!f) { fails.push(`${row.name}: MISSING`); continue }
      if (row.inPlace && !T.Tensor.prototype[row.name + "_"]) fails.push(`${row.name}_ missing method`)
      if (row.method && !T.Tensor.prototype[row.name]) fails.push(`${row.name} missing method`)
      for (const c of casesOf(row)) {
        n++
        const g: any = golden.get(c.id)
        if (!g) { continue }
        const tol = toleranceOf(row, c.dtype)
        try {
          const made: any[] = []
          const args = c.args.map((a) => build(a, made))
          const opts = Object.fromEntries(Object.entries(c.options).map(([k, v]) => [k, build(v, made)]))
          const call = Object.keys(opts).length ? [...args, opts] : args
          let out = f(...call)
          if (out instanceof Promise) out = await out
          if (g.form === "host") { if (out !== g.host) fails.push(`${c.id}: ${out} want ${g.host}`); continue }
          const o = g.outputs[0]
          let d = diff(out, o, toleranceOf(row, out.dtype))
          const where = c.inputs.map((i: any) => i.values ? "X" : i.shape.join("x")).join()
          const at = (d: string | null) => d && c.inputs[0]!.values ? d.replace(/\[(\d+)\]/g, (_, i) => `[${c.inputs.map((x: any) => x.values?.[i] ?? "").join(",")}]`) : d
          if (d) fails.push(`${c.id} (${where}) ${JSON.stringify(c.options)}: ${at(d)}`)
          const name = out.gradFn?.name() ?? null
          if (name !== o.gradFn) fails.push(`${c.id}: gradFn ${name} want ${o.gradFn}`)
          if (g.gradients && out.gradFn) {
            const ct = make(cotangent(out.shape, out.dtype))
            const wanted = made.filter((m) => m.requiresGrad)
            const grads = T.grad(out, wanted, { gradOutputs: ct, allowUnused: true, createGraph: c.second })
            let k = 0
            const all = made.map((m) => m.requiresGrad ? grads[k++] : null)
            all.forEach((gr: any, i: number) => {
              const w = g.gradients[i]
              if (gr === null && w && w.data.every((v: number) => v === 0)) return
              d = diff(gr, w, toleranceOf(row, w?.dtype ?? c.dtype))
              if (d) fails.push(`${c.id} (${where}) ${JSON.stringify(c.options)} GRAD${i}: ${at(d)}`)
            })
            if (g.secondGradients) {
              const parts = all.flatMap((gr: any, i: number) => gr && gr.requiresGrad && g.gradients[i] ? [gr.mul(make(secondCotangent(gr.shape, gr.dtype, i)).detach()).sum()] : [])
              if (parts.length) {
                const total = parts.reduce((a: any, b: any) => a.add(b))
                const gg = T.grad(total, wanted, { allowUnused: true })
                k = 0
                made.forEach((m: any, i: number) => {
                  if (!m.requiresGrad) return
                  const v = gg[k++]
                  const w = g.secondGradients[i]
                  if (!v) { if (w && !w.data.every((q: number) => q === 0)) fails.push(`${c.id} GG${i} null`); return }
                  if (!w) { if ([...v.dataSync()].some((q: any) => q !== 0)) fails.push(`${c.id} GG${i} torch has none`); return }
                  d = diff(v, w, tol)
                  if (d) fails.push(`${c.id} (${where}) GG${i}: ${at(d)}`)
                })
              }
            }
          }
          if (row.inPlace && out.shape.join() === c.inputs[0]!.shape.join() && out.dtype === c.inputs[0]!.dtype && T.isTensor(args[0])) {
            const copy = args[0].detach().clone()
            copy[row.name + "_"](...call.slice(1))
            d = diff(copy, o, toleranceOf(row, out.dtype))
            if (d) fails.push(`${c.id} INPLACE: ${d}`)
          }
        } catch (e) {
          fails.push(`${c.id}: THROWS ${(e as Error).message.slice(0, 300)} ${process.env.STACK ? (e as Error).stack : ""}`)
        }
      }
      for (const c of errorCasesOf(row)) {
        n++
        const made: any[] = []
        const args = c.args.map((a) => build(a, made))
        const opts = Object.fromEntries(Object.entries(c.options).map(([k, v]) => [k, build(v, made)]))
        try { f(...args, ...(Object.keys(opts).length ? [opts] : [])); fails.push(`${c.id}: no error`) }
        catch (e) { const m = (e as Error).message; const missing = c.error.words.filter((w) => !m.toLowerCase().includes(w.toLowerCase())); if (missing.length) fails.push(`${c.id}: message lacks ${missing}: ${m}`) }
      }
    }
    console.log(`${family}: ${n} cases, ${fails.length} fails\n` + fails.join("\n"))
    expect(fails.length).toBe(0)
  }, 600000)
}
