import { expect, test } from "vitest"
import { managerFailure } from "../src/install/failure.ts"

// What the managers write, shortened.
test.each([
  ["npm", "npm error code ENOTFOUND\nnpm error network request to https://registry/taeda failed", "network"],
  ["npm", "npm error code EAI_AGAIN", "network"],
  [
    "pnpm",
    " ERR_PNPM_META_FETCH_FAIL  GET http://127.0.0.1:9/taeda: request failed, reason: connect ECONNREFUSED",
    "network",
  ],
  ["yarn", "➤ YN0001: │ RequestError: connect ECONNREFUSED 127.0.0.1:9", "network"],
  ["bun", "error: ConnectionRefused downloading package manifest taeda", "network"],
  ["npm", "npm error code E404\nnpm error 404 Not Found - GET https://registry/taeda", "not-found"],
  ["pnpm", " ERR_PNPM_FETCH_404  GET https://registry/taeda: Not Found - 404", "not-found"],
  ["pnpm", "│ from https://registry/taeda: HTTP status client error (404 Not\n│ Found)", "not-found"],
  ["pnpm", "│ error sending request: client error (Connect): tcp connect error", "network"],
  ["deno", "error: npm:taeda was not found.", "not-found"],
  [
    "deno",
    "error: Could not find npm package 'taeda' matching '*'.\nnewer than the specified minimum dependency date of 2026-01-01",
    "too-new",
  ],
  [
    "pnpm",
    " ERR_PNPM_NO_MATURE_MATCHING_VERSION  Version 1.0.0 of taeda does not meet the minimumReleaseAge",
    "too-new",
  ],
  ["npm", "npm error code EACCES\nnpm error syscall mkdir", "permission"],
  ["npm", "npm error code ENOSPC", "space"],
  ["npm", "npm error code ERESOLVE\nnpm error ERESOLVE unable to resolve dependency tree", "conflict"],
  ["npm", "something else", "failed"],
])("%s: %s", (manager, output, reason) => {
  const error = managerFailure(manager, 1, output)
  expect(error.reason).toBe(reason)
  expect(error.message).toMatch(new RegExp(`^${manager} `))
  expect(error.details).toEqual(output.trim().split("\n"))
})

test("only the last lines are shown", () => {
  const output = Array.from({ length: 100 }, (_, i) => `line ${i}`).join("\n")
  expect(managerFailure("npm", 7, output)).toMatchObject({
    message: "npm failed (exit code 7)",
    details: Array.from({ length: 15 }, (_, i) => `line ${85 + i}`),
  })
})
