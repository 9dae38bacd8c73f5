import * as torch from "taeda"

/** What a page can open, and what it gets when it leaves the choice to taeda. */
export interface PageDevices {
  /** Why "wasm" does not open; empty where it does. */
  readonly reason: string
  readonly threads: number
  readonly notes: readonly string[]
  /** The device that "auto" chose, and what it computes. */
  readonly auto: string
  readonly sum: number
}

export async function main(): Promise<PageDevices> {
  // On whatever machine this runs.
  Object.defineProperty(navigator, "hardwareConcurrency", { value: 2 })
  const { reason, device } = (await torch.devices()).find(({ choice }) => choice.device === "wasm")!
  const { threads = 0, notes = [] } = device?.backend.capabilities ?? {}
  const auto = await torch.setDefaultDevice("auto")
  const sum = (await torch.ones(300, 300).sum().item()) as number
  return { reason, threads, notes: [...notes], auto: auto.name, sum }
}
