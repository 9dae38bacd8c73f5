/** webgpu in a page: a device that goes away. */

import { join } from "node:path"
import { runInPage } from "@taeda/browser"
import { expect, it } from "vitest"
import type { Loss } from "./pages/webgpu-loss.ts"

it("a page whose device goes away is told so, and opens another", async () => {
  const { pending, uses, after } = await runInPage<Loss>(join(import.meta.dirname, "pages", "webgpu-loss.ts"), {
    onConsole: () => {},
  })
  for (const said of [...pending, ...uses]) {
    expect(said).toContain("webgpu: the device was lost (")
    expect(said).toContain('Open a new one (await setDefaultDevice("webgpu"))')
  }
  expect([pending.length, uses.length, after]).toEqual([3, 4, [2, 2, 2, 2]])
})
