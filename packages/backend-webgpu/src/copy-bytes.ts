/** Copies of bytes that do not begin or end at whole words: an invocation puts one word of the target together. */
import type { Dispatch } from "./program.ts"
import { type Emitted, Writer } from "./writer.ts"

const WORKGROUP = 64

let emitted: Emitted | undefined

function emit(): Emitted {
  const w = new Writer()
  const from = w.bind({ operand: 0 }, "u32", "read")
  const to = w.bind({ operand: 1 }, "u32", "write")
  const number = (k: number): string => w.number(`x${k}`, ({ sizes }) => sizes[k])
  const [fromByte, toByte, bytes] = [number(0), number(1), number(2)]
  w.lines.push(
    `let word = ${toByte} / 4u + group * ${WORKGROUP}u + lane;`,
    `let begin = max(word * 4u, ${toByte});`,
    `let end = min(word * 4u + 4u, ${toByte} + ${bytes});`,
    "if (begin >= end) { return; }",
    `var value = ${to}[word];`,
    "for (var at = begin; at < end; at++) {",
    `let source = at - ${toByte} + ${fromByte};`,
    `let byte = (${from}[source / 4u] >> ((source % 4u) * 8u)) & 255u;`,
    "let shift = (at % 4u) * 8u;",
    "value = (value & ~(255u << shift)) | (byte << shift);",
    "}",
    `${to}[word] = value;`,
  )
  return w.finish(WORKGROUP)
}

/** From buffer 0 to buffer 1, which are different ones. */
export function copyBytes(fromByte: number, toByte: number, bytes: number): Dispatch {
  const { shader, buffers, params } = (emitted ??= emit())
  const words = Math.floor((toByte + bytes + 3) / 4) - Math.floor(toByte / 4)
  return {
    shader,
    buffers,
    params: params({ sizes: [fromByte, toByte, bytes], operands: [], scalars: [] }),
    workgroups: Math.ceil(words / WORKGROUP),
  }
}
