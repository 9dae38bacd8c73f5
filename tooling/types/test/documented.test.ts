import { expect, test } from "vitest"
import { publishedNames } from "../src/documented.ts"

test("an editor has something to say of every name that is published", () => {
  const names = publishedNames()
  const paths = names.map(({ path }) => path)
  expect(paths).toEqual(
    expect.arrayContaining(["relu_", "nn.functional.relu", "linalg.vectorNorm", "Tensor.exp", "Tensor.sum"]),
  )
  expect(names.filter(({ comment }) => comment === "").map(({ path }) => path)).toEqual([])
}, 120_000)
