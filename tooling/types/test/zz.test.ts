import * as torch from "taeda"
import typescript from "typescript-6.0"
import { test, vi } from "vitest"
import { writeFileSync } from "node:fs"
import { FASTEST } from "../src/compilers.ts"
import { PRELUDE } from "../src/wrong.ts"
import { sentenceIn } from "../src/sentence.ts"
// @ts-ignore
import { CODES } from "/tmp/types-proof/codes.mjs"
vi.setConfig({ testTimeout: 200_000 })
test("x", async () => {
  const p = FASTEST.compile(Object.fromEntries((CODES as string[]).map((c, i) => [`w${i}.ts`, `${PRELUDE}{\n${c}\n}\n`])))
  const out: string[] = []
  for (const [i, c] of (CODES as string[]).entries()) {
    const f = p.findings(`w${i}.ts`)
    const text = typescript.transpile(`export {}\n${c}`, { target: typescript.ScriptTarget.ES2022, module: typescript.ModuleKind.ESNext }).replace(/^export \{\};?/m, "")
    let run: string | null = null
    try { await new Function("torch", "nn", "F", `return (async () => {${text}})()`)(torch, torch.nn, torch.nn.functional) } catch (e) { run = (e as Error).message }
    const says = f[0] ? sentenceIn(f[0].message) : null
    const ok = f.length === 1 && says !== null && run !== null && run.includes(says)
    out.push(JSON.stringify({ ok, code: c, n: f.length, says, at: f[0]?.at, message: ok ? undefined : f[0]?.message, run: ok ? undefined : run }))
  }
  writeFileSync("/tmp/types-proof/wrongs.txt", out.join("\n"))
})
