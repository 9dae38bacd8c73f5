/** Meetings by exchanges inside of subgroups, and then, through workgroup memory, over the few tuples that are left. */
import type { Lane } from "./elements.ts"
import type { Exchanges } from "./meeting.ts"

/** Bools are exchanged as numbers. */
const exchanged = (x: string, lane: Lane): string =>
  lane === "bool" ? `(subgroupShuffleXor(select(0u, 1u, ${x}), distance) != 0u)` : `subgroupShuffleXor(${x}, distance)`

export const exchanges: Exchanges = (w, { Acc, combine, tuples, total, fields }, { lanes, step }) => {
  const values = Object.entries(fields).map(([name, lane]) => exchanged(`mine.${name}`, lane))
  w.declare(
    `exchange_${Acc}`,
    `fn exchange_${Acc}(mine: ${Acc}, distance: u32) -> ${Acc} { return ${Acc}(${values.join(", ")}); }`,
  )
  const reach = w.let(`${lanes} * ${step}`, "reach")
  const apart = w.let(`max(${step}, subgroupSize)`, "apart")
  const first = w.let(`lane - lane % ${reach} + lane % ${apart}`, "first")
  w.lines.push(
    `for (var distance = ${step}; distance < min(${reach}, subgroupSize); distance <<= 1u) {`,
    `let other = exchange_${Acc}(${total}, distance);`,
    // In the same order on both sides, for both are to have the same.
    `if ((lane & distance) == 0u) { ${total} = ${combine}(${total}, other); }`,
    `else { ${total} = ${combine}(other, ${total}); }`,
    "}",
    `if (${reach} > ${apart}) {`,
    `${tuples}[lane] = ${total};`,
    "workgroupBarrier();",
    `${total} = ${tuples}[${first}];`,
    `for (var k = ${apart}; k < ${reach}; k += ${apart}) { ${total} = ${combine}(${total}, ${tuples}[${first} + k]); }`,
    "workgroupBarrier();",
    "}",
  )
}
