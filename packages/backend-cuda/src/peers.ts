/**
 * Copies between the devices that this process opened. The driver copies directly where the devices reach each other, and
 * else through the host by itself. The copy is queued on the stream of the source, whose memory is so used again only by
 * what comes after it; the other stream is waited for before, and waits after.
 */
import type { Backend, Buffer } from "@taeda/core"
import type { CudaContext } from "./driver.ts"
import type { Faults } from "./faults.ts"
import type { Loss } from "./loss.ts"
import type { Block } from "./segments.ts"

/** A device as another one's copies see it. */
export interface Peer {
  readonly context: CudaContext
  readonly faults: Faults
  readonly loss: Loss
  /** The block behind a buffer. @throws RangeError where it has not these bytes. @throws Error where it is of no use any more. */
  readonly checked: (buffer: Buffer, from: number, count: number) => Block
  readonly refuseWhileRecording: (what: string) => void
}

/** Of the backends that this copy of the package made; a decorated one is not among them. */
const known = new WeakMap<Backend, Peer>()

/** Lets other backends copy from this one. */
export function introduce(backend: Backend, peer: Peer): void {
  known.set(backend, peer)
}

/** What comes to a device from others. */
export class Arrivals {
  private readonly own: Peer
  /** Those from which something came since a read was last queued. */
  private readonly sources = new Set<Peer>()

  constructor(own: Peer) {
    this.own = own
  }

  /** Queues a copy; false, and nothing is done, where the other backend is no device of the same driver. */
  copy(to: Buffer, source: Backend, from: Buffer, fromByte: number, bytes: number): boolean {
    const { own } = this
    const peer = known.get(source)
    if (!peer || !own.context.isPeer(peer.context)) return false
    const block = peer.checked(from, fromByte, bytes)
    const target = own.checked(to, 0, bytes)
    for (const { refuseWhileRecording } of [peer, own]) refuseWhileRecording("a copy from one device to another")
    if (bytes === 0) return true
    const run = (one: Block, oneByte: number, other: Block, count: number): void => {
      const start = one.offset + oneByte
      peer.context.copyToPeer(other.segment.memory, other.offset, one.segment.memory, start, count)
    }
    try {
      run(block, fromByte, target, bytes)
      this.sources.add(peer)
      own.faults.bring(peer.faults, (words, copied, count) => run(words, 0, copied, count))
    } catch (error) {
      throw (own.context.isLost() ? own : peer).loss.told(error, "a copy from one device to another")
    }
    return true
  }

  /**
   * What looks after the sources of what came so far, to be called when that is done.
   *
   * @throws DeviceLostError where one was lost: what came from it may be anything.
   */
  check(): () => void {
    const sources = [...this.sources]
    this.sources.clear()
    return () => {
      for (const { loss, context } of sources) loss.guard("a copy to another device", () => context.probe())
    }
  }
}
