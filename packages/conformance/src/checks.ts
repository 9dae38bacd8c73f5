/** Checks: everything the suite tries, in groups of one op (or program) and one template. */

import type { Capabilities, DType } from "@taeda/core"
import { type Case, casesOf, type ErrorCase, errorCasesOf } from "./cases.ts"
import { catalogueChecks } from "./catalogue.ts"
import { isFloatDtype } from "./compare.ts"
import { type Golden, loadGolden } from "./golden.ts"
import { programGroups } from "./programs/index.ts"
import { STEPS } from "./programs/training.ts"
import { idOf, type Row, type Tag } from "./row.ts"
import { FAMILIES, type Family } from "./rows/index.ts"
import { BACKWARD } from "./templates/backward.ts"
import { runErrorCase } from "./templates/errors.ts"
import { FORWARD } from "./templates/forward.ts"
import { IN_PLACE } from "./templates/in-place.ts"
import { runHostRead, runRefusal } from "./templates/refusal.ts"
import type { Template } from "./templates/template.ts"

export interface Check {
  /** The case's id: several templates check one case. */
  readonly id: string
  /** The op's path in the namespace, or the group of programs. */
  readonly op: string
  /** null where the check is not about one. */
  readonly dtype: DType | null
  readonly template: string
  readonly tags: readonly Tag[]
  /** Resolves to what went wrong. */
  run(): Promise<readonly string[]>
}

export interface CheckGroup {
  readonly op: string
  readonly template: string
  readonly checks: readonly Check[]
  /** Whether a selection left out checks of this op. */
  readonly partial: boolean
}

/** What to run; what is left out selects everything. */
export interface Selection {
  /** Names or ids of ops; `*` stands for anything. */
  readonly ops?: readonly string[]
  readonly dtypes?: readonly DType[]
  readonly templates?: readonly string[]
  /** false: of each op a few cases only, with every dtype, layout and kind of input among them. Default true. */
  readonly full?: boolean
  /** How many of its 200 steps a training program takes: all by default, 10 where not `full`. For slow backends. */
  readonly steps?: number
}

export const TEMPLATES: readonly Template[] = [...FORWARD, ...IN_PLACE, ...BACKWARD]

const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&")

/** Whether a name is one of the patterns (`*` stands for anything); true without patterns. */
export function matches(patterns: readonly string[] | undefined, ...names: readonly string[]): boolean {
  if (!patterns) return true
  return patterns.some((pattern) => {
    const expression = new RegExp(`^${pattern.split("*").map(escaped).join(".*")}$`)
    return names.some((name) => expression.test(name))
  })
}

/** A few cases of a row that have in them each dtype, tag, layout and combination of shapes that the row has. */
export function stratified(cases: readonly Case[]): Case[] {
  const seen = new Set<string>()
  return cases.filter(({ dtype, sample, inputs }) => {
    const traits = [
      dtype,
      ...sample.tags.map((tag) => `${tag} ${isFloatDtype(dtype)}`),
      ...inputs.map(({ layout }) => layout),
    ]
    const fresh = traits.filter((trait) => !seen.has(trait))
    for (const trait of fresh) seen.add(trait)
    return fresh.length > 0
  })
}

/** Dtypes that a case needs and the backend does not have. */
function lacking({ inputs, dtype, options }: Case, golden: Golden, { dtypes }: Capabilities): DType[] {
  const named = Object.values(options).includes(dtype) ? [dtype] : []
  const needed = [...inputs.map((input) => input.dtype), ...golden.outputs.map((output) => output.dtype), ...named]
  return [...new Set(needed)].filter((each) => !dtypes.has(each))
}

/** The most samples that finite differences are taken of outside of a full run. */
const SLOW: ReadonlySet<string> = new Set(["gradcheck", "gradgradcheck"])
const FEW = 2

/** Steps of a training program outside of a full run. */
const FEW_STEPS = 10

function rowGroups(
  row: Row,
  goldens: ReadonlyMap<string, Golden>,
  backend: { readonly name: string; readonly capabilities: Capabilities },
  { dtypes, templates, full = true }: Selection,
): CheckGroup[] {
  const { capabilities } = backend
  const op = idOf(row)
  const all = casesOf(row)
  const chosen = (full ? all : stratified(all)).filter(({ dtype }) => !dtypes || dtypes.includes(dtype))
  const trials = chosen.map((each) => {
    const golden = goldens.get(each.id)
    if (!golden) throw new Error(`there is no golden value for ${each.id}: generate the values again`)
    return { each, golden, capabilities, lacks: lacking(each, golden, capabilities) }
  })
  const group = (template: string, checks: readonly Omit<Check, "op" | "template">[]): CheckGroup => ({
    op,
    template,
    partial: chosen.length < all.length,
    checks: checks.map((check) => ({ ...check, op, template })),
  })
  const refusable = ({ each, lacks }: (typeof trials)[number]): boolean =>
    lacks.length === 0 && each.sample.readsHost !== undefined && !capabilities.syncRead
  const groups = TEMPLATES.map((template) => {
    const fit = trials.filter((trial) => trial.lacks.length === 0 && !refusable(trial) && template.applies(trial))
    const taken = full || !SLOW.has(template.name) ? fit : fit.slice(0, FEW)
    return group(
      template.name,
      taken.map((trial) => ({
        id: trial.each.id,
        dtype: trial.each.dtype,
        tags: trial.each.sample.tags,
        run: () => template.run(trial),
      })),
    )
  })
  const refused = trials.filter(({ lacks }) => lacks.length > 0)
  const errors = errorCasesOf(row).filter((each) => each.inputs.every(({ dtype }) => capabilities.dtypes.has(dtype)))
  groups.push(
    group(
      "unsupportedDtype",
      refused.map(({ each, lacks }) => ({
        id: each.id,
        dtype: each.dtype,
        tags: each.sample.tags,
        run: () => runRefusal(each, lacks, backend.name),
      })),
    ),
    group(
      "hostReads",
      trials.filter(refusable).map((trial) => ({
        id: trial.each.id,
        dtype: trial.each.dtype,
        tags: trial.each.sample.tags,
        run: () => runHostRead(trial),
      })),
    ),
    group(
      "errors",
      errors.map((each: ErrorCase) => ({
        id: each.id,
        dtype: null,
        tags: [],
        run: () => runErrorCase(each, capabilities),
      })),
    ),
  )
  return groups.filter((each) => each.checks.length > 0 && matches(templates, each.template))
}

/** Everything that a selection asks for, for a backend. Decodes PyTorch's values: keep the result. */
export async function checksOf(
  backend: { readonly name: string; readonly capabilities: Capabilities },
  selection: Selection = {},
): Promise<CheckGroup[]> {
  const { full = true, steps = full ? STEPS : FEW_STEPS } = selection
  if (!Number.isInteger(steps) || steps < 1 || steps > STEPS)
    throw new RangeError(`steps: a training program takes 1 to ${STEPS}, got ${steps}`)
  const groups: CheckGroup[] = []
  for (const family of Object.keys(FAMILIES) as Family[]) {
    const rows = FAMILIES[family].filter((row) => matches(selection.ops, row.name, idOf(row)))
    if (rows.length === 0) continue
    const goldens = await loadGolden(family)
    groups.push(...rows.flatMap((row) => rowGroups(row, goldens, backend, selection)))
  }
  const others = [...catalogueChecks(), ...programGroups(backend.capabilities, steps)]
  return [
    ...groups,
    ...others.filter(
      ({ op, template }) =>
        matches(selection.ops, op) && matches(selection.templates, template) && selection.dtypes === undefined,
    ),
  ]
}
