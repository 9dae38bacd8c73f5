/** The programs as checks. */

import { type Capabilities, DTYPE_NAMES, type DType, type Tensor } from "@taeda/core"
import type { CheckGroup } from "../checks.ts"
import { type Closeness, differences, numbersOf } from "../compare.ts"
import { data } from "../golden/programs.ts"
import { TOLERANCE } from "../row.ts"
import { lossesOf } from "./losses.ts"
import { PRINTING } from "./printing.ts"
import type { Outcome, Program } from "./program.ts"
import { RANDOM } from "./random.ts"
import { STEPS, TRAINING, type Training } from "./training.ts"

let outcomes: ReadonlyMap<string, Outcome> | undefined

function outcomeOf({ python }: { readonly python: string }): Outcome {
  outcomes ??= new Map(
    data
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Outcome)
      .map((outcome) => [outcome.python, outcome]),
  )
  const outcome = outcomes.get(python)
  if (!outcome) throw new Error(`there is no golden value for "${python}": generate the values again`)
  return outcome
}

/** Two units in the last place: the transcendental functions under normal numbers differ by that between machines. */
const DRAWN: Readonly<Partial<Record<string, Closeness>>> = {
  float32: { rtol: 2 ** -22, atol: 0 },
  float64: { rtol: 2 ** -51, atol: 0 },
}

async function samePrinting(program: Program): Promise<string[]> {
  const want = outcomeOf(program).text
  const result = program.run()
  const got = await result.format()
  return got === want ? [] : [`${program.python}\nprints\n${got}\nPyTorch prints\n${want}`]
}

/** The numbers of PyTorch where the device draws from its generator; elsewhere the same numbers for the same seed. */
async function sameDraw(program: Program, { random, syncRead }: Capabilities): Promise<string[]> {
  let result: Tensor
  try {
    result = program.run()
  } catch (error) {
    // multinomial draws on the host.
    if (!syncRead && error instanceof Error && error.message.includes("await ")) return []
    throw error
  }
  const close = (tensor: Tensor): Closeness => DRAWN[tensor.dtype] ?? TOLERANCE[tensor.dtype as keyof typeof TOLERANCE]
  if (random !== "mt19937") {
    const again = await numbersOf(program.run())
    return differences(await numbersOf(result), again, { rtol: 0, atol: 0 }, `${program.python}, twice`)
  }
  const want = outcomeOf(program)
  if (result.shape.join() !== want.shape.join()) return [`shape [${result.shape}], PyTorch has [${want.shape}]`]
  return differences(await numbersOf(result), want.values.map(Number), close(result), program.python)
}

async function sameCurve(training: Training, steps: number): Promise<string[]> {
  const want = outcomeOf(training).values.slice(0, steps).map(Number)
  return differences(await lossesOf(training, steps), want, training.close, "losses by step")
}

const groupOf = (
  name: string,
  programs: readonly Program[],
  run: (program: Program) => Promise<readonly string[]>,
): CheckGroup => ({
  op: name,
  template: "programs",
  partial: false,
  checks: programs.map((each) => ({
    id: `${name}/${each.python}`,
    op: name,
    template: "programs",
    dtype: null,
    tags: [],
    run: () => run(each),
  })),
})

const trainingGroup = (steps: number): CheckGroup => ({
  op: "training",
  template: "programs",
  partial: steps < STEPS,
  checks: TRAINING.map((each) => ({
    id: `training/${each.name}`,
    op: "training",
    template: "programs",
    dtype: null,
    tags: [],
    run: () => sameCurve(each, steps),
  })),
})

/** Dtypes that a program needs besides the default ones. */
function dtypesIn({ python }: Program): DType[] {
  const named = DTYPE_NAMES.filter((dtype) => python.includes(`torch.${dtype})`) || python.includes(`torch.${dtype},`))
  return python.includes(".double()") ? [...named, "float64"] : named
}

/** All programs; those that train take `steps` steps. */
export function programGroups(capabilities: Capabilities, steps: number): CheckGroup[] {
  const possible = (programs: readonly Program[]): Program[] =>
    programs.filter((each) => dtypesIn(each).every((dtype) => capabilities.dtypes.has(dtype)))
  return [
    groupOf("random", possible(RANDOM), (each) => sameDraw(each, capabilities)),
    groupOf("printing", possible(PRINTING), samePrinting),
    trainingGroup(steps),
  ]
}
