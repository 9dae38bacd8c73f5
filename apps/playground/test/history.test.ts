import { expect, test } from "vitest"
import { lineHistory } from "../src/history.ts"

function storage(content?: string) {
  const kept = new Map(content === undefined ? [] : [["key", content]])
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => kept.set(key, text),
  }
}

test("it goes back to the first line and forward to the draft", () => {
  const history = lineHistory("key", undefined)
  expect(history.back("draft")).toBe(undefined)
  history.add("a")
  history.add("b")
  history.add("b")
  expect([history.back("draft"), history.back("b"), history.back("a")]).toEqual(["b", "a", undefined])
  expect([history.forward(), history.forward(), history.forward()]).toEqual(["b", "draft", undefined])
})

test("it is there the next time, and holds the last 200", () => {
  const kept = storage()
  const first = lineHistory("key", kept)
  for (let i = 0; i < 250; i++) first.add(String(i))
  const second = lineHistory("key", kept)
  const lines: string[] = []
  for (let line = second.back(""); line !== undefined; line = second.back("")) lines.push(line)
  expect([lines.length, lines[0], lines.at(-1)]).toEqual([200, "249", "50"])
})

test.each(["{", "null", '[1, "a"]'])("what is kept may be anything: %s", (content) => {
  expect(() => lineHistory("key", storage(content)).back("")).not.toThrow()
})
