/**
 * Who may see the gradients of one backward pass.
 *
 * Most are made by a rule of the library, handed to the next and never seen by anybody else. Those are counted here and freed
 * when the last place of the pass that holds them is done with them. What hooks, custom functions or the caller may see is
 * given up: it is the collector's.
 */
import { enter, leave, watching } from "../regions.ts"
import type { Storage } from "../storage.ts"
import type { Tensor } from "../tensor.ts"

export class Flow {
  /** Memory that more than one gradient, or somebody else, may see: a leaf must not keep it. */
  private readonly shared = new Set<Storage>()
  /** Made in this pass and seen by nobody else: how many places of the pass hold it. Null: nothing is freed here. */
  private readonly counts: Map<Storage, number> | null
  /** Looked at when a node is done: what nobody holds by then is freed. */
  private leaving: Storage[] = []

  /** `records`: the pass itself becomes part of a graph, which then holds what is made in it. */
  constructor(records: boolean) {
    this.counts = watching && !records ? new Map() : null
  }

  /** Runs what makes gradients; those in its result are this pass's own, and whatever else it makes is freed. */
  make<T>(body: () => T): T {
    const { counts } = this
    if (!counts) return body()
    const mark = enter()
    let result: T | null = null
    try {
      result = body()
    } finally {
      leave(mark, result, this.adopt)
    }
    return result
  }

  private readonly adopt = (storage: Storage): void => {
    this.counts?.set(storage, 0)
    this.leaving.push(storage)
  }

  /** A gradient that the pass begins with and that nobody else sees. */
  begin({ storage }: Tensor): void {
    if (!storage.device.collects) this.adopt(storage)
  }

  /** Notes that one more place holds a gradient. */
  hold({ storage }: Tensor): void {
    const count = this.counts?.get(storage)
    if (count !== undefined) this.counts!.set(storage, count + 1)
  }

  /** Notes that a place lets go of it. It may still be on its way to others until `sweep`. */
  drop({ storage }: Tensor): void {
    const count = this.counts?.get(storage)
    if (count === undefined) return
    this.counts!.set(storage, count - 1)
    this.leaving.push(storage)
  }

  /** A node is done: frees what no place holds any more. */
  sweep(): void {
    const { counts, leaving } = this
    if (!counts || leaving.length === 0) return
    for (const storage of leaving)
      if (counts.get(storage) === 0) {
        counts.delete(storage)
        storage.discard()
      }
    leaving.length = 0
  }

  /** Several gradients of the pass lie in this memory. */
  share(storage: Storage): void {
    this.shared.add(storage)
  }

  /** Somebody outside of the pass may hold it from now on. */
  show(storage: Storage): void {
    this.shared.add(storage)
    this.counts?.delete(storage)
    storage.internal = false
  }

  isShared(storage: Storage): boolean {
    return this.shared.has(storage)
  }

  /** A leaf keeps a gradient that nobody else sees. */
  keep(storage: Storage): void {
    if (this.counts?.delete(storage)) storage.internal = true
  }
}
