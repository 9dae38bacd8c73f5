import { expect, test } from "vitest"
import { get, ModuleBuilder } from "../src/assembler.ts"
import { type Code, i32 } from "../src/code.ts"
import { emitGraph, Graph } from "../src/graph.ts"
import { type HalfType, narrowHalf, widenHalf } from "../src/half.ts"
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from "./half-numbers.ts"
import { Machine, numbers, targets } from "./launch.ts"

const [target] = targets

/** Applies a conversion to 32-bit words, in place. */
function converter(machine: Machine, type: HalfType, conversions: typeof widenHalf): (words: Int32Array) => void {
  const module = new ModuleBuilder(target)
  module.function(
    "run",
    ["i32", "i32", "i32", "i32"],
    ["i32"],
    (f, from, _begin, end) => {
      f.while(f.op("i32.lt_u", get(from), get(end)), () => {
        const g = new Graph(module)
        const statements: Code[] = []
        const [result] = emitGraph(f, [conversions[type](g, g.load("v128.load", g.local(from)))], [statements])
        f.push(...statements)
        f.store("v128.store", get(from), result)
        f.set(from, f.op("i32.add", get(from), i32(16)))
      })
      f.push(i32(0))
    },
    true,
  )
  const run = machine.instantiate(module.encode())
  return (words) => {
    const memory = new Int32Array(machine.memory.buffer, 0, words.length)
    memory.set(words)
    run(0, 0, words.length * 4, 0)
    words.set(memory)
  }
}

const machine = new Machine()
const hosts = {
  float16: { from: fromFloat16, to: toFloat16 },
  bfloat16: { from: fromBfloat16, to: toBfloat16 },
} as const

/** A NaN may have any sign. */
const same = (bits: number, expected: number): boolean =>
  bits === expected || ((bits ^ 0x8000) === expected && (expected === 0x7e00 || expected === 0x7fc0))

for (const type of ["float16", "bfloat16"] as const) {
  test(`every ${type} becomes the float32 that it is, and comes back`, () => {
    const words = Int32Array.from({ length: 65536 }, (_, k) => k)
    converter(machine, type, widenHalf)(words)
    const floats = new Float32Array(words.buffer).slice()
    floats.forEach((x, bits) => {
      if (!Object.is(x, hosts[type].from(bits))) throw new Error(`${bits.toString(16)} became ${x}`)
    })
    converter(machine, type, narrowHalf)(words)
    words.forEach((back, bits) => {
      if (!same(back, Number.isNaN(floats[bits]) ? hosts[type].to(Number.NaN) : bits))
        throw new Error(`${bits.toString(16)} came back as ${back.toString(16)}`)
    })
  })

  test(`float32 is rounded to the nearest ${type}, ties to even`, () => {
    const next = numbers(7)
    const words = new Int32Array(1 << 18)
    const floats = new Float32Array(words.buffer)
    const edges = [
      0,
      2 ** -24,
      2 ** -25,
      2 ** -14,
      65504,
      65519.99,
      65520,
      65536,
      3.4028235e38,
      2 ** -149,
      2 ** -133,
      1,
    ]
    words.forEach((_, k) => {
      words[k] = next() * 2 ** 32
      // Half of them in the range of float16, half of those on ties.
      if (k % 2) floats[k] = (next() - 0.5) * 2 ** (next() * 44 - 26)
      if (k % 4 === 1) words[k] = (words[k] & ~0x1fff) | 0x1000
      if (k % 8 === 3) words[k] = (words[k] & ~0xffff) | 0x8000
    })
    edges.forEach((x, k) => {
      floats[k * 2] = x
      floats[k * 2 + 1] = -x * (1 + 2 ** -23)
    })
    floats.set([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0], 40)
    const expected = Array.from(floats, (x) => hosts[type].to(x))
    const inputs = floats.slice()
    converter(machine, type, narrowHalf)(words)
    const wrong = expected.findIndex((bits, k) => !same(words[k], bits))
    expect(wrong < 0 ? null : [inputs[wrong], words[wrong], expected[wrong]]).toBe(null)
  })
}
