import { test } from "vitest"
import { ROWS, idOf } from "@taeda/conformance"
import { survey } from "../src/agreement/survey.ts"
import { COMPILERS } from "../src/compilers.ts"
import { writeFileSync } from "node:fs"
test("x", async () => {
  const t = performance.now()
  const s = await survey(ROWS, COMPILERS[2])
  const counts: Record<string, number> = {}
  const out: string[] = []
  for (const e of s) { const k = e.findings.length ? "rejected" : e.verdict; counts[k] = (counts[k] ?? 0) + 1
   if (k === "rejected") out.push(`REJ ${e.text}: ${e.findings[0].message}`)
   if (k === "wrong") out.push(`WRONG ${e.text}: ${e.inferred} actual ${JSON.stringify(e.actual)}`)
  }
  const rows: Record<string, Record<string, number>> = {}
  for (const e of s) { const k = e.findings.length ? "rejected" : e.verdict; const r = rows[idOf(e.row)] ??= {}; r[k] = (r[k] ?? 0) + 1 }
  for (const [k, v] of Object.entries(rows)) out.push(`ROW ${k} ${JSON.stringify(v)}`)
  writeFileSync("/tmp/types-proof/survey.txt", out.join("\n"))
  console.log(counts, s.length, performance.now() - t)
}, 600000)
