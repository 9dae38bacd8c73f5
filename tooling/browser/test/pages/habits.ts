/** Ways in which a page can end. */
const WAYS: Readonly<Record<string, (value: unknown, tell: (value: unknown) => void) => unknown>> = {
  answer: (value) => value,
  tell(value, tell) {
    tell("first")
    tell(value)
  },
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

interface Task {
  readonly way: string
  readonly value?: unknown
}

export const main = ({ way, value }: Task, tell: (value: unknown) => void): unknown => WAYS[way](value, tell)
