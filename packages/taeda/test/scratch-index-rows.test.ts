import { test } from "vitest"
import { loadGolden } from "../../conformance/src/golden.ts"
import { FAMILIES } from "../../conformance/src/rows/index.ts"
import { check } from "./scratch-index-harness.ts"
const only = (process.env.ROWS ?? "").split(",").filter(Boolean)
const fam = (process.env.FAM ?? "indexing").split(",")
test.each(fam)("%s", async (f) => {
  const rows = (FAMILIES as any)[f].filter((r: any) => !only.length || only.includes(r.name))
  const out = await check(rows, await loadGolden(f as any))
  console.log(out.slice(-45).map((l) => l.replaceAll("/tmp/idx/repo/packages/", "").slice(0, 330)).join("\n"))
}, 120000)
