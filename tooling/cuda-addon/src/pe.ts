/** Reads of a Windows library what a loader does: for which machine it is, and which libraries it needs. */

export interface Pe {
  readonly machine: "x64" | string
  readonly needed: readonly string[]
}

const MACHINES: Readonly<Record<number, string>> = { 34404: "x64", 43620: "arm64" }
const PE_32_PLUS = 0x20b
/** Where the optional header has its directories, of which the second is that of imports. */
const DIRECTORIES = 112

/** @throws TypeError where it is no 64-bit PE file. */
export function readPe(bytes: Uint8Array): Pe {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const int = (at: number): number => view.getUint32(at, true)
  const header = view.byteLength > 64 && view.getUint16(0) === 0x4d5a ? int(0x3c) : 0
  if (header === 0 || int(header) !== 0x4550) throw new TypeError("this is no PE file")
  const optional = header + 24
  if (view.getUint16(optional, true) !== PE_32_PLUS) throw new TypeError("this is no 64-bit PE file")
  const sections = optional + view.getUint16(header + 20, true)
  const count = view.getUint16(header + 6, true)
  /** Where in the file an address is. */
  const place = (address: number): number => {
    for (let i = 0; i < count; i++) {
      const at = sections + 40 * i
      const [size, from] = [int(at + 8), int(at + 12)]
      if (address >= from && address < from + size) return int(at + 20) + address - from
    }
    throw new TypeError(`address ${address} lies in no section`)
  }
  const textAt = (at: number): string => {
    let end = at
    while (bytes[end] !== 0) end++
    return Buffer.from(bytes.subarray(at, end)).toString("latin1")
  }
  const needed: string[] = []
  const imports = int(optional + DIRECTORIES + 8)
  if (imports !== 0)
    for (let at = place(imports); int(at + 12) !== 0; at += 20) needed.push(textAt(place(int(at + 12))))
  const machine = view.getUint16(header + 4, true)
  return { machine: MACHINES[machine] ?? machine.toString(16), needed }
}
