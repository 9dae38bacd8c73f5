import { describe, expect, test } from "vitest"
import * as torch from "@taeda/core"
import { createCpuJs } from "@taeda/backend-cpu-js"
import { casesOf, errorCasesOf } from "../../conformance/src/cases.ts"
import { loadGolden } from "../../conformance/src/golden.ts"
import { cotangent, secondCotangent, storageOf, valuesOf } from "../../conformance/src/inputs.ts"
import { toleranceOf } from "../../conformance/src/row.ts"
import { FAMILIES } from "../../conformance/src/rows/index.ts"
torch.registerBackend("cpu", { openSync: () => createCpuJs(), open: async () => createCpuJs() })
import * as engine from "../../core/src/autograd/engine.ts"
const T: any = { ...torch, grad: engine.grad }
const WANTED: Record<string, string[]> = {
  reduction: ["sum","mean","prod","max","min","amax","amin","argmax","argmin","all","any","std","var","stdMean","varMean","norm","vectorNorm","logsumexp","countNonzero","nansum","nanmean","median","cumsum","cumprod","cummax","cummin","logcumsumexp","diff","bincount"],
  sorting: ["sort","argsort","msort","topk","kthvalue"],
  neural: ["softmax","logSoftmax","softmin"],
  indexing: ["nonzero","unique","searchsorted","bucketize"],
  linalg: ["trace"],
}
const only = process.env.ONLY?.split(",")
const make = (i: any, grad = i.requiresGrad) => {
  const base = T.tensor([...storageOf(i)].map((x) => (i.dtype === "int64" ? BigInt(x) : x)), { dtype: i.dtype })
  const x = T.asStrided(base, i.shape, i.strides, i.offset)
  return new T.Tensor(x.storage, x.shape, x.strides, x.offset, x.dtype).requiresGrad_(grad && x.isFloatingPoint())
}
const dense = (i: any, grad = false) => T.tensor([...valuesOf(i)].map((x) => (i.dtype === "int64" ? BigInt(x) : x)), { dtype: i.dtype }).reshape(i.shape).requiresGrad_(grad)
const nums = (t: any) => [...t.dataSync()].map(Number)
function compare(what: string, got: any, want: any, tol: any) {
  const a = nums(got)
  const fail = (s: string) => { throw new Error(`${what}: ${s}\n got ${got.dtype}[${got.shape}] ${a.slice(0, 24)}\nwant ${want.dtype}[${want.shape}] ${[...want.data].slice(0, 24)}`) }
  if (got.dtype !== want.dtype || String(got.shape) !== String(want.shape)) fail("dtype/shape")
  a.forEach((x, i) => {
    const y = want.data[i]
    if (Object.is(x, y) || x === y || (x !== x && y !== y)) return
    if (!(Math.abs(x - y) <= tol.atol + tol.rtol * Math.abs(y))) fail(`element ${i}: ${x} vs ${y}`)
  })
}
for (const [family, names] of Object.entries(WANTED)) {
  const rows = (FAMILIES as any)[family].filter((r: any) => names.includes(r.name) && (!only || only.includes(r.name)))
  describe(family, async () => {
    const goldens = await loadGolden(family as any)
    for (const row of rows) test(row.name, async () => {
      const errors: string[] = []
      let count = 0
      for (const c of casesOf(row)) {
        try {
          count++
          const golden: any = goldens.get(c.id)
          const made: any[] = []
          const build = (a: any, mk: any): any => Array.isArray(a) ? a.map((e) => build(e, mk)) : a && a.spec === "tensor" ? (made.push(mk(a)), made.at(-1)) : a
          const options = Object.fromEntries(Object.entries(c.options).map(([k, v]) => [k, build(v, make)]))
          const args = c.args.map((a) => build(a, make))
          const fn = T[row.name]
          const more = Object.keys(options).length ? [options] : []
          let out = row.method ? args[0][row.name](...args.slice(1), ...more) : fn(...args, ...more)
          if (c.awaited) out = await out
          const tol = toleranceOf(row, c.dtype)
          if (row.inPlace && made[0].layout !== "expanded" && c.inputs[0].layout !== "expanded" && golden.outputs[0].dtype === made[0].dtype) {
            const y = make(c.inputs[0]).mul(1)
            const z = y[`${row.name}_`](...args.slice(1), ...more)
            if (z !== y) throw new Error("in place: another object")
            compare("in place", z, golden.outputs[0], tol)
            if (golden.outputs[0].gradFn && z.gradFn?.name() !== golden.outputs[0].gradFn) throw new Error(`in place gradFn ${z.gradFn?.name()}`)
          }
          const outs: any[] = Array.isArray(out) ? out : [out]
          if (outs.length !== golden.outputs.length) throw new Error(`outputs ${outs.length} want ${golden.outputs.length}`)
          if (golden.fields) for (const [i, f] of golden.fields.entries()) if ((out as any)[f] !== outs[i]) throw new Error(`field ${f}`)
          outs.forEach((o, i) => {
            compare(`out ${i}`, o, golden.outputs[i], tol)
            if ((o.gradFn?.name() ?? null) !== golden.outputs[i].gradFn) throw new Error(`gradFn ${o.gradFn?.name()} want ${golden.outputs[i].gradFn}`)
          })
          const driven = outs.map((o, k) => [o, k]).filter(([o]) => o.requiresGrad)
          if (golden.gradients) {
            const wanted = made.filter((m) => m.requiresGrad)
            const grads = T.grad(driven.map(([o]) => o), wanted, { gradOutputs: driven.map(([o, k]) => dense(cotangent(o.shape, o.dtype, k as number))), createGraph: c.second, allowUnused: true })
            let j = 0
            const got = made.map((m) => (m.requiresGrad ? grads[j++] : null))
            golden.gradients.forEach((g: any, i: number) => {
              if (g) compare(`grad ${i}`, got[i], g, tol)
              else if (got[i]) throw new Error(`grad ${i} should be null`)
            })
            if (golden.secondGradients) {
              const again = got.map((g, i) => [g, i]).filter(([g]) => g?.requiresGrad)
              const more2 = T.grad(again.map(([g]) => g), wanted, { gradOutputs: again.map(([g, i]) => dense(secondCotangent(g.shape, g.dtype, i as number))), allowUnused: true })
              let k = 0
              const got2 = made.map((m) => (m.requiresGrad ? more2[k++] : null))
              golden.secondGradients.forEach((g: any, i: number) => { if (g) compare(`second ${i}`, got2[i], g, tol) })
            }
          }
        } catch (e: any) { errors.push(`${c.id} ${JSON.stringify(c.sample.args.slice(1))} ${JSON.stringify(c.sample.options)}: ${process.env.STACK ? e.stack : e.message}`) }
      }
      for (const c of errorCasesOf(row)) {
        const build = (a: any): any => Array.isArray(a) ? a.map(build) : a && a.spec === "tensor" ? make(a, false) : a
        const args = c.args.map(build)
        const options = Object.fromEntries(Object.entries(c.options).map(([k, v]) => [k, build(v)]))
        try {
          await T[row.name](...args, ...(Object.keys(options).length ? [options] : []))
          errors.push(`${c.id}: no error`)
        } catch (e: any) {
          const low = e.message.toLowerCase()
          for (const w of c.error.words) if (!low.includes(w.toLowerCase())) errors.push(`${c.id}: "${e.message}" lacks ${w}`)
        }
      }
      console.log(`${row.name}: ${count} cases, ${errors.length} errors`)
      if (errors.length) { console.log(errors.slice(0, Number(process.env.SHOW ?? 6)).join("\n")); expect(errors.length).toBe(0) }
      expect(count).toBeGreaterThan(0)
    })
  })
}
