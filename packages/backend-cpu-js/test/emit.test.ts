import { index, input, left, load, result, right, scalar } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { emitKernel } from "../src/emit.ts"
import { mapKernel, reduceKernel, unit } from "./harness.ts"

const x = input(0, "float32")
const OUT = [{ dtype: "float32", access: "unit" }] as const

describe("emitKernel", () => {
  it("writes a tight loop for contiguous operands, the same text every time", () => {
    const build = (): string =>
      emitKernel(mapKernel(1, [unit("float32"), unit("float32")], OUT, [x.add(input(1, "float32"))]))
    expect(build()).toBe(`"use strict"
const $viewBuffer = helpers.viewBuffer
return function launch(sizes, operands, scalars) {
  const A0 = operands[0], B0 = A0.buffer, S0 = A0.strides, o0 = A0.offset
  const a0 = B0.kind === 0 ? B0.data : $viewBuffer(B0, 0)
  const A1 = operands[1], B1 = A1.buffer, S1 = A1.strides, o1 = A1.offset
  const a1 = B1.kind === 0 ? B1.data : $viewBuffer(B1, 0)
  const A2 = operands[2], B2 = A2.buffer, S2 = A2.strides, o2 = A2.offset
  const a2 = B2.kind === 0 ? B2.data : $viewBuffer(B2, 0)
  const n0 = sizes[0]
  if (n0 === 0) return
  if (o0 === 0 && o1 === 0 && o2 === 0) {
    for (let i0 = 0; i0 < n0; i0++) {
      a2[i0] = Math.fround((a0[i0] + a1[i0]))
    }
  } else {
    for (let i0 = 0; i0 < n0; i0++) {
      a2[o2 + i0] = Math.fround((a0[o0 + i0] + a1[o1 + i0]))
    }
  }
}`)
    input(7, "float64").exp().mul(3.25)
    expect(build()).toBe(build())
  })

  it("computes a shared part once, and what stands still outside of the loop", () => {
    const shared = x.exp()
    const scale = scalar(0, "float32").sqrt()
    const broadcast = input(1, "float32").log()
    const source = emitKernel(
      mapKernel(
        2,
        [unit("float32"), unit("float32", "broadcast")],
        OUT,
        [shared.mul(shared.add(scale)).mul(broadcast)],
        ["float32"],
      ),
    )
    expect(source.match(/\$exp32\(/g)).toHaveLength(1)
    const loops = source.split("for (")
    expect(loops).toHaveLength(3)
    expect(loops[0]).toContain("Math.sqrt(")
    expect(loops[1]).toContain("$log32(")
    expect(loops[2]).toContain("$exp32(")
    expect(loops[2]).not.toMatch(/sqrt|log/)
  })

  it("checks and adds up each coordinate of a load in the loop that it belongs to", () => {
    const rows = load(1, "float32", [input(0, "int32"), index(2)], "fault")
    const source = emitKernel(
      mapKernel(3, [unit("int32", "broadcast"), { dtype: "float32", access: "load", rank: 2 }], OUT, [rows]),
    )
    const loops = source.split("for (")
    expect(loops).toHaveLength(4)
    expect(loops[2].match(/\$fault/g)).toHaveLength(2)
    expect(loops[2]).toContain("* s1_0")
    expect(loops[3]).not.toMatch(/if|\?|s1_0/)
  })

  it("looks for faults only as deep as they may occur", () => {
    const source = emitKernel({
      kind: "scatter",
      rank: 2,
      inputs: [unit("int32", "broadcast"), unit("float32")],
      scalars: [],
      value: input(1, "float32"),
      coordinates: [input(0, "int32"), index(1)],
      combine: "add",
      dtype: "float32",
      targetRank: 2,
      bounds: "fault",
    })
    const loops = source.split("for (")
    expect(loops).toHaveLength(4)
    expect(loops[1]).toContain("$fault")
    expect(loops[3]).not.toMatch(/if|\?/)
  })

  it("keeps float32 accumulators in doubles and rounds them once", () => {
    const source = emitKernel(
      reduceKernel({
        rank: 1,
        reduced: 1,
        inputs: [unit("float32")],
        outputs: OUT,
        accumulators: ["float32"],
        identity: [0],
        lift: [x],
        combine: [left(0, "float32").add(right(0, "float32"))],
        finish: [result(0, "float32")],
      }),
    )
    expect(source.match(/fround/g)).toHaveLength(1)
  })

  it("mentions nothing that a page could lack", () => {
    const source = emitKernel(
      mapKernel(
        1,
        [unit("float16")],
        [{ dtype: "bool", access: "strided" }],
        [input(0, "float16").cast("float32").erf().lt(0)],
      ),
    )
    const free = new Set(
      [...source.matchAll(/\b[A-Za-z_$][\w$]*/g)].map((m) => m[0]).filter((n) => /^[A-Z][a-z]/.test(n)),
    )
    expect([...free]).toEqual(["Math"])
  })
})
