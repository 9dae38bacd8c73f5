import { expect, test } from "vitest"
import { readFileSync } from "node:fs"
import * as torch from "@taeda/core"
import { createCpuJs } from "@taeda/backend-cpu-js"
import * as engine from "../../core/src/autograd/engine.ts"
torch.registerBackend("cpu", { openSync: () => createCpuJs(), open: async () => createCpuJs() })
const T: any = { ...torch, grad: engine.grad }
const { inputs, cases } = JSON.parse(readFileSync("/tmp/rd/cases.json", "utf8"))
const num = (v: any) => (v === "nan" ? NaN : v === "inf" ? Infinity : v === "-inf" ? -Infinity : v)
const make = (t: any) => T.tensor(t.data.map(num), { dtype: t.dtype === "int64" ? "int32" : t.dtype }).reshape(t.shape)
const DT: any = { int64: "int32" }
const TOL: any = { float64: 1e-10, float32: 2e-6, float16: 2e-3, bfloat16: 1.6e-2 }
function cmp(what: string, got: any, want: any) {
  const a = [...got.dataSync()].map(Number), w = want.data.map(num)
  const dt = DT[want.dtype] ?? want.dtype
  const fail = (s: string) => { throw new Error(`${what}: ${s}\n  got ${got.dtype}[${got.shape}] ${a.slice(0, 12)}\n want ${dt}[${want.shape}] ${w.slice(0, 12)}`) }
  if (got.dtype !== dt || String(got.shape) !== String(want.shape)) fail("dtype/shape")
  const tol = TOL[dt] ?? 0
  a.forEach((v, i) => { const y = Number(w[i]); if (!(v === y || (v !== v && y !== y) || Math.abs(v - y) <= tol * (1 + Math.abs(y)))) fail(`element ${i}: ${v} vs ${y}`) })
}
const wave = (o: any, f: number, j: number, fn: any) => T.tensor(Array.from({ length: o.numel() }, (_, i) => fn(i * f + j)), { dtype: "float64" }).reshape(o.shape).to(o.dtype)
const AsyncFunction = (async () => {}).constructor as any
test("all", async () => {
  const errors: string[] = []
  let n = 0
  for (const c of cases) {
    if (c.error || (process.env.ONLY && !c.ts.includes(process.env.ONLY))) continue
    n++
    try {
      const env: any = Object.fromEntries(Object.entries(inputs).map(([k, t]: any) => [k, t.dtype.includes("float") ? make(t).requiresGrad_() : make(t)]))
      const out = await new AsyncFunction("T", ...Object.keys(env), `return ${c.ts}`)(T, ...Object.values(env))
      const outs = Array.isArray(out) ? out : [out]
      if (outs.length !== c.outs.length) throw new Error("number of outs")
      outs.forEach((o: any, i: number) => cmp(`out ${i}`, o, c.outs[i]))
      outs.forEach((o: any, i: number) => { if ((o.gradFn?.name() ?? null) !== c.names[i]) errors.push(`${c.ts}: name ${o.gradFn?.name()} want ${c.names[i]}`) })
      if (c.grads) {
        let tot: any = null
        outs.forEach((o: any, j: number) => { if (o.requiresGrad) { const s = o.mul(wave(o, 1.7, j, Math.cos)).sum(); tot = tot ? tot.add(s.to(tot.dtype)) : s } })
        const names = Object.keys(env).filter((k) => env[k].isFloatingPoint())
        const gs = T.grad(tot, names.map((k) => env[k]), { createGraph: true, allowUnused: true })
        names.forEach((k, i) => { if (c.grads[k]) cmp(`grad ${k}`, gs[i], c.grads[k]); else if (gs[i]) throw new Error(`grad ${k} should be null`) })
        if (c.grads2) {
          let t2: any = null
          for (const g of gs) if (g?.requiresGrad) { const s = g.mul(wave(g, 0.9, 0, Math.sin)).sum(); t2 = t2 ? t2.add(s) : s }
          const g2 = T.grad(t2, names.map((k) => env[k]), { allowUnused: true })
          names.forEach((k, i) => { if (c.grads2[k]) { if (g2[i]) cmp(`grad2 ${k}`, g2[i], c.grads2[k]); else if (c.grads2[k].data.some((v: any) => v !== 0)) throw new Error(`grad2 ${k} is null`) } })
        }
      }
    } catch (e: any) { errors.push(`${c.ts}: ${process.env.STACK ? e.stack : e.message}`) }
  }
  console.log(`${n} cases\n` + errors.join("\n"))
  expect(errors.length).toBe(0)
})
