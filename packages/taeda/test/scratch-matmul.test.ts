import { test, expect } from "vitest"
import * as torch from "@taeda/core"
import { createCpuJs } from "@taeda/backend-cpu-js"
import { readFileSync } from "node:fs"
torch.registerBackend("cpu", { openSync: () => createCpuJs(), open: async () => createCpuJs() })
const num = (v: unknown): number => (v === "nan" ? NaN : v === "inf" ? Infinity : v === "-inf" ? -Infinity : Number(v))
const T = torch as any
const TOL: any = { float64: [1e-9, 1e-10], float32: [2e-5, 2e-5], float16: [2e-3, 3e-3], bfloat16: [2e-2, 2e-2] }
function build(s: any, list: any[]): any {
  if (s.t) {
    const { shape, strides, offset, data, dtype, grad } = s.t
    const flat = torch.tensor(dtype === "int64" ? data.map((x: number) => BigInt(x)) : data.map(num), { dtype } as any)
    let x = shape.includes(0) ? torch.zeros(shape, { dtype } as any) : torch.asStrided(flat, shape, strides, offset)
    x = x.detach()
    if (grad) x.requiresGrad_()
    list.push(x)
    return x
  }
  if (s.l) return s.l.map((e: any) => build(e, list))
  return s.v
}
const flat = (x: any): number[] => Array.from(x.contiguous().dataSync() as any, Number)
function compare(what: string, x: any, want: any, dtype: string): string | null {
  if (want === null || x === null) {
    if ((want === null || want.data.every((v: any) => v === 0)) && (x === null || flat(x).every((v) => v === 0))) return null
    return `${what}: null mismatch got ${x === null ? "null" : "tensor"} want ${want === null ? "null" : "tensor"}`
  }
  if (JSON.stringify(x.shape) !== JSON.stringify(want.shape)) return `${what}: shape ${x.shape} want ${want.shape}`
  if (want.dtype && x.dtype !== want.dtype && !(want.dtype === "int64" && x.dtype === "int32")) return `${what}: dtype ${x.dtype} want ${want.dtype}`
  const [rtol, atol] = TOL[dtype] ?? [0, 0]
  const got = flat(x)
  const w = want.data.map(num)
  for (let i = 0; i < w.length; i++) {
    if (Object.is(got[i], w[i]) || (Number.isNaN(got[i]) && Number.isNaN(w[i]))) continue
    if (!(Math.abs(got[i]! - w[i]) <= atol + rtol * Math.abs(w[i]))) return `${what}[${i}]: ${got[i]} want ${w[i]} (got ${got.slice(0, 6)} want ${w.slice(0, 6)})`
  }
  return null
}
const weight = (x: any, phase: number) => torch.tensor(Array.from({ length: x.numel() }, (_, i) => Math.cos(i * 1.7 + phase)), { dtype: "float64" } as any).to(x.dtype).reshape([...x.shape])
for (const file of (process.env.CASES ?? "").split(",").filter(Boolean)) {
  const cases = JSON.parse(readFileSync(file, "utf8"))
  cases.forEach((c: any, i: number) => {
    const text = `${file.split("/").at(-1)} ${i} ${c.name}(${c.args.map((a: any) => (a.t ? `${a.t.dtype}[${a.t.shape}]` : JSON.stringify(a.v ?? a.l?.length))).join(", ")} ${JSON.stringify(Object.fromEntries(Object.entries(c.kw).map(([k, v]: any) => [k, v.t ? v.t.shape : v.v])))})`
    test(text, () => {
      const list: any[] = []
      const args = c.args.map((a: any) => build(a, list))
      const kw = Object.fromEntries(Object.entries(c.kw).map(([k, v]) => [k, build(v, list)]))
      const f = T[c.name]
      if (!f) throw new Error(`no function ${c.name}`)
      if (c.error) {
        let message = ""
        try { f(...args, ...(Object.keys(kw).length ? [kw] : [])) } catch (e) { message = (e as Error).message }
        console.log(`ERR ${text}\n   torch: ${c.error}\n   ours:  ${message}`)
        expect(message).toContain(c.name)
        return
      }
      if (c.name.endsWith("_")) args[0] = args[0].clone()
      const r = f(...args, ...(Object.keys(kw).length ? [kw] : []))
      const outs = Array.isArray(r) ? [...r] : [r]
      const dt = c.outs[0].dtype
      const problems: (string | null)[] = c.outs.map((w: any, k: number) => compare(`out${k}`, outs[k], w, dt))
      const name = outs[0].gradFn ? outs[0].gradFn.name() : null
      if (name !== c.gradFn) problems.push(`gradFn ${name} want ${c.gradFn}`)
      if (c.grads) {
        const wrt = list.filter((x) => x.requiresGrad)
        let L: any = null
        outs.forEach((o: any, k: number) => {
          if (!o.requiresGrad) return
          const s = o.mul(weight(o, k)).sum()
          L = L ? L.add(s) : s
        })
        const gs = (T.grad ?? T.autograd.grad)(L, wrt, { createGraph: true, allowUnused: true })
        c.grads.forEach((w: any, k: number) => problems.push(compare(`grad${k}`, gs[k], w, dt)))
        if (c.grads2) {
          let S: any = null
          gs.forEach((g: any, k: number) => {
            if (!g || !g.requiresGrad) return
            const s = g.mul(weight(g, 0.3 + k)).sum()
            S = S ? S.add(s) : s
          })
          if (!S) { if (c.grads2.some((w: any) => w && w.data.some((v: any) => v !== 0))) problems.push("no second graph") }
          else {
            const g2 = (T.grad ?? T.autograd.grad)(S, wrt, { allowUnused: true })
            c.grads2.forEach((w: any, k: number) => problems.push(compare(`grad2_${k}`, g2[k], w, dt)))
          }
        }
      }
      const bad = problems.filter(Boolean)
      if (bad.length) throw new Error(bad.join("\n"))
    })
  })
}
test("cases exist", () => expect(1).toBe(1))
