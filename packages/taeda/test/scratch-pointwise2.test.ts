import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import * as torch from "@taeda/core"
import { createCpuJs } from "@taeda/backend-cpu-js"
import * as engine from "../../core/src/autograd/engine.ts"
import * as m1 from "../../core/src/ops/unary.ts"
import * as m2 from "../../core/src/ops/math.ts"
import * as m3 from "../../core/src/ops/activation.ts"
import * as m4 from "../../core/src/ops/comparison.ts"
import * as m5 from "../../core/src/ops/bitwise.ts"
import * as m6 from "../../core/src/ops/selection.ts"
const T = { ...torch, ...m1, ...m2, ...m3, ...m4, ...m5, ...m6, grad: engine.grad } as any
torch.registerBackend("cpu", { openSync: () => createCpuJs(), open: async () => createCpuJs() })
const num = (v: any) => v === "nan" ? NaN : v === "inf" ? Infinity : v === "-inf" ? -Infinity : v === "-0" ? -0 : Number(v)
const mk = (a: any) => a.dtype === "int64" ? T.tensor(BigInt64Array.from(a.t.map((v: string) => BigInt(v)))).reshape(a.shape) : T.tensor(Float64Array.from(a.t.map(num))).to(a.dtype).reshape(a.shape)
const TOL: any = { float64: [1e-10, 1e-12], float32: [1.3e-6, 1e-5], float16: [1e-3, 1e-5], bfloat16: [1.6e-2, 1e-5] }
test("cases", () => {
  const cases = JSON.parse(readFileSync("/tmp/pw/cases.json", "utf8"))
  const only = process.env.ONLY?.split(",")
  const out: string[] = []
  const strict = process.env.STRICT
  for (const c of cases) {
    if (only && !only.includes(c.op)) continue
    const head = `${c.op}(${c.args.map((a: any) => a && a.t ? `${a.dtype}[${a.shape}]` : JSON.stringify(a))} ${JSON.stringify(c.opts)})`
    let res: any
    const ins: any[] = []
    try {
      const args = c.args.map((a: any) => { if (!a || !a.t) return typeof a === "string" ? num(a) : a; const t = mk(a); if (c.grads) { if (t.isFloatingPoint()) { t.requiresGrad_(); ins.push(t) } } return t })
      if (!T[c.op]) { out.push(`MISSING ${c.op}`); continue }
      res = T[c.op](...args, ...(Object.keys(c.opts).length ? [c.opts] : []))
      if (c.error) { out.push(`${head}: torch throws "${c.error}"; we give ${res.dtype}`); continue }
    } catch (e) {
      if (!c.error) out.push(`${head}: THROWS ${(e as Error).message.slice(0, 200)}`)
      else if (process.env.ERRORS) out.push(`${head}: ${(e as Error).message}   | torch: ${c.error}`)
      continue
    }
    const i64 = c.dtype === "int64" && res.dtype === "int32"
    if (res.dtype !== c.dtype && !i64) { out.push(`${head}: dtype ${res.dtype} want ${c.dtype}`); continue }
    const check = (t: any, want: any[], what: string) => {
      if (!t) { if (want && want.some((w) => num(w) !== 0)) out.push(`${head} ${what}: null`); return }
      if (!want) { return }
      const d = [...t.dataSync()]
      const [rtol, atol] = TOL[t.dtype] ?? [0, 0]
      const bad: string[] = []
      d.forEach((v: any, i) => {
        if (typeof v === "bigint" || t.dtype === "int32") { if (String(v) !== String(want[i])) bad.push(`[${i}] ${v} want ${want[i]}`); return }
        const w = num(want[i])
        const ok = Number.isFinite(w) && Number.isFinite(v) ? Math.abs(w - v) <= (strict ? atol * 1e-30 : atol) + rtol * Math.abs(w) && (w !== 0 || v !== 0 || Object.is(w, v)) : Object.is(w, v)
        if (!ok) bad.push(`[${c.args.map((a: any) => a?.t ? a.t[i % a.t.length] : a)}] ${v} want ${want[i]}`)
      })
      if (bad.length) out.push(`${head} ${what}: ${bad.slice(0, 5).join("; ")}${bad.length > 5 ? ` (+${bad.length - 5})` : ""}`)
    }
    check(res, c.out, "")
    const name = res.gradFn?.name() ?? null
    if (c.grads && name !== c.grad_fn) out.push(`${head}: gradFn ${name} want ${c.grad_fn}`)
    if (c.grads && res.gradFn) {
      const n = res.numel()
      const g = T.tensor(Float64Array.from({ length: n }, (_, k) => (((k + 1) % 5) - 2) * 0.75 + 0.3)).to(res.dtype).reshape(res.shape)
      const gs = T.grad(res, ins, { gradOutputs: g, allowUnused: true })
      gs.forEach((t: any, k: number) => check(t, c.grads[k], `GRAD${k}`))
    }
  }
  console.log(`${cases.length} cases, ${out.length} differences\n` + out.join("\n"))
  expect(out.length).toBe(0)
}, 600000)
