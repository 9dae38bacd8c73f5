/** Ways in which a page can end. */
const WAYS: Readonly<Record<string, (value: unknown) => unknown>> = {
  answer: (value) => value,
  talk() {
    console.log("quiet")
    console.warn("a warning")
    console.error("an error")
  },
  refuse() {
    throw new RangeError("this is too much")
  },
  async forget() {
    setTimeout(() => {
      throw new RangeError("nobody catches this")
    })
    await new Promise(() => {})
  },
  async delegate() {
    const source = new Blob(["throw new RangeError('thrown in a worker')"], { type: "text/javascript" })
    new Worker(URL.createObjectURL(source))
    await new Promise(() => {})
  },
  spin() {
    for (;;);
  },
}

export const main = ({ way, value }: { way: string; value?: unknown }): unknown => WAYS[way](value)
