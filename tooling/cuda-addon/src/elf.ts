/** Reads of an ELF file what a loader does: for which machine it is, which libraries it needs, and which versions of symbols. */

export interface Elf {
  readonly machine: "x64" | "arm64" | string
  readonly needed: readonly string[]
  /** Versions that are asked for, such as "GLIBC_2.14". */
  readonly versions: readonly string[]
  /** Names that others can see. */
  readonly exported: readonly string[]
}

const MACHINES: Readonly<Record<number, string>> = { 62: "x64", 183: "arm64" }
const [DYNAMIC, DYNSYM, VERSIONS_NEEDED] = [6, 11, 0x6ffffffe]
const NEEDED = 1

interface Section {
  readonly type: number
  readonly offset: number
  readonly size: number
  readonly link: number
}

/** @throws TypeError where it is no 64-bit ELF file in little endian. */
export function readElf(bytes: Uint8Array): Elf {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.byteLength < 64 || view.getUint32(0) !== 0x7f454c46 || view.getUint16(4) !== 0x0201)
    throw new TypeError("this is no 64-bit ELF file")
  const long = (at: number): number => Number(view.getBigUint64(at, true))
  const machine = view.getUint16(18, true)
  const table = long(40)
  const [entry, count] = [view.getUint16(58, true), view.getUint16(60, true)]
  const sections = Array.from({ length: count }, (_, i): Section => {
    const at = table + i * entry
    return {
      type: view.getUint32(at + 4, true),
      offset: long(at + 24),
      size: long(at + 32),
      link: view.getUint32(at + 40, true),
    }
  })
  const textAt = (at: number): string => {
    let end = at
    while (bytes[end] !== 0) end++
    return Buffer.from(bytes.subarray(at, end)).toString("latin1")
  }
  const ofType = (type: number): Section[] => sections.filter((section) => section.type === type)
  const named = ({ link }: Section, offset: number): string => textAt(sections[link].offset + offset)

  const needed = ofType(DYNAMIC).flatMap((section) => {
    const names: string[] = []
    for (let at = section.offset; at < section.offset + section.size; at += 16)
      if (long(at) === NEEDED) names.push(named(section, long(at + 8)))
    return names
  })
  const versions = ofType(VERSIONS_NEEDED).flatMap((section) => {
    const names: string[] = []
    let file = section.offset
    for (;;) {
      let version = file + view.getUint32(file + 8, true)
      for (let i = view.getUint16(file + 2, true); i > 0; i--) {
        names.push(named(section, view.getUint32(version + 8, true)))
        version += view.getUint32(version + 12, true)
      }
      const next = view.getUint32(file + 12, true)
      if (next === 0) return names
      file += next
    }
  })
  const exported = ofType(DYNSYM).flatMap((section) => {
    const names: string[] = []
    for (let at = section.offset; at < section.offset + section.size; at += 24) {
      const isGlobal = bytes[at + 4] >> 4 !== 0
      const isDefined = view.getUint16(at + 6, true) !== 0
      if (isGlobal && isDefined) names.push(named(section, view.getUint32(at, true)))
    }
    return names
  })
  return { machine: MACHINES[machine] ?? String(machine), needed, versions, exported }
}
