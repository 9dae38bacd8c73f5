/** What was typed before, as the arrow keys go through it. */

const MOST = 200

export interface LineHistory {
  add(line: string): void
  /** The line before the one that is shown, or undefined at the beginning; `draft` is kept for the way back. */
  back(draft: string): string | undefined
  /** The line after it, the draft at last, or undefined where that is shown already. */
  forward(): string | undefined
}

/** A history that is kept in `storage` under a key, where there is one that works. */
export function lineHistory(key: string, storage: Pick<Storage, "getItem" | "setItem"> | undefined): LineHistory {
  const lines = load(key, storage)
  let at = lines.length
  let draft = ""
  return {
    add(line) {
      if (lines.at(-1) !== line) lines.push(line)
      lines.splice(0, lines.length - MOST)
      at = lines.length
      try {
        storage?.setItem(key, JSON.stringify(lines))
      } catch {
        // Full or forbidden: it lasts as long as the page.
      }
    },
    back(now) {
      if (at === 0) return undefined
      if (at === lines.length) draft = now
      return lines[--at]
    },
    forward() {
      if (at === lines.length) return undefined
      at++
      return at === lines.length ? draft : lines[at]
    },
  }
}

function load(key: string, storage: Pick<Storage, "getItem"> | undefined): string[] {
  try {
    const found: unknown = JSON.parse(storage?.getItem(key) ?? "[]")
    return Array.isArray(found) ? found.filter((line) => typeof line === "string") : []
  } catch {
    return []
  }
}
