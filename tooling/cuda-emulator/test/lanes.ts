/** One instruction (or a few) for each element of arrays. */

import { module, type Numbers, run } from "./run.ts"

const BITS: Readonly<Record<string, number>> = {
  pred: 1, u8: 8, s8: 8, b8: 8, u16: 16, s16: 16, b16: 16, f16: 16, bf16: 16, u32: 32, s32: 32, b32: 32, f32: 32, f16x2: 32,
  bf16x2: 32, u64: 64, s64: 64, b64: 64, f64: 64,
} // biome-ignore format: a table

const register = (type: string): string => (BITS[type] === 8 ? "b16" : `b${BITS[type]}`)

/** An input: its type in PTX and its elements. */
export type Input = readonly [type: string, values: Numbers]

/**
 * Computes `%d` of `%a`, `%b`, `%c`, which are the inputs' elements, by the given statements; `%p` to `%r` are predicates,
 * `%x`, `%y` registers of 32 bits and `%u`, `%v` of 64. Arrays hold a multiple of 32 elements or are repeated.
 */
export async function lanes<O extends Numbers>(body: string, type: string, output: O, ...inputs: Input[]): Promise<O> {
  const count = output.length
  const threads = Math.ceil(count / 32) * 32
  const names = inputs.map((_, i) => "abc"[i])
  const ptx = module(
    `.visible .entry k(.param .u64 po${names.map((name) => `, .param .u64 p${name}`).join("")}) {
  .reg .b64 %at, %i, %u, %v;
  .reg .b32 %t, %n, %x, %y;
  .reg .pred %p, %q, %r;
  .reg .${register(type)} %d;
${inputs.map(([each], i) => `  .reg .${register(each)} %${names[i]};`).join("\n")}
  mov.u32 %t, %tid.x;
  mov.u32 %n, %ctaid.x;
  mad.lo.u32 %t, %n, 32, %t;
  cvt.u64.u32 %i, %t;
${inputs
  .map(
    ([each], i) => `  ld.param.u64 %at, [p${names[i]}];
  mad.lo.u64 %at, %i, ${BITS[each] / 8}, %at;
  ld.global.b${BITS[each]} %${names[i]}, [%at];`,
  )
  .join("\n")}
  ${body}
  ld.param.u64 %at, [po];
  mad.lo.u64 %at, %i, ${BITS[type] / 8}, %at;
  st.global.b${BITS[type]} [%at], %d;
  ret;
}`,
    90,
    "7.8",
  )
  const buffers: Record<string, Numbers> = { o: padded(output, threads) }
  inputs.forEach(([, values], i) => {
    buffers[names[i]] = padded(values, threads)
  })
  const launch = { entry: "k", blocks: [threads / 32, 1, 1] as const, params: ["o", ...names] }
  const results = await run({ ptx, buffers, launches: [launch] })
  return results.o.slice(0, count) as O
}

function padded(values: Numbers, count: number): Numbers {
  const type = values.constructor as new (count: number) => Numbers
  const result = new type(count)
  for (let i = 0; i < count; i++) result[i] = values[i % values.length]
  return result
}

export const float32 = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0]
export const bitsOf = (value: number): number => new Uint32Array(Float32Array.of(value).buffer)[0]
export const float16 = (...values: number[]): Uint16Array => new Uint16Array(new Float16Array(values).buffer)
export const fromFloat16 = (bits: Uint16Array): number[] => [...new Float16Array(bits.slice().buffer)]
/** The upper halves of float32 numbers, towards zero. */
export const bfloat16 = (...values: number[]): Uint16Array => Uint16Array.from(values, (each) => bitsOf(each) >>> 16)
export const fromBfloat16 = (bits: Uint16Array): number[] => Array.from(bits, (each) => float32(each << 16))
