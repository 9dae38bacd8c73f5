/** Emitting code, without a backend: bytes, functions, graphs, and that kernels are the same bytes whenever they are written. */
import { input, type Kernel, type MapKernel, result } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { choose, type FunctionBuilder, get, type Local, ModuleBuilder, select, tee } from "../src/assembler.ts"
import { type Code, call, f32, f64, floatBytes, i32, i64, integerBytes, lane, leb, op, signedLeb } from "../src/code.ts"
import { emitMap } from "../src/emit-map.ts"
import { emitReduce } from "../src/emit-reduce.ts"
import { emitScan } from "../src/emit-scan.ts"
import { emitScatter } from "../src/emit-scatter.ts"
import { FrameLayout, setPointer, setScalar } from "../src/frame.ts"
import { emitGraph, Graph, type Node } from "../src/graph.ts"
import { opcodeOf, resultOf, type ValueType } from "../src/opcodes.ts"
import type { Target } from "../src/target.ts"
import { webAssembly } from "../src/webassembly.ts"
import { count, mapKernel, reduceKernel, unit } from "./harness.ts"
import { argmax, sum } from "./monoids.ts"
import { TARGETS } from "./vectors.ts"

const PLAIN = TARGETS.plain
const SIXTY_FOUR: Target = { ...PLAIN, memory64: true, maximumPages: 1024 }

describe("numbers in code", () => {
  it.each<[number, number[]]>([
    [0, [0]],
    [127, [127]],
    [128, [128, 1]],
    [624485, [0xe5, 0x8e, 0x26]],
    [2 ** 32, [0x80, 0x80, 0x80, 0x80, 0x10]],
  ])("%i without a sign", (value, bytes) => {
    expect(leb(value)).toEqual(bytes)
  })

  it.each<[bigint, number[]]>([
    [0n, [0]],
    [63n, [63]],
    [64n, [0xc0, 0]],
    [-1n, [0x7f]],
    [-64n, [0x40]],
    [-65n, [0xbf, 0x7f]],
    [-123456n, [0xc0, 0xbb, 0x78]],
    [-(2n ** 63n), [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]],
  ])("%i with a sign", (value, bytes) => {
    expect(signedLeb(value)).toEqual(bytes)
  })

  it("bits of floats and integers", () => {
    expect(floatBytes(1, 4)).toEqual([0, 0, 0x80, 0x3f])
    expect(floatBytes(-0, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0x80])
    expect(integerBytes(-2n, 4)).toEqual([0xfe, 0xff, 0xff, 0xff])
    expect(integerBytes(2n ** 63n, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0x80])
  })
})

describe("instructions", () => {
  // From the specification's index of instructions: the first and last of runs of opcodes.
  it.each<[string, number[], ValueType | null]>([
    ["i32.load", [0x28], "i32"],
    ["i64.load32_u", [0x35], "i64"],
    ["i64.store32", [0x3e], null],
    ["i32.ge_u", [0x4f], "i32"],
    ["i64.ge_u", [0x5a], "i32"],
    ["f64.ge", [0x66], "i32"],
    ["i32.rotr", [0x78], "i32"],
    ["f64.copysign", [0xa6], "f64"],
    ["i32.wrap_i64", [0xa7], "i32"],
    ["f64.reinterpret_i64", [0xbf], "f64"],
    ["i64.extend32_s", [0xc4], "i64"],
    ["i64.trunc_sat_f64_u", [0xfc, 7], "i64"],
    ["v128.store", [0xfd, 11], null],
    ["i8x16.swizzle", [0xfd, 14], "v128"],
    ["f64x2.splat", [0xfd, 20], "v128"],
    ["i8x16.extract_lane_u", [0xfd, 22], "i32"],
    ["f32x4.extract_lane", [0xfd, 31], "f32"],
    ["i64x2.extract_lane", [0xfd, 29], "i64"],
    ["f64x2.replace_lane", [0xfd, 34], "v128"],
    ["f64x2.ge", [0xfd, 76], "v128"],
    ["v128.any_true", [0xfd, 83], "i32"],
    ["v128.store64_lane", [0xfd, 91], null],
    ["f64x2.promote_low_f32x4", [0xfd, 95], "v128"],
    ["i8x16.narrow_i16x8_u", [0xfd, 102], "v128"],
    ["f64x2.trunc", [0xfd, 122], "v128"],
    ["i16x8.extend_high_i8x16_u", [0xfd, 138], "v128"],
    ["f64x2.nearest", [0xfd, 148], "v128"],
    ["i16x8.max_u", [0xfd, 153], "v128"],
    ["i32x4.extmul_high_i16x8_u", [0xfd, 191], "v128"],
    ["i64x2.all_true", [0xfd, 195], "i32"],
    ["i64x2.extmul_high_i32x4_u", [0xfd, 223], "v128"],
    ["f32x4.pmax", [0xfd, 235], "v128"],
    ["f64x2.pmax", [0xfd, 247], "v128"],
    ["f64x2.convert_low_i32x4_u", [0xfd, 255], "v128"],
    ["f64x2.relaxed_nmadd", [0xfd, 264], "v128"],
  ])("%s", (name, opcode, type) => {
    expect(opcodeOf(name)).toEqual(opcode)
    expect(resultOf(name)).toBe(type)
  })

  it("that do not exist are named", () => {
    expect(() => op("i32x4.div")).toThrow("wasm: no instruction i32x4.div")
  })
})

type Exported = (...values: (number | bigint)[]) => number | bigint

/** A function of a module of its own, compiled. */
function compile(
  target: Target,
  parameters: readonly ValueType[],
  results: readonly ValueType[],
  build: (f: FunctionBuilder, module: ModuleBuilder, parameters: readonly Local[]) => void,
): { readonly run: Exported; readonly bytes: Uint8Array } {
  const module = new ModuleBuilder(target)
  module.function("run", parameters, results, (f, ...locals) => build(f, module, locals), true)
  const { Memory, Module, Instance } = webAssembly()
  const bytes = module.encode()
  const memory = target.memory64
    ? new Memory({ initial: 1n, maximum: 1024n, shared: target.shared, address: "i64" })
    : new Memory({ initial: 1, maximum: 1024, shared: target.shared })
  const { run } = new Instance(new Module(bytes), { env: { memory } }).exports
  return { run: run as Exported, bytes }
}

describe.each([
  ["32-bit addresses", { ...PLAIN, maximumPages: 1024 }],
  ["64-bit addresses", SIXTY_FOUR],
  ["shared memory", { ...PLAIN, maximumPages: 1024, shared: true }],
])("functions, %s", (_, target) => {
  it("loop, branch and choose", () => {
    const { run } = compile(target, ["i32"], ["i32"], (f, _module, [n]) => {
      const [i, total] = [f.local("i32"), f.local("i32")]
      // The sum of what is odd, up to the first above 15.
      f.block(() =>
        f.for(i, i32(0), get(n), i32(1), () => {
          f.branchIf(2, op("i32.gt_s", get(i), i32(15)))
          f.if(
            op("i32.and", get(i), i32(1)),
            () => f.set(total, op("i32.add", get(total), get(i))),
            () => f.set(total, op("i32.sub", get(total), i32(0))),
          )
        }),
      )
      f.push(get(total))
    })
    expect([0, 1, 2, 10, 16, 17, 100].map((n) => run(n))).toEqual([0, 0, 1, 25, 64, 64, 64])
  })

  it("store, load and call", () => {
    const { run } = compile(target, ["i32", "f64"], ["f64"], (f, module, [at, x]) => {
      const double = module.helper("double", ["f64"], ["f64"], (g, y) => g.push(op("f64.add", get(y), get(y))))
      expect(module.helper("double", ["f64"], ["f64"], () => {})).toBe(double)
      const address = f.let("ptr", f.toPointer(get(at)))
      f.store("f64.store", get(address), call(double, get(x)), 8)
      f.push(op("f64.mul", f.load("f64.load", f.op("ptr.add", get(address), f.ptr(8))), f64(0.5)))
    })
    expect(run(32, 1.25)).toBe(1.25)
  })

  it("take constants of every type", () => {
    const values: [ValueType, Code, number | bigint][] = [
      ["i32", i32(-2147483648), -2147483648],
      ["i32", i32(4294967295), -1],
      ["i64", i64(-(2n ** 63n)), -(2n ** 63n)],
      ["i64", i64(2n ** 64n - 1n), -1n],
      ["f32", f32(0.1), Math.fround(0.1)],
      ["f64", f64(-0), -0],
    ]
    for (const [type, code, want] of values) expect(compile(target, [], [type], (f) => f.push(code)).run()).toBe(want)
  })

  it("select, choose and tee", () => {
    const { run } = compile(target, ["i32"], ["i32"], (f, _module, [x]) => {
      const y = f.local("i32")
      const positive = op("i32.gt_s", get(x), i32(0))
      const chosen = choose("i32", positive, op("i32.div_s", i32(100), get(x)), i32(-7))
      f.push(op("i32.add", tee(y, chosen), select(positive, get(y), i32(1000))))
    })
    expect([5, 0, -5].map((x) => run(x))).toEqual([40, 993, 993])
  })
})

describe("graphs", () => {
  const add = (g: Graph, a: Node, b: Node): Node => g.op("i32.add", a, b)

  it("keep equal nodes once", () => {
    const g = new Graph(new ModuleBuilder(PLAIN))
    const [a, b] = [g.i32(1), g.i32(2)]
    expect(add(g, a, b)).toBe(add(g, a, b))
    expect(add(g, a, b)).not.toBe(add(g, b, a))
    expect(g.f32x4(0)).not.toBe(g.f32x4(-0))
    expect(g.f64(0)).not.toBe(g.f64(-0))
    expect(g.load("i32.load", a, 4)).not.toBe(g.load("i32.load", a, 8))
    expect(g.lane("i32x4.extract_lane", 0, g.i32x4(1))).not.toBe(g.lane("i32x4.extract_lane", 1, g.i32x4(1)))
    expect(g.op("ptr.add", a, b)).toBe(add(g, a, b))
  })

  it("compute what does not depend on a loop outside of it, and what is shared once", () => {
    const { run } = compile(PLAIN, ["i32"], ["i32"], (f, module, [n]) => {
      const g = new Graph(module)
      const [i, total] = [f.local("i32"), f.local("i32")]
      const fixed = g.op("i32.mul", g.local(n), g.i32(3))
      const turn = g.op("i32.mul", g.local(i, 1), g.i32(2))
      expect([fixed.level, turn.level, add(g, fixed, turn).level]).toEqual([0, 1, 1])
      const shared = add(g, fixed, turn)
      const blocks: [Code[], Code[]] = [[], []]
      const known = new Map<Node, Local>()
      const [value] = emitGraph(f, [g.op("i32.mul", shared, shared)], blocks, known)
      // One statement before the loop (fixed), one inside (shared); turn stands in it.
      expect(blocks.map((b) => b.length)).toEqual([1, 1])
      expect([...known.keys()]).toEqual([fixed, shared])
      f.push(...blocks[0])
      f.for(i, i32(0), get(n), i32(1), () => {
        f.push(...blocks[1])
        f.set(total, op("i32.add", get(total), value))
      })
      f.push(get(total))
    })
    expect(run(3)).toBe(9 ** 2 + 11 ** 2 + 13 ** 2)
  })

  it("multiply and add by the target's means", () => {
    for (const target of [TARGETS.plain, TARGETS.relaxed]) {
      const { run } = compile(target, ["f64"], ["f64"], (f, module, [x]) => {
        const g = new Graph(module)
        const v = g.op("f64x2.splat", g.local(x))
        const up = g.madd("f64x2", v, v, g.f64x2(1))
        const before: Code[] = []
        const [down] = emitGraph(f, [g.nmadd("f64x2", up, g.f64x2(2), g.f64x2(100))], [before])
        f.push(...before, lane("f64x2.extract_lane", 1, down))
      })
      expect(run(3)).toBe(80)
    }
  })

  it("compute an alternative only where it is wanted", () => {
    const { run } = compile(PLAIN, ["i32"], ["i32"], (f, module, [x]) => {
      const g = new Graph(module)
      // It traps: reached only for 7.
      const trap = module.helper("trap", ["i32"], ["i32"], (h, y) => h.push(op("i32.div_s", get(y), i32(0))))
      const n = g.local(x)
      const before: Code[] = []
      const [value] = emitGraph(f, [g.unless(g.op("i32.eq", n, g.i32(7)), trap, [n], add(g, n, n))], [before])
      f.push(...before, value)
    })
    expect(run(5)).toBe(10)
    expect(() => run(7)).toThrow()
  })
})

describe("frames", () => {
  it("hold addresses, sizes, strides and scalars where the code reads them", () => {
    const kernel: MapKernel = mapKernel(
      2,
      [unit("float64", "strided"), { dtype: "int16", access: "load", rank: 3 }],
      [{ dtype: "float32", access: "unit" }],
      [input(0, "float64").cast("float32")],
      ["int64", "float32"],
    )
    const layout = new FrameLayout(kernel)
    const words = new Int32Array(2 * layout.slots + 4).fill(99)
    const buffer = {}
    const operands = [
      { buffer, offset: 0, sizes: [2, 3], strides: [-3, 1] },
      { buffer, offset: 1, sizes: [4, 5, 6], strides: [30, 6, 1] },
      { buffer, offset: 2, sizes: [2, 3], strides: [3, 1] },
    ]
    layout.write(words, 0, [2, 3], operands, (o, bytes) => 2 ** 33 + o.offset * bytes, [-1n, 0.5])
    const slot = (offset: number): bigint => new BigInt64Array(words.buffer.slice(0, 8 * layout.slots))[offset / 8]
    expect([layout.size(0), layout.size(1)].map(slot)).toEqual([2n, 3n])
    expect([0, 1, 2].map((k) => slot(layout.address(k)) - 2n ** 33n)).toEqual([0n, 2n, 8n])
    expect([0, 1].map((d) => slot(layout.stride(0, d)))).toEqual([-24n, 8n])
    expect([0, 1, 2].map((d) => slot(layout.ownSize(1, d)))).toEqual([4n, 5n, 6n])
    expect([0, 1, 2].map((d) => slot(layout.stride(1, d)))).toEqual([60n, 12n, 2n])
    expect([0, 1].map((d) => slot(layout.stride(2, d)))).toEqual([12n, 4n])
    // Of a type of 32 bits the lower half is read.
    expect([slot(layout.scalar(0)), BigInt.asIntN(32, slot(layout.scalar(1)))]).toEqual([-1n, 0x3f000000n])
    expect([...words.slice(2 * layout.slots)]).toEqual([99, 99, 99, 99])
  })

  it("write numbers of more than 32 bits", () => {
    const words = new Int32Array(2)
    const read = (): bigint => new BigInt64Array(words.buffer)[0]
    for (const n of [0, 1, -1, 2 ** 31, 2 ** 32, 2 ** 40 + 7, -(2 ** 40)]) {
      setPointer(words, 0, n)
      expect(read()).toBe(BigInt(n))
    }
    setScalar(words, 0, "float64", 1)
    expect(read()).toBe(0x3ff0000000000000n)
  })
})

describe("kernels", () => {
  const float = unit("float32")
  const outputs = [{ dtype: "float32", access: "unit" }] as const
  const body = (): Kernel[] => [
    mapKernel(2, [float, unit("float32", "broadcast")], outputs, [input(0, "float32").exp().add(input(1, "float32"))]),
    reduceKernel({ rank: 2, reduced: 1, inputs: [float], outputs, ...sum("float32"), finish: [result(0, "float32")] }),
    {
      kind: "scan",
      rank: 2,
      inputs: [float],
      outputs,
      scalars: [],
      reverse: false,
      ...argmax(1, true),
      finish: [result(0, "float32")],
    },
    {
      kind: "scatter",
      rank: 1,
      inputs: [float, unit("int32")],
      scalars: [],
      value: input(0, "float32"),
      coordinates: [input(1, "int32")],
      combine: "add",
      dtype: "float32",
      targetRank: 1,
      bounds: "fault",
    },
  ]
  const emit = (kernel: Kernel, target: Target): Uint8Array[] => {
    switch (kernel.kind) {
      case "map":
        return [emitMap(kernel, target)]
      case "reduce":
        return [
          emitReduce(kernel, { kind: "columns" }, target),
          emitReduce(kernel, { kind: "split" }, target),
          emitReduce(kernel, { kind: "rows", access: ["unit"] }, target),
        ]
      case "scan":
        return [emitScan(kernel, target)]
      case "scatter":
        return [emitScatter(kernel, target)]
      default:
        throw new TypeError(kernel.kind)
    }
  }

  it.each([TARGETS.relaxed, TARGETS.plain, SIXTY_FOUR, { ...PLAIN, shared: true }])(
    "are valid modules, and the same bytes each time: %j",
    (target) => {
      const [first, second] = count(2).map(() => body().flatMap((kernel) => emit(kernel, target)))
      expect(second).toEqual(first)
      expect(first.length).toBe(6)
      for (const bytes of first) expect(webAssembly().validate(bytes)).toBe(true)
    },
  )

  it("use relaxed instructions only where the target has them", () => {
    const [kernel] = body()
    const [relaxed, plain] = [TARGETS.relaxed, TARGETS.plain].map((target) => emit(kernel, target)[0])
    expect(relaxed).not.toEqual(plain)
    expect(relaxed.length).toBeLessThan(plain.length)
  })
})
