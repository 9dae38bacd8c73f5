/** What the editor and the worker with TypeScript ask each other. */

/** A mistake, from one character of the program to another. */
export interface Mistake {
  readonly from: number
  readonly to: number
  readonly text: string
}

/** What is known of a name, from one character of the program to another. */
export interface Known {
  readonly from: number
  readonly to: number
  readonly text: string
  readonly doc: string
}

/** What can stand at a place, for a word that begins at `from`. */
export interface Completions {
  readonly from: number
  readonly options: readonly { readonly label: string; readonly type: string }[]
}

/** The questions, by name: what is asked, and what the answer is. */
export interface Questions {
  mistakes: { readonly ask: null; readonly answer: readonly Mistake[] }
  known: { readonly ask: number; readonly answer: Known | null }
  completions: { readonly ask: number; readonly answer: Completions | null }
  /** The program without its types. */
  plain: { readonly ask: null; readonly answer: string }
}

export interface Question<K extends keyof Questions = keyof Questions> {
  readonly id: number
  readonly kind: K
  readonly program: string
  readonly ask: Questions[K]["ask"]
}

export type Answer =
  | { readonly id: number; readonly answer: Questions[keyof Questions]["answer"] }
  /** The worker failed at it. */
  | { readonly id: number; readonly error: string }
