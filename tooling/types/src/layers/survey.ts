/** All samples of layers: what the compiler infers for each, beside what comes out. */
import { tensorsIn } from "@taeda/conformance"
import * as torch from "taeda"
import {
  compareOutcomes,
  OUTCOME_TYPES,
  type Outcome,
  outcomeOf,
  parseOutcome,
  type Verdict,
} from "../agreement/outcome.ts"
import type { Compiler } from "../compiler.ts"
import { SAMPLES } from "./samples.ts"

export interface Entry {
  readonly layer: string
  /** As it is written in the program. */
  readonly text: string
  readonly inferred: string
  readonly actual: readonly Outcome[]
  readonly verdict: Verdict
  /** What the compiler has against it. */
  readonly findings: readonly string[]
}

const HEAD = `import * as torch from "taeda"\nimport type { Outcome } from "./outcome.ts"\n`
const FIRST = HEAD.split("\n").length

const textOf = (layer: string, made: string, called: string): string => `new torch.nn.${layer}(${made})(${called})`

/** What comes out when it runs. */
function run(text: string): readonly Outcome[] {
  try {
    return tensorsIn(new Function("torch", `return ${text}`)(torch)).map(outcomeOf)
  } catch (cause) {
    throw new Error(`${text}: ${(cause as Error).message}`, { cause })
  }
}

/** Compiles the samples and runs them. */
export function survey(compiler: Compiler): readonly Entry[] {
  const samples = Object.entries(SAMPLES).flatMap(([layer, all]) =>
    all.map(([made, called]) => ({ layer, text: textOf(layer, made, called) })),
  )
  const body = samples.map(({ text }, i) => `const r${i} = ${text}; export type R${i} = Outcome<typeof r${i}>`)
  using program = compiler.compile({ "outcome.ts": OUTCOME_TYPES, "layers.ts": `${HEAD}${body.join("\n")}\n` })
  const findings = program.findings("layers.ts")
  const types = program.types("layers.ts")
  return samples.map(({ layer, text }, i) => {
    const inferred = types.get(`R${i}`) ?? "?"
    const actual = run(text)
    return {
      layer,
      text,
      inferred,
      actual,
      verdict: compareOutcomes(parseOutcome(inferred), actual),
      findings: findings.filter(({ line }) => line === FIRST + i).map(({ message }) => message),
    }
  })
}
