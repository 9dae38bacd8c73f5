/** What the page and the prompt's worker tell each other. */

export interface Evaluate {
  readonly id: number
  readonly code: string
}

export type Evaluated =
  /** The worker is there, and has the library. */
  | { readonly kind: "open" }
  /** A line of `console.log`, while code runs. */
  | { readonly kind: "printed"; readonly text: string }
  /** The end of a piece of code; null where there is nothing to show. */
  | { readonly kind: "value"; readonly id: number; readonly text: string | null }
  | { readonly kind: "error"; readonly id: number; readonly text: string }
  /** Not run: more lines are expected. */
  | { readonly kind: "incomplete"; readonly id: number }
