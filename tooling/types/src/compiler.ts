/** What the tests ask of a TypeScript compiler, whichever version it is. */

/** Source files by name, all in one folder. */
export type Files = Readonly<Record<string, string>>

/** What a compiler has to say of a place in a file. */
export interface Finding {
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  readonly code: number
  /** All lines of the message. */
  readonly message: string
  /** What is underlined. */
  readonly at: string
}

/** Where the library's types come from: its sources, or the declarations that its users get. */
export type Library = "sources" | "declarations"

export interface Options {
  readonly library?: Library
  /** Whether declarations are checked too. */
  readonly strictLibrary?: boolean
  /** Whether the program finds `taeda` and not the packages that it depends on, as in a project of pnpm's. */
  readonly taedaAlone?: boolean
}

/** A program that was compiled. */
export interface Program extends Disposable {
  /** Of one file, or of all and of the declarations that they use. */
  findings(file?: string): Finding[]
  /** The types of a file's exports, aliases resolved, as the compiler prints them. */
  types(file: string): Map<string, string>
  /** How many types were instantiated so far, where the compiler tells it. */
  instantiations(): number | undefined
}

export interface Compiler {
  /** "5.9", "6.0", "7.0". */
  readonly name: string
  compile(files: Files, options?: Options): Program
  /** The declarations that files give, and what stood in the way. */
  declarations(files: Files, options?: Options): { readonly findings: Finding[]; readonly texts: Map<string, string> }
  /** How many types a program instantiates in all, checked from nothing, and the seconds that checking took. */
  cost(files: Files, options?: Options): { readonly instantiations: number; readonly seconds: number }
}
