/** Tells before and after it takes, and touches, so many bytes. */
export async function main(bytes: number, tell: (what: string) => Promise<void>): Promise<number> {
  await tell("before")
  const held = new Uint8Array(bytes).fill(1)
  await tell("after")
  return held[bytes - 1]
}
