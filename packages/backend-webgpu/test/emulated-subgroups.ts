/**
 * Subgroups of any size, on a GPU that has others or none: exchanges go through workgroup memory, where all invocations make them
 * at the same time. Invocations are spread over subgroups as no one would expect.
 */
import type { Planner } from "../src/planner.ts"
import type { Shader } from "../src/program.ts"

const MOST_INVOCATIONS = 256

/** The fields of a struct of the shader, with their types. */
function fieldsOf(code: string, struct: string): Map<string, string> {
  const [, fields] = new RegExp(`struct ${struct} \\{ (.*) \\}`).exec(code) ?? []
  return new Map(fields.split(", ").map((field) => field.split(": ") as [string, string]))
}

const LANES = { f32: "f32", i32: "i32", u32: "u32", bool: "u32" } as const

function emulated(shader: Shader, size: number): Shader {
  const { code } = shader
  if (!code.startsWith("enable subgroups;")) return shader
  const exchanges = Object.entries({ f32: "f32", i32: "i32", u32: "u32" }).map(
    ([lane]) => `fn exchanged_${lane}(mine: ${lane}, distance: u32) -> ${lane} {
  exchangedBits[myLane] = bitcast<u32>(mine);
  workgroupBarrier();
  let other = exchangedBits[myLane ^ distance];
  workgroupBarrier();
  return bitcast<${lane}>(other);
}`,
  )
  const head = [
    "var<private> myLane: u32;",
    `var<workgroup> exchangedBits: array<u32, ${MOST_INVOCATIONS}>;`,
    ...exchanges,
  ]
  const text = code
    .replace("enable subgroups;\nrequires subgroup_id;\n", "")
    .replace(/@builtin\(subgroup_size\).*member: u32/, "@builtin(local_invocation_index) index: u32")
    .replace(
      "let lane = subgroup * subgroupSize + member;",
      // Neighbours are in different subgroups, and stand there in reverse.
      `const subgroupSize = ${size}u;
let count = INVOCATIONSu / subgroupSize;
let subgroup = index % count;
let member = subgroupSize - 1u - index / count;
let lane = subgroup * subgroupSize + member;
myLane = lane;`.replace("INVOCATIONS", /@workgroup_size\((\d+)\)/.exec(code)![1]),
    )
    .replace(/fn exchange_(\w+)\(.*/g, (line, struct: string) => {
      const fields = fieldsOf(code, struct)
      return line
        .replace(/subgroupShuffleXor\(select/g, "exchanged_u32(select")
        .replace(/subgroupShuffleXor\(mine\.(\w+)/g, (_, field: string) => {
          const lane = fields.get(field) as keyof typeof LANES
          return `exchanged_${LANES[lane]}(mine.${field}`
        })
    })
  return { ...shader, code: [...head, text].join("\n") }
}

/** The planner, whose shaders see subgroups of so many invocations; it must have been made for those. */
export const withSubgroups = (planner: Planner, size: number): Planner => ({
  ...planner,
  plan: (launch) => {
    const { dispatches, temporaries } = planner.plan(launch)
    return { dispatches: dispatches.map((d) => ({ ...d, shader: emulated(d.shader, size) })), temporaries }
  },
})
