import { runConformance, createMinimal } from "@taeda/conformance"
import { CATALOGUE } from "../../packages/core/src/index.ts"
const r = await runConformance({ backend: createMinimal(), ops: ["catalogue"] })
const names = r.cases[0].failures[0].problems
for (const p of names) { const n = p.split(" ")[0]; console.log(CATALOGUE.get(n)?.text ?? p) }
