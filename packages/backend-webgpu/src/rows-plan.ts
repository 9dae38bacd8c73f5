/** How rows are shared out to workgroups and their invocations. */
import { GROUP } from "./planner.ts"

/** Elements of a row that are worth an invocation. */
const ITEMS = 8
/** Of many rows up to this length, an invocation has one by itself, and waits for no other. */
const SHORT = 32
/** Invocations side by side that read neighbouring elements together. */
const NEIGHBOURS = 16
/** With fewer workgroups than this a machine is not filled. */
const ENOUGH_GROUPS = 64
const MOST_SEGMENTS = 256
/** Cut into fewer segments, a row is not done sooner. */
const SEGMENTS_WORTH_CUTTING = 4

export interface Shares {
  readonly rows: number
  readonly length: number
  /** Invocations that walk a row together, and the distance between two that follow each other: powers of two. */
  readonly lanes: number
  readonly step: number
  /** Segments of a row, and elements of a segment. */
  readonly segments: number
  readonly span: number
  /** Workgroups of each dispatch. */
  readonly groups: number
}

/** `neighbours`: it is elements of neighbouring rows that lie side by side. `cuttable`: whether rows may be cut. */
export function shareRows(rows: number, length: number, neighbours: boolean, cuttable: boolean): Shares {
  let lanes = 1
  const short = length <= SHORT && rows >= GROUP
  while (!short && lanes < GROUP && lanes * ITEMS < length) lanes *= 2
  if (neighbours) {
    let together = 1
    while (together < NEIGHBOURS && together < rows) together *= 2
    lanes = Math.min(lanes, GROUP / together)
  }
  const groups = Math.ceil(rows / (GROUP / lanes))
  const worth = Math.floor(length / (lanes * ITEMS))
  const parts = short ? 1 : Math.min(MOST_SEGMENTS, Math.ceil(ENOUGH_GROUPS / groups), worth)
  // Where rows consist of whole words, segments do so as well.
  const span = !cuttable || parts < SEGMENTS_WORTH_CUTTING ? length : Math.ceil(length / parts / 4) * 4
  const segments = span === 0 ? 1 : Math.ceil(length / span)
  return { rows, length, lanes, step: neighbours ? GROUP / lanes : 1, segments, span, groups: groups * segments }
}
