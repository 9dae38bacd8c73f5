/** The suite on the variants of a backend that run in Node, as tests. */

import { knownGapsOf } from "@taeda/conformance"
import { conformance } from "@taeda/conformance/vitest"
import { expect, it } from "vitest"
import { BACKENDS } from "../src/backends.ts"
import { strays, VARIANTS } from "../src/variants.ts"

export async function conformanceInNode(name: string): Promise<void> {
  const knownGaps = knownGapsOf(name)
  for (const variant of VARIANTS.filter(({ backend, place }) => backend === name && place === "node")) {
    const open = () => BACKENDS[name](variant.options)
    it(`is what it says: ${variant.title}`, async () => {
      const backend = await open()
      expect(strays(variant, backend.capabilities)).toBe(undefined)
      backend.dispose()
    })
    const { title, full, ops: rows } = variant
    await conformance({ name: `${name}: ${title}`, backend: open, full, rows, knownGaps })
  }
}
