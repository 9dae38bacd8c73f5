/**
 * A decorator that catches stray writes: every buffer lies between two guards and starts out full of a pattern, and a
 * launch may change nothing but the elements of its outputs, gaps between them included.
 *
 * Where reads are synchronous all of that is checked after every launch; elsewhere the guards are, in `verify`.
 */

import { type Backend, type Buffer, describeKernel, type Executable, type Kernel, type Operand } from "@taeda/core"
import { delegate } from "./delegate.ts"
import { addressesOf, countOf, isDense, type OperandType, operandTypes, widthOf } from "./operands.ts"

/** Bytes on each side: a multiple of every element's size, and of the alignment that machines ask of an offset. */
const GUARD = 256
/** As a float it is finite and absurd, as an integer far from every index: memory taken for zeros shows. */
const PATTERN = 0x6b

class Guarded {
  readonly inner: Buffer
  readonly bytes: number

  constructor(inner: Buffer, bytes: number) {
    this.inner = inner
    this.bytes = bytes
  }
}

class Launchable {
  readonly inner: Executable
  readonly kernel: Kernel
  readonly types: readonly OperandType[]

  constructor(inner: Executable, kernel: Kernel) {
    this.inner = inner
    this.kernel = kernel
    this.types = operandTypes(kernel)
  }
}

export interface GuardedBackend extends Backend {
  /** Resolves to what was found since the last call: one sentence for each write that should not have been. */
  verify(): Promise<string[]>
}

/** Marks in `allowed` (a byte each) what a launch may write in a buffer. */
function allow(allowed: Uint8Array, operand: Operand, width: number): void {
  if (isDense(operand)) {
    const start = GUARD + operand.offset * width
    allowed.fill(1, start, start + countOf(operand) * width)
    return
  }
  for (const address of addressesOf(operand)) {
    const start = GUARD + address * width
    allowed.fill(1, start, start + width)
  }
}

/** The first byte that differs where it must not; -1 when there is none. */
function firstStray(before: Uint8Array, after: Uint8Array, allowed: Uint8Array | undefined): number {
  for (let i = 0; i < before.length; i++) if (before[i] !== after[i] && !allowed?.[i]) return i
  return -1
}

const place = (at: number, bytes: number): string =>
  at < GUARD
    ? `${GUARD - at} bytes before its beginning`
    : at >= GUARD + bytes
      ? `${at - GUARD - bytes} bytes past its end`
      : `at byte ${at - GUARD}, outside of the elements it was given to write`

export function guarded(inner: Backend): GuardedBackend {
  const live = new Set<Guarded>()
  const found: string[] = []
  const { readSync } = inner

  const unguarded = (buffer: Buffer): Guarded => buffer as Guarded
  const wholeOf = ({ inner: buffer, bytes }: Guarded): Uint8Array => readSync!.call(inner, buffer, 0, bytes + 2 * GUARD)

  const launch = (executable: Launchable, sizes: readonly number[], operands: readonly Operand[], run: () => void) => {
    if (!readSync) return run()
    const before = new Map<Guarded, Uint8Array>()
    const allowed = new Map<Guarded, Uint8Array>()
    operands.forEach((operand, k) => {
      const buffer = unguarded(operand.buffer)
      if (!before.has(buffer)) before.set(buffer, wholeOf(buffer))
      if (!executable.types[k].written) return
      let mask = allowed.get(buffer)
      if (!mask) allowed.set(buffer, (mask = new Uint8Array(buffer.bytes + 2 * GUARD)))
      allow(mask, operand, widthOf(executable.types[k].dtype))
    })
    try {
      run()
    } finally {
      for (const [buffer, bytes] of before) {
        const at = firstStray(bytes, wholeOf(buffer), allowed.get(buffer))
        if (at >= 0)
          found.push(
            `${describeKernel(executable.kernel)} over [${sizes.join(", ")}] wrote to a buffer of ${buffer.bytes} bytes ${place(at, buffer.bytes)}`,
          )
      }
    }
  }

  const checkGuards = async (buffer: Guarded): Promise<void> => {
    for (const start of [0, GUARD + buffer.bytes]) {
      const bytes = await inner.read(buffer.inner, start, GUARD)
      const at = bytes.findIndex((byte) => byte !== PATTERN)
      if (at >= 0) found.push(`something wrote to a buffer of ${buffer.bytes} bytes ${place(start + at, buffer.bytes)}`)
    }
  }

  return {
    ...delegate(inner),
    allocate(bytes, dtype) {
      const buffer = new Guarded(inner.allocate(bytes + 2 * GUARD, dtype), bytes)
      inner.write(buffer.inner, new Uint8Array(bytes + 2 * GUARD).fill(PATTERN))
      live.add(buffer)
      return buffer
    },
    free(buffer) {
      live.delete(unguarded(buffer))
      inner.free(unguarded(buffer).inner)
    },
    write: (buffer, bytes, byteOffset = 0) => inner.write(unguarded(buffer).inner, bytes, byteOffset + GUARD),
    copy: (from, fromByte, to, toByte, bytes) =>
      inner.copy(unguarded(from).inner, fromByte + GUARD, unguarded(to).inner, toByte + GUARD, bytes),
    read: (buffer, byteOffset, bytes) => inner.read(unguarded(buffer).inner, byteOffset + GUARD, bytes),
    ...(readSync && {
      readSync: (buffer: Buffer, byteOffset: number, bytes: number) =>
        readSync.call(inner, unguarded(buffer).inner, byteOffset + GUARD, bytes),
    }),
    compile: (kernel) => new Launchable(inner.compile(kernel), kernel),
    launch(executable, sizes, operands, scalars) {
      const given = executable as Launchable
      const shifted = operands.map((operand, k) => ({
        ...operand,
        buffer: unguarded(operand.buffer).inner,
        offset: operand.offset + GUARD / widthOf(given.types[k].dtype),
      }))
      launch(given, sizes, operands, () => inner.launch(given.inner, sizes, shifted, scalars))
    },
    async verify() {
      if (!readSync) for (const buffer of live) await checkGuards(buffer)
      return found.splice(0)
    },
  }
}
