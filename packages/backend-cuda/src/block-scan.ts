/** Running combinations over the threads of a warp or a block, in order: the monoid need not commute. */
import type { SharedTuples, Tuple, Tuples } from "./monoid.ts"
import { BLOCK } from "./planner.ts"
import type { Writer } from "./writer.ts"

/** What a thread is given: the tuple of all threads before it, and that of all. */
export interface Scanned {
  readonly before: Tuple
  readonly all: Tuple
}

/** How threads work together on a row. */
export type Team = "thread" | "warp" | "block"

/** Of `mine`, the tuple of each thread. All threads of the team's warp or block must come here. */
export type ScanTeam = (mine: Tuple) => Scanned

const lane = (w: Writer): string => w.op("and.b32", w.thread, 31)

/** `mine` ⊕= all lanes before; the tuple of the lanes before alone. */
function scanLanes(w: Writer, tuples: Tuples, mine: Tuple): Tuple {
  const here = lane(w)
  const apart = w.variable("u32", 1)
  w.while(
    () => w.op("setp.lt.u32", apart, 32),
    () => {
      const other = tuples.shuffle(mine, "up", apart)
      w.if(w.op("setp.ge.u32", here, apart), () => tuples.assign(mine, tuples.combine(other, mine)))
      w.line(`shl.b32 ${apart}, ${apart}, 1`)
    },
  )
  const before = tuples.copy(tuples.shuffle(mine, "up", 1))
  w.if(w.op("setp.eq.u32", here, 0), () => tuples.clear(before))
  return before
}

/** Prepares the scans of a team, which may be used many times over. */
export function scanTeam(w: Writer, tuples: Tuples, team: Team): ScanTeam {
  if (team === "thread") return (mine) => ({ before: tuples.identity(), all: mine })
  if (team === "warp")
    return (mine) => {
      const sum = tuples.copy(mine)
      const before = scanLanes(w, tuples, sum)
      return { before, all: tuples.shuffle(sum, "idx", 31) }
    }
  const warps = tuples.sharedArray("warps", BLOCK / 32)
  return (mine) => scanWarps(w, tuples, warps, mine)
}

function scanWarps(w: Writer, tuples: Tuples, warps: SharedTuples, mine: Tuple): Scanned {
  const sum = tuples.copy(mine)
  const inWarp = scanLanes(w, tuples, sum)
  const warp = w.op("shr.u32", w.thread, 5)
  w.if(w.op("setp.eq.u32", lane(w), 31), () => warps.store(warp, sum))
  w.barrier()
  const before = tuples.identity()
  const all = tuples.identity()
  w.for("u32", 0, BLOCK / 32, 1, (k) => {
    w.if(w.op("setp.eq.u32", k, warp), () => tuples.assign(before, all))
    tuples.join(all, warps.load(k))
  })
  tuples.join(before, inWarp)
  // What the threads read here the next turn may overwrite.
  w.barrier()
  return { before, all }
}
