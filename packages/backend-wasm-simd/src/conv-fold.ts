/** Adds up what every tap contributes to an image: the other way of a convolution's input gradient, which multiplies no padding. */
import { get, type ModuleBuilder } from "./assembler.ts"
import { type Code, type FunctionRef, laneAccess, load, op, store } from "./code.ts"
import type { Lanes } from "./formats.ts"
import { pointerMath } from "./pointer-math.ts"

/** Parameters by name, in the order in which they are passed. */
const FOLD = [
  "channels",
  "kernelDepth",
  "kernelHeight",
  "kernelWidth",
  "depths",
  "rows",
  "columns",
  "from",
  "fromRow",
  "to",
  "toChannel",
  "toDepth",
  "toRow",
  "tapDepth",
  "tapRow",
  "tapColumn",
  "step",
] as const
type FoldParameter = (typeof FOLD)[number]

export const foldArguments = (args: Readonly<Record<FoldParameter, Code>>): Code[] => FOLD.map((name) => args[name])

/**
 * `fold(...)`: for every channel and tap, `depths` × `rows` rows of `columns` numbers, one behind the other and `fromRow` bytes apart,
 * are added to the channel's image: neighbouring numbers `step` bytes apart there, rows `toRow`, and each tap by so much further.
 */
export function foldFunction(module: ModuleBuilder, lanes: Lanes): FunctionRef {
  const parameters = FOLD.map(() => "ptr" as const)
  return module.helper("fold", parameters, [], (f, ...locals) => {
    const p = Object.fromEntries(FOLD.map((name, k) => [name, locals[k]])) as Record<FoldParameter, (typeof locals)[0]>
    const m = pointerMath(f)
    const [c, kd, kh, kw, d, h, at, source, left, base] = Array.from({ length: 10 }, () => f.local("ptr"))
    const add = (x: Code, y: Code): Code => op(`${lanes.shape}.add`, x, y)
    const bits = lanes.bytes * 8
    const addVectors = (): void =>
      f.while(m.ge(left, lanes.count), () => {
        f.push(store("v128.store", get(at), add(load("v128.load", get(at)), load("v128.load", get(source)))))
        m.advance(at, 16)
        m.advance(source, 16)
        m.advance(left, -lanes.count)
      })
    const addOne = (): void => {
      const [x, y] = [load(`v128.load${bits}_zero`, get(at)), load(`v128.load${bits}_zero`, get(source))]
      f.push(laneAccess(`v128.store${bits}_lane`, get(at), add(x, y), 0))
      m.advance(at, p.step)
      m.advance(source, lanes.bytes)
      m.advance(left, -1)
    }
    const addRow = (): void => {
      m.set(source, p.from)
      m.set(left, p.columns)
      f.if(m.eq(p.step, lanes.bytes), addVectors)
      f.while(m.gt(left, 0), addOne)
      m.advance(p.from, p.fromRow)
    }
    const up = (i: typeof c, to: typeof c, body: () => void): void => f.for(i, f.ptr(0), get(to), f.ptr(1), body)
    up(c, p.channels, () => {
      up(kd, p.kernelDepth, () =>
        up(kh, p.kernelHeight, () =>
          up(kw, p.kernelWidth, () => {
            const taps = m.add(m.mul(kd, p.tapDepth), m.mul(kh, p.tapRow), m.mul(kw, p.tapColumn))
            m.set(base, m.add(p.to, taps))
            up(d, p.depths, () => {
              const row = m.let(m.add(base, m.mul(d, p.toDepth)))
              up(h, p.rows, () => {
                m.set(at, row)
                addRow()
                m.advance(row, p.toRow)
              })
            })
          }),
        ),
      )
      m.advance(p.to, p.toChannel)
    })
  })
}
