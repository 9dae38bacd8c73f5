/** Why an installation came to nothing, for people and for programs. */

export type Reason =
  | "place"
  | "manager"
  | "folder"
  | "network"
  | "not-found"
  | "too-new"
  | "permission"
  | "space"
  | "conflict"
  | "failed"
  | "stopped"
  | "check"

/** Nothing of the project is changed when this is thrown. */
export class InstallError extends Error {
  readonly reason: Reason
  /** What somebody may want to read besides, such as the manager's own words. */
  readonly details: readonly string[]

  constructor(reason: Reason, message: string, details: readonly string[] = []) {
    super(message)
    this.reason = reason
    this.details = details
  }
}

interface Sign {
  readonly reason: Reason
  readonly sign: RegExp
  /** What it means, after the manager's name, and what to do. */
  readonly says: (word: string, manager: string) => string
}

/** What managers write, the first that fits. */
const SIGNS: readonly Sign[] = [
  {
    reason: "network",
    sign: /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ConnectionRefused|FailedToOpenSocket|error sending request)\b/,
    says: (word, manager) =>
      `could not reach the registry (${word}). Check the connection and the proxy, and which registry ${manager} is told to use`,
  },
  {
    reason: "too-new",
    sign: /minimum ?(dependency|release) ?(age|date)|NO_MATURE_MATCHING_VERSION/i,
    says: () => "takes no version that is so new. Wait until it is old enough, or allow it, as the words above say",
  },
  {
    reason: "not-found",
    sign: /\b(E404|ERR_PNPM_FETCH_404|404 Not Found|No matching version|ETARGET|YN0035|YN0082)\b|[-(] ?404\b|npm:\S+ was not found/,
    says: (word, manager) =>
      `did not find a package in the registry (${word}). Is ${manager} told to use another registry?`,
  },
  {
    reason: "permission",
    sign: /\b(EACCES|EPERM|EROFS)\b/,
    says: (word) => `may not write (${word}). Look at who owns the folder and the manager's cache`,
  },
  { reason: "space", sign: /\b(ENOSPC|EDQUOT)\b/, says: (word) => `found no space left on the disk (${word})` },
  {
    reason: "conflict",
    sign: /\b(ERESOLVE|ERR_PNPM_PEER_DEP_ISSUES|EBADENGINE|ERR_PNPM_UNSUPPORTED_ENGINE)\b/,
    says: (word) => `says that these packages do not go with what the project has (${word}): its words above name them`,
  },
]

/** How many of the manager's last lines are shown. */
const LINES = 15

/** The error for a manager that ended with another code than 0. */
export function managerFailure(manager: string, code: number | null, output: string): InstallError {
  const details = output.trim().split("\n").slice(-LINES)
  for (const { reason, sign, says } of SIGNS) {
    const word = sign.exec(output)?.[0]
    if (word) return new InstallError(reason, `${manager} ${says(word.replace(/^[-(] ?/, ""), manager)}`, details)
  }
  return new InstallError("failed", `${manager} failed (exit code ${code ?? "none"})`, details)
}
