import { expect, test } from "vitest"
import { matchPeers, PEER_NAMES, PEERS_OF, peers } from "../src/peers.ts"

test("peers are found by parts of their names, in the table's order", () => {
  expect(matchPeers("pytorch,ort-web", PEER_NAMES)).toEqual(["ort-web", "PyTorch cpu"])
  expect(matchPeers(" WASM , ort-node", PEER_NAMES)).toEqual(["tfjs wasm", "jax-js wasm", "ort-node"])
})

test.each([
  ["ort-web, numpy", '"numpy"'],
  ["", '""'],
  ["ort-web,", '""'],
])("%j is refused with the known names", (list, quoted) => {
  expect(() => matchPeers(list, PEER_NAMES)).toThrow(
    new RangeError(`no peer is called ${quoted}; known: ${PEER_NAMES.join(", ")}`),
  )
})

test("every backend's peers exist, and what comes from npm states its version", () => {
  for (const names of Object.values(PEERS_OF)) expect(PEER_NAMES).toEqual(expect.arrayContaining([...names]))
  const fromNpm = PEER_NAMES.filter((name) => !name.startsWith("PyTorch"))
  expect(peers(fromNpm).map((p) => p.name)).toEqual(fromNpm)
  for (const { version } of peers(fromNpm)) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
})
