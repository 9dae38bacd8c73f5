/** NVIDIA's assembler, where it is present: that modules are merged so that it takes the good ones and names the others. */

import { expect, test } from "vitest"
import { assemble, hasAssembler } from "../src/assembler.ts"
import { module } from "./run.ts"

const HALF =
  ".func (.param .b32 r) half(.param .b32 x)\n{\n.reg .f32 %f<3>;\nld.param.f32 %f1, [x];\nmul.f32 %f2, %f1, 0f3F000000;\nst.param.f32 [r], %f2;\nret;\n}\n"

/** A kernel that calls a function, and writes a number of its own. */
const kernel = (number: number, instruction = "st.global.f32 [%rd1], %f2;", target = 75) =>
  module(
    `${HALF}.visible .entry kernel(.param .u64 p)
{
.reg .f32 %f<3>;
.reg .u64 %rd<2>;
.param .b32 a;
.param .b32 v;
ld.param.u64 %rd1, [p];
mov.f32 %f1, 0f${number.toString(16).padStart(8, "0")};
st.param.f32 [a], %f1;
call (v), half, (a);
ld.param.f32 %f2, [v];
${instruction}
ret;
}
`,
    target,
  )

const good = Array.from({ length: 250 }, (_, i) => kernel(i))

test("a text that is no module of one kernel is an error", async () => {
  await expect(assemble(["ret;"], { target: 75 })).rejects.toThrow("no header of PTX")
  await expect(assemble([module("")], { target: 75 })).rejects.toThrow("no text of one kernel")
})

if (hasAssembler()) {
  test("takes modules that share functions, and newer ones as such", async () => {
    const newer = kernel(250, "{\n.reg .b16 %h;\ncvt.rn.bf16.f32 %h, %f2;\n}", 80)
    expect(await assemble([...good, newer, newer.replace("sm_80", "sm_75")], { target: 75 })).toEqual([
      expect.stringMatching(/cvt[\s\S]*\.target sm_75/),
    ])
  })

  test("names the module that it refuses, and what for", async () => {
    const bad = kernel(300, "st.global.f32 [%rd1], %missing;")
    const refused = await assemble([...good.slice(0, 130), bad, ...good.slice(130)], { target: 75 })
    expect(refused).toEqual([expect.stringMatching(/Unknown symbol '%missing'[\s\S]*0f0000012c/)])
  })
}
