/** The commands of the documentation name scripts, packages, files and options that exist. */
import { describe, expect, test } from "vitest"
import { readPage } from "../src/page.ts"
import { documentationPages } from "../src/repository.ts"
import { commandsIn, wrongCommands } from "../src/shell.ts"

describe.each(documentationPages())("%s", (path) => {
  const { fences, spans } = readPage(path)
  const lines = fences
    .filter(({ language }) => language === "sh")
    .flatMap(({ line, text }) => text.split("\n").map((each, at) => ({ line: line + at, text: each })))

  /** Commands in the midst of text; not their first words alone, which stand for any. */
  const named = spans.filter(
    ({ text }) => /^(npx|npm|pnpm|yarn|bun|deno) \w/.test(text) && !/^(npm run|npx pnpm@\S+)$/.test(text),
  )

  test("its commands can be typed", () => {
    const wrong = [...lines, ...named].flatMap(({ line, text }) =>
      wrongCommands(text).map((what) => `line ${line}: ${what}`),
    )
    expect(wrong).toEqual([])
  })
})

test("a line is read as a shell reads it", () => {
  expect(commandsIn(`npm run x && node a.mjs "b c" 'd#' # npm test`)).toEqual([
    ["npm", "run", "x"],
    ["node", "a.mjs", "b c", "d#"],
  ])
})

test.each([
  ["npm run nothing", "package.json has no script nothing"],
  ["npm install left-pad", "there is no package left-pad to install"],
  ["npx pnpm@1.0.0 build", /^pnpm@1.0.0 is not the version of package.json/],
  ["pnpm --filter @taeda/core nothing", "@taeda/core has no script nothing"],
  ["pnpm exec vitest run packages/none", "there is no packages/none"],
  ["pnpm conformance --backends cpu-js", "conformance has no option --backends"],
  ["node nothing.mjs", "there is no nothing.mjs"],
  ["sudo npm test", "sudo: not known here"],
])("%s is refused", (line, why) => {
  expect(wrongCommands(line)).toEqual([expect.stringMatching(why)])
})
