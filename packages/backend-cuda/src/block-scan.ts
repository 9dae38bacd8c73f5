/** Running combinations over the threads of a warp or a block, in order: the monoid need not commute. */
import type { SharedTuples, Tuple, Tuples } from "./monoid.ts"
import { BLOCK } from "./planner.ts"
import type { Writer } from "./writer.ts"

/** What a thread is given: for each of its tuples that of all before it, and that of all. */
export interface Scanned {
  readonly before: readonly Tuple[]
  readonly all: Tuple
}

/** How threads work together on a row. */
export type Team = "thread" | "warp" | "block"

/**
 * Of `mine`, the tuples of each thread: the first ones of all lanes of a warp come before their second ones, and all of a
 * warp's before those of the next. All threads of the team's warp or block must come here.
 */
export type ScanTeam = (mine: readonly Tuple[]) => Scanned

const lane = (w: Writer): string => w.op("and.b32", w.thread, 31)

/** Each of `mine` ⊕= its like in all lanes before; the tuples of the lanes before alone. */
function scanLanes(w: Writer, tuples: Tuples, mine: readonly Tuple[]): Tuple[] {
  const here = lane(w)
  const apart = w.variable("u32", 1)
  w.while(
    () => w.op("setp.lt.u32", apart, 32),
    () => {
      const others = mine.map((tuple) => tuples.shuffle(tuple, "up", apart))
      w.if(w.op("setp.ge.u32", here, apart), () => {
        for (const [k, tuple] of mine.entries()) tuples.assign(tuple, tuples.combine(others[k], tuple))
      })
      w.line(`shl.b32 ${apart}, ${apart}, 1`)
    },
  )
  const before = mine.map((tuple) => tuples.copy(tuples.shuffle(tuple, "up", 1)))
  w.if(w.op("setp.eq.u32", here, 0), () => {
    for (const tuple of before) tuples.clear(tuple)
  })
  return before
}

function scanWarp(w: Writer, tuples: Tuples, mine: readonly Tuple[]): Scanned {
  const sums = mine.map((tuple) => tuples.copy(tuple))
  const [first, ...rest] = scanLanes(w, tuples, sums)
  const all = tuples.copy(tuples.shuffle(sums[0], "idx", 31))
  const later = rest.map((before, k) => {
    const joined = tuples.copy(tuples.combine(all, before))
    tuples.join(all, tuples.shuffle(sums[k + 1], "idx", 31))
    return joined
  })
  return { before: [first, ...later], all }
}

/** Prepares the scans of a team, which may be used many times over. */
export function scanTeam(w: Writer, tuples: Tuples, team: Team): ScanTeam {
  if (team === "warp") return (mine) => scanWarp(w, tuples, mine)
  if (team === "block") {
    const warps = tuples.sharedArray("warps", BLOCK / 32)
    return (mine) => scanWarps(w, tuples, warps, mine)
  }
  return (mine) => {
    const all = tuples.identity()
    const before = mine.map((tuple) => {
      const so = tuples.copy(all)
      tuples.join(all, tuple)
      return so
    })
    return { before, all }
  }
}

function scanWarps(w: Writer, tuples: Tuples, warps: SharedTuples, mine: readonly Tuple[]): Scanned {
  const ofWarp = scanWarp(w, tuples, mine)
  const warp = w.op("shr.u32", w.thread, 5)
  w.if(w.op("setp.eq.u32", lane(w), 0), () => warps.store(warp, ofWarp.all))
  w.barrier()
  const before = tuples.identity()
  const all = tuples.identity()
  w.for("u32", 0, BLOCK / 32, 1, (k) => {
    w.if(w.op("setp.eq.u32", k, warp), () => tuples.assign(before, all))
    tuples.join(all, warps.load(k))
  })
  // What the threads read here the next turn may overwrite.
  w.barrier()
  return { before: ofWarp.before.map((tuple) => tuples.combine(before, tuple)), all }
}
