/** What NVIDIA's data sheets say a GPU can do, dense. */
import type { TimeRow } from "./rows.ts"

export interface Peaks {
  readonly name: RegExp
  /** GB/s. */
  readonly memory: number
  /** TFLOP/s by what multiplies. */
  readonly bfloat16: number
  readonly float16: number
  readonly tf32: number
  readonly float32: number
}

const of = (name: RegExp, memory: number, half: number, tf32: number, float32: number): Peaks => ({
  name,
  memory,
  bfloat16: half,
  float16: half,
  tf32,
  float32,
})

/** The first that matches; numbers of the SXM boards where a name leaves it open. */
const PEAKS: readonly Peaks[] = [
  of(/H200/, 4800, 989, 495, 67),
  of(/H100 PCIe/, 2000, 756, 378, 51),
  of(/H100 NVL/, 3900, 835, 418, 60),
  of(/H100/, 3350, 989, 495, 67),
  of(/A100.*80GB/, 2039, 312, 156, 19.5),
  of(/A100/, 1555, 312, 156, 19.5),
  of(/L40S/, 864, 362, 183, 91.6),
  of(/\bL4\b/, 300, 121, 60, 30.3),
]

export const peaksOf = (device: string): Peaks | null => PEAKS.find(({ name }) => name.test(device)) ?? null

/** The peak that a work's rate is held against; null where there is none. */
export function limitOf(peaks: Peaks, { unit, work, amount }: TimeRow): number | null {
  if (amount === 0) return null
  if (unit === "GB/s") return peaks.memory
  const type = (["bfloat16", "float16", "tf32", "float32"] as const).find((each) => work.includes(each))
  return type ? peaks[type] : null
}
