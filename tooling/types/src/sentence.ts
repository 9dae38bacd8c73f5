/** What a message says in the library's own words: the sentence that stands in place of the type that was expected. */
export const sentenceIn = (message: string): string | null => {
  const [, quoted] = /'("(?:[^"\\]|\\.)*")'\.?$/.exec(message) ?? []
  return quoted === undefined ? null : (JSON.parse(quoted) as string)
}
