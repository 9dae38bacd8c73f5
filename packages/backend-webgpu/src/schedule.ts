/**
 * In which order commands run, and which of them together. They are given in an order that is right; any other in which each
 * comes behind those whose memory it touches is as right.
 */

/** A command as it touches memory. Of one `kind` may run together what does not depend on one another. */
export interface Task {
  readonly reads: readonly object[]
  readonly writes: readonly object[]
  readonly kind: number
}

interface Touch {
  writer: number
  readers: number[]
}

/** For each task those that must come behind it, and how many must come before each. */
function dependencies(tasks: readonly Task[]): { readonly later: number[][]; readonly waiting: number[] } {
  const later: number[][] = tasks.map(() => [])
  const waiting = tasks.map(() => 0)
  const touched = new Map<object, Touch>()
  const after = (before: number, i: number): void => {
    if (before < 0 || before === i) return
    later[before].push(i)
    waiting[i]++
  }
  for (const [i, { reads, writes }] of tasks.entries()) {
    for (const memory of reads) {
      const touch = touched.get(memory)
      if (touch) {
        after(touch.writer, i)
        touch.readers.push(i)
      } else touched.set(memory, { writer: -1, readers: [i] })
    }
    for (const memory of writes) {
      const touch = touched.get(memory)
      if (touch) {
        after(touch.writer, i)
        for (const reader of touch.readers) after(reader, i)
      }
      touched.set(memory, { writer: i, readers: [] })
    }
  }
  return { later, waiting }
}

/** Tasks in a group, at most. */
const MOST = 16

/**
 * The tasks in groups: those of a group are of one kind, do not depend on one another, and `fits` says of each that it may
 * join those that are in the group already. What most others wait for, one behind the other, comes first.
 */
export function schedule<T extends Task>(
  tasks: readonly T[],
  fits: (group: readonly T[], task: T) => boolean,
): readonly (readonly T[])[] {
  if (tasks.length === 1) return [tasks]
  const { later, waiting } = dependencies(tasks)
  const height = tasks.map(() => 1)
  for (let i = tasks.length - 1; i >= 0; i--) for (const j of later[i]) height[i] = Math.max(height[i], height[j] + 1)
  /** Those that wait for nothing, the highest first; of equals the first given. */
  const ready: number[] = []
  const insert = (i: number): void => {
    let at = ready.length
    while (at > 0 && (height[ready[at - 1]] < height[i] || (height[ready[at - 1]] === height[i] && ready[at - 1] > i)))
      at--
    ready.splice(at, 0, i)
  }
  for (let i = 0; i < tasks.length; i++) if (waiting[i] === 0) insert(i)
  const groups: T[][] = []
  while (ready.length > 0) {
    const { kind } = tasks[ready[0]]
    const group: T[] = []
    const chosen: number[] = []
    for (const i of ready) {
      if (group.length === MOST) break
      if (tasks[i].kind !== kind || (group.length > 0 && !fits(group, tasks[i]))) continue
      group.push(tasks[i])
      chosen.push(i)
    }
    for (const i of chosen) ready.splice(ready.indexOf(i), 1)
    for (const i of chosen) for (const j of later[i]) if (--waiting[j] === 0) insert(j)
    groups.push(group)
  }
  return groups
}
