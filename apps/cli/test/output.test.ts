import { expect, test } from "vitest"
import { terminal } from "../src/output.ts"

const TERMINAL = { isTTY: true } as NodeJS.WriteStream
const PIPE = {} as NodeJS.WriteStream

test.each<[string, NodeJS.WriteStream, NodeJS.ProcessEnv, boolean]>([
  ["a pipe", PIPE, {}, false],
  ["a pipe, by force", PIPE, { FORCE_COLOR: "1" }, true],
  ["a pipe, where force was withdrawn", PIPE, { FORCE_COLOR: "" }, false],
  ["a terminal that wants none", TERMINAL, { NO_COLOR: "1" }, false],
  ["a terminal that wants none, by force", TERMINAL, { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
  ["a terminal, by force without", TERMINAL, { FORCE_COLOR: "0" }, false],
  ["a terminal, by force", TERMINAL, { FORCE_COLOR: "3" }, true],
])("colours of %s: as the environment says", (_, stream, env, wanted) => {
  expect(terminal(stream, env).bold("text")).toBe(wanted ? "\u001b[1mtext\u001b[22m" : "text")
})
