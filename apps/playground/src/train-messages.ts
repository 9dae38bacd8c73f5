/** What the page and the worker that trains tell each other. */
import type { Look, ModelName } from "@taeda/examples"

export interface TrainingWish {
  /** A device's name, or "auto". */
  readonly device: string
  readonly model: ModelName
  readonly epochs: number
}

export type ToTrainer =
  /** `data` is the address of the folder with the digits. */
  | { readonly kind: "start"; readonly wish: TrainingWish; readonly data: string }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "stop" }
  /** For a digit of the test set. */
  | { readonly kind: "sample" }
  /** 28 × 28 pixels from 0 to 255. */
  | { readonly kind: "classify"; readonly pixels: Uint8Array }

export interface LiveLook extends Look {
  /** Of the time that was not spent in pauses. */
  readonly imagesPerSecond: number
}

export type FromTrainer =
  | { readonly kind: "loading"; readonly text: string }
  /** Training begins: on what, with what. */
  | { readonly kind: "begun"; readonly device: string; readonly images: number; readonly network: string }
  | { readonly kind: "look"; readonly look: LiveLook }
  | { readonly kind: "paused" }
  /** All images were seen, or the person had enough; the network stays to be asked. */
  | { readonly kind: "ended"; readonly stopped: boolean; readonly seconds: number }
  /** Of the digits that the network has never seen. */
  | { readonly kind: "tested"; readonly right: number; readonly count: number }
  /** Ten probabilities. */
  | { readonly kind: "classified"; readonly probabilities: readonly number[] }
  /** A digit of the test set. */
  | { readonly kind: "sampled"; readonly pixels: Uint8Array; readonly label: number }
  | { readonly kind: "error"; readonly text: string }
