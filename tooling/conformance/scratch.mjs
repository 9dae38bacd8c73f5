import { createCpuJs } from "@taeda/backend-cpu-js"
import { runConformance, createMinimal, strict, toMarkdown, toHtml, toJUnit } from "@taeda/conformance"
const [which, ops, templates, dtypes, full] = process.argv.slice(2)
const backends = { cpu: () => createCpuJs(), closures: () => createCpuJs({codeGeneration:false}), minimal: () => createMinimal(), strict: () => strict(createMinimal()), strictcpu: () => strict(createCpuJs()) }
const list = (x) => x && x !== "-" ? x.split(",") : undefined
const r = await runConformance({ backend: backends[which], ops: list(ops), templates: list(templates), dtypes: list(dtypes), full: full !== "few" })
const by = {}
for (const c of r.cases) for (const f of c.failures ?? []) { const k = `${c.op} ${f.template}`; (by[k] ??= []).push([c.id, f.problems]) }
for (const [k, v] of Object.entries(by)) { console.log(`${k}: ${v.length}`); for (const [id, p] of v.slice(0, +(process.env.N ?? 2))) console.log("   ", id, p.join(" | ").slice(0, +(process.env.W ?? 300))) }
console.log(r.backend, "passed", r.passed, "failed", r.failed, "gaps", r.gaps, r.milliseconds, "ms")
if (process.env.OUT) { const fs = await import("node:fs"); fs.writeFileSync(process.env.OUT + ".md", toMarkdown(r)); fs.writeFileSync(process.env.OUT + ".html", toHtml(r)); fs.writeFileSync(process.env.OUT + ".xml", toJUnit(r)) }
