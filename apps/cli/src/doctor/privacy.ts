/** Takes out of a text what tells who and where a person is. */
import { homedir, hostname, tmpdir, userInfo } from "node:os"

export type Redact = (text: string) => string

/** What to put in place of what. */
export interface Secrets {
  /** Folders, of which the most particular comes first. */
  readonly folders: readonly (readonly [path: string, name: string])[]
  /** Words: names of users and machines. */
  readonly words: readonly (readonly [word: string, name: string])[]
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A user without an entry, as in some containers.
    return ""
  }
}

/** Nobody's name. */
const COMMON = ["root"]

/** Words so short stand in other ones. */
const SHORTEST = 3

export function secretsHere(project: string): Secrets {
  const words = [
    [userName(), "<user>"],
    [hostname(), "<host>"],
  ] as const
  return {
    folders: [
      [project, "<project>"],
      [homedir(), "~"],
      [tmpdir(), "<tmp>"],
    ],
    words: words.filter(([word]) => word.length >= SHORTEST && !COMMON.includes(word)),
  }
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** A path that begins at a root, of which the last part stays: it names the file. Addresses of the web are none. */
const POSIX_PATH = /(?<![\w:/.~>])\/(?:[^\s/"'`():;,]+\/)+([^\s/"'`():;,]*)/g
const WINDOWS_PATH = /\b[A-Za-z]:[\\/](?:[^\\/"'`:;,]+[\\/])*([^\s\\/"'`:;,]*)/g

export function redactor({ folders, words }: Secrets): Redact {
  const known = folders.filter(([path]) => path.length > 1)
  return (text) => {
    let clean = text.replace(/file:\/\/\/?(?=\/|[A-Za-z]:)/g, "")
    // One folder's name must not be found inside a longer one.
    for (const [path, name] of known) clean = clean.replace(new RegExp(`${escaped(path)}(?![\\w-])`, "g"), name)
    clean = clean.replace(WINDOWS_PATH, "…\\$1").replace(POSIX_PATH, "…/$1")
    for (const [word, name] of words) clean = clean.replace(new RegExp(`(?<!\\w)${escaped(word)}(?!\\w)`, "g"), name)
    return clean
  }
}
