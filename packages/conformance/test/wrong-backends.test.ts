/** Backends that are wrong in one thing each: the suite must find it, and find it for the right reason. */

import { type Backend, constant, type Executable, type Expr, type Kernel, type Operand, substitute } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { delegate } from "../src/decorators/delegate.ts"
import { countOf, operandTypes, widthOf } from "../src/decorators/operands.ts"
import { createMinimal } from "../src/minimal/backend.ts"
import type { Report } from "../src/report/report.ts"
import { runConformance } from "../src/run.ts"

type Launch = (kernel: Kernel, operands: readonly Operand[], launch: (operands: readonly Operand[]) => void) => void

/** The minimal backend with its launches tampered with. */
function tampering(tamper: Launch): Backend {
  const inner = createMinimal()
  const kernels = new Map<Executable, Kernel>()
  return {
    ...delegate(inner),
    compile(kernel) {
      const executable = inner.compile(kernel)
      kernels.set(executable, kernel)
      return executable
    },
    launch: (executable, sizes, operands, scalars) =>
      tamper(kernels.get(executable)!, operands, (given) => inner.launch(executable, sizes, given, scalars)),
  }
}

/** The minimal backend that compiles one expression into another. */
function miscompiling(replace: (node: Expr) => Expr | undefined): Backend {
  const inner = createMinimal()
  return {
    ...delegate(inner),
    compile: (kernel) =>
      inner.compile(kernel.kind === "map" ? { ...kernel, body: substitute(kernel.body, replace) } : kernel),
  }
}

const problemsIn = ({ cases }: Report): string[] =>
  cases.flatMap(({ failures = [] }) => failures.flatMap(({ problems }) => problems))
const templatesIn = ({ cases }: Report): Set<string> =>
  new Set(cases.flatMap(({ failures = [] }) => failures.map(({ template }) => template)))

describe("the suite finds", () => {
  it("nothing in the minimal backend itself", async () => {
    const report = await runConformance({ backend: createMinimal(), ops: ["tanh", "add", "cumsum"] })
    expect(problemsIn(report)).toEqual([])
    expect(report.passed).toBeGreaterThan(100)
  })

  it("a wrong gradient in one primitive, by PyTorch's values and by finite differences", async () => {
    // tanh' is 1 - y²; this backend takes y for y².
    const wrong = miscompiling((node) => {
      if (node.op !== "sub" || !node.args[0].is(1)) return undefined
      const [a, b] = node.args[1].args
      return node.args[1].op === "mul" && a === b ? constant(1, node.dtype).sub(a) : undefined
    })
    const report = await runConformance({ backend: wrong, ops: ["tanh"] })
    expect(report.failed).toBeGreaterThan(10)
    const templates = templatesIn(report)
    expect(templates.has("forward")).toBe(false)
    expect([...templates]).toEqual(expect.arrayContaining(["backward", "doubleBackward", "gradcheck"]))
  })

  it("one part in ten thousand too much in a layer or an optimiser, by four losses", async () => {
    const more = (primitive: string) => miscompiling((node) => (node.op === primitive ? node.mul(1.0001) : undefined))
    const failing = async (backend: Backend) => {
      const report = await runConformance({ backend, ops: ["training"], steps: 4 })
      expect(problemsIn(report).every((problem) => problem.startsWith("losses by step: ["))).toBe(true)
      return report.cases.filter(({ status }) => status === "failed").map(({ id }) => id)
    }
    expect(await failing(createMinimal())).toEqual([])
    expect(await failing(more("tanh"))).toEqual(["training/mlp, SGD with momentum"])
    expect(await failing(more("sqrt"))).toEqual(["training/cnn, Adam"])
    // Six trainings on the simplest of backends.
  })

  it("a stride that is off by one", async () => {
    const wrong = tampering((kernel, operands, launch) =>
      launch(
        operands.map((operand, k) => {
          const [first, ...rest] = operand.strides
          const isRead = !operandTypes(kernel)[k].written && rest.length > 0 && first > 0
          return isRead ? { ...operand, strides: [first - 1, ...rest] } : operand
        }),
      ),
    )
    const report = await runConformance({ backend: wrong, ops: ["add"] })
    expect(report.failed).toBeGreaterThan(5)
    expect(templatesIn(report).has("forward")).toBe(true)
    const contiguous = report.cases.find(({ id }) => id === "add/0/float32")
    expect(contiguous?.status).toBe("passed")
  })

  it("a write past the end, though every value is right", async () => {
    const inner = createMinimal()
    const kernels = new Map<Executable, Kernel>()
    const wrong: Backend = {
      ...delegate(inner),
      compile(kernel) {
        const executable = inner.compile(kernel)
        kernels.set(executable, kernel)
        return executable
      },
      launch(executable, sizes, operands, scalars) {
        inner.launch(executable, sizes, operands, scalars)
        const last = operands.at(-1)!
        const width = widthOf(operandTypes(kernels.get(executable)!).at(-1)!.dtype)
        inner.write(last.buffer, new Uint8Array([0]), (last.offset + countOf(last)) * width)
      },
    }
    const report = await runConformance({ backend: wrong, ops: ["mul"], templates: ["forward"] })
    expect(report.failed).toBeGreaterThan(20)
    expect(
      problemsIn(report).every((problem) => /wrote to a buffer of \d+ bytes 0 bytes past its end/.test(problem)),
    ).toBe(true)
  })

  it("a write to an operand that is only read", async () => {
    const wrong = tampering((kernel, operands, launch) => {
      launch(operands)
      if (operandTypes(kernel)[0].written || operands.length < 2) return
      inner.write(operands[0].buffer, new Uint8Array([1, 2, 3, 4]), operands[0].offset * 4)
    })
    const inner = delegate(wrong)
    const report = await runConformance({ backend: wrong, ops: ["mul"], templates: ["forward"], dtypes: ["float32"] })
    expect(problemsIn(report).some((problem) => /outside of the elements it was given to write/.test(problem))).toBe(
      true,
    )
  })

  it("a leak in the backend", async () => {
    const inner = createMinimal()
    const wrong: Backend = {
      ...delegate(inner),
      launch(executable, sizes, operands, scalars) {
        inner.allocate(16, "float32")
        inner.launch(executable, sizes, operands, scalars)
      },
    }
    const report = await runConformance({ backend: wrong, ops: ["mul"], templates: ["forward"] })
    expect(report.failed).toBeGreaterThan(20)
    expect(problemsIn(report).every((problem) => /holds \d+ more live buffers/.test(problem))).toBe(true)
  })

  it("a backend whose memory is taken for zeros", async () => {
    // A sum that begins with what the output holds instead of with nothing.
    const wrong = tampering((kernel, operands, launch) => {
      const { buffer, offset } = operands.at(-1)!
      const before = inner.readSync!(buffer, offset * 4, 4)
      launch(operands)
      if (kernel.kind === "reduce" && before.some((byte) => byte !== 0)) inner.write(buffer, before, offset * 4)
    })
    const inner = delegate(wrong)
    const report = await runConformance({ backend: wrong, ops: ["sum"], templates: ["forward"], dtypes: ["float32"] })
    expect(report.failed).toBeGreaterThan(0)
  })
})
