import { test } from "vitest"
import { casesOf } from "../../conformance/src/cases.ts"
import { decodeGolden } from "../../conformance/src/golden.ts"
import { check } from "./scratch-index-harness.ts"
test("mine", async () => {
  const { MINE } = await import("../../conformance/src/rows/zz-mine.ts" as string)
  const { data } = await import("../../conformance/src/golden-mine/mine.ts" as string)
  const only = (process.env.ROWS ?? "").split(",").filter(Boolean)
  const golden = await decodeGolden(data, MINE.flatMap((r: any) => casesOf(r)))
  const out = await check(MINE.filter((r: any) => !only.length || only.includes(r.name)), golden)
  console.log(out.slice(-60).map((l) => l.replaceAll("/tmp/idx/repo/packages/", "").slice(0, 330)).join("\n"))
}, 120000)
