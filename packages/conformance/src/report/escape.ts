/** Text inside XML and HTML. */

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}

/** XML has no way to write control characters: they become U+FFFD. */
export const escapeMarkup = (text: string): string =>
  text
    .replace(/[&<>"']/g, (c) => ENTITIES[c])
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "\ufffd")
