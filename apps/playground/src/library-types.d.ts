/** Of `library-types.js`, which `build/library-types.ts` makes. */
declare const library: {
  /** The declarations, by path. */
  readonly files: Readonly<Record<string, string>>
  /** The path of what one imports by name. */
  readonly entries: Readonly<Record<string, string>>
}
export default library
