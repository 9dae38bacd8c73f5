/** Sorting a row by distributing its elements by the digits of their keys, from the lowest digit to the highest. */
import { type FunctionBuilder, get, type Local } from "./assembler.ts"
import { call, type FunctionRef, i32, i64, op } from "./code.ts"
import type { Moved, SortCode } from "./sort-code.ts"
import { SLOT } from "./sort-frame.ts"
import { counterBytes, passesOf } from "./sort-method.ts"

/** count(frame, x, counters): counts every digit of every key. */
function count(s: SortCode, digit: number): FunctionRef {
  return s.module.helper(`count${digit}`, ["ptr", "ptr", "ptr"], [], (f, frame, x, counters) => {
    const bytes = counterBytes(s.bits, digit)
    const end = f.let("ptr", f.op("ptr.add", get(counters), f.ptr(bytes)))
    const cleared = f.let("ptr", get(counters))
    f.doWhile(
      () => {
        f.store("i64.store", get(cleared), i64(0))
        f.store("i64.store", get(cleared), i64(0), 8)
        s.advance(f, cleared, f.ptr(16))
      },
      f.op("ptr.lt_u", get(cleared), get(end)),
    )
    const counter = f.local("ptr")
    s.eachValue(f, frame, x, (key) => {
      for (let pass = 0; pass < passesOf(s.bits, digit); pass++) {
        const value = s.digitOf(get(key), i32(pass * digit), i32((1 << digit) - 1))
        f.set(counter, s.shifted(f, counters, value, 2))
        const offset = (pass << digit) * 4
        f.store("i32.store", get(counter), op("i32.add", f.load("i32.load", get(counter), offset), i32(1)), offset)
      }
    })
  })
}

/** sums(counters, bytes): turns the counts of digits into the places where their elements begin. */
function sums(s: SortCode): FunctionRef {
  return s.module.helper("sums", ["ptr", "ptr"], [], (f, counters, bytes) => {
    const end = f.let("ptr", f.op("ptr.add", get(counters), get(bytes)))
    const sum = f.local("i32")
    const n = f.local("i32")
    f.doWhile(
      () => {
        f.set(n, f.load("i32.load", get(counters)))
        f.store("i32.store", get(counters), get(sum))
        f.set(sum, op("i32.add", get(sum), get(n)))
        s.advance(f, counters, f.ptr(4))
      },
      f.op("ptr.lt_u", get(counters), get(end)),
    )
  })
}

/** distribute(frame, x, values, indices, from, to, counters, shift, mask): from the values or items, to items or the outputs. */
function distribute(s: SortCode, source: "values" | "items", target: "items" | "outputs"): FunctionRef {
  const types = ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "i32", "i32"] as const
  return s.module.helper(`${source} to ${target}`, types, [], (f, frame, ...rest) => {
    const [x, , , from, to, counters, shift, mask] = rest
    const write = target === "outputs" ? s.outputs(f, frame, rest) : null
    const counter = f.local("ptr")
    const place = f.local("i32")
    const move = (moved: Moved): void => {
      f.set(counter, s.shifted(f, counters, moved.digit(get(mask)), 2))
      f.set(place, f.load("i32.load", get(counter)))
      f.store("i32.store", get(counter), op("i32.add", get(place), i32(1)))
      if (write) write(moved, get(place))
      else moved.store(s.shifted(f, to, get(place), Math.log2(s.itemBytes)))
    }
    if (source === "values") s.eachValue(f, frame, x, (key, index) => move(s.loose(f, key, index, get(shift))))
    else s.eachItem(f, frame, from, (address) => move(s.loaded(f, get(address), get(shift))))
  })
}

/** copy(frame, x, values, indices): a row of equal keys. */
function copy(s: SortCode): FunctionRef {
  return s.module.helper("copy", ["ptr", "ptr", "ptr", "ptr"], [], (f, frame, ...rest) => {
    const write = s.outputs(f, frame, rest)
    s.eachValue(f, frame, rest[0], (key, index) => write(s.loose(f, key, index, i32(0)), get(index)))
  })
}

/** sort(frame, x, values, indices, work): sorts a row by digits of so many bits. */
export const radix = (s: SortCode, digit: number): FunctionRef =>
  s.module.helper(`sort${digit}`, ["ptr", "ptr", "ptr", "ptr", "ptr"], [], (f, ...parameters) => {
    const [frame, x, values, indices, work] = parameters
    const row = [frame, x, values, indices]
    const length = s.slot32(f, frame, SLOT.length)
    const bytes = f.let("ptr", f.op("ptr.shl", f.toPointer(get(length)), f.ptr(Math.log2(s.itemBytes))))
    const to = f.let("ptr", f.op("ptr.add", get(work), f.ptr(counterBytes(s.bits, digit))))
    const spare = f.let("ptr", f.op("ptr.add", get(to), get(bytes)))
    f.push(call(count(s, digit), get(frame), get(x), get(work)))
    const differs = differingDigits(s, f, digit, x, work, length)
    const left = f.let(
      "i32",
      differs.map(get).reduce((sum, differ) => op("i32.add", sum, differ)),
    )
    f.if(op("i32.eqz", get(left)), () => {
      f.push(call(copy(s), ...row.map(get)))
      f.return()
    })
    const from = f.let("ptr", f.ptr(0))
    const counters = f.let("ptr", get(work))
    const lists = { from, to, spare, counters, left }
    const size = counterBytesOf(digit)
    differs.forEach((differ, pass) => {
      f.if(get(differ), () => {
        f.push(call(sums(s), get(counters), f.ptr(size)))
        f.set(left, op("i32.sub", get(left), i32(1)))
        distributeBy(s, f, row, lists, pass * digit, digit)
      })
      s.advance(f, counters, f.ptr(size))
    })
  })

/** Bytes of the counters of one digit. */
const counterBytesOf = (digit: number): number => (1 << digit) * 4

/** For each digit whether it isn't the same in all keys: whether the first key's was counted less often than there are keys. */
function differingDigits(
  s: SortCode,
  f: FunctionBuilder,
  digit: number,
  x: Local,
  counters: Local,
  length: Local,
): readonly Local[] {
  const first = f.local(s.keys.type)
  s.keys.read(f, first, get(x))
  return Array.from({ length: passesOf(s.bits, digit) }, (_, pass) => {
    const value = s.digitOf(get(first), i32(pass * digit), i32((1 << digit) - 1))
    const counter = s.shifted(f, counters, value, 2)
    return f.let("i32", op("i32.ne", f.load("i32.load", counter, pass * counterBytesOf(digit)), get(length)))
  })
}

/** The lists of items between distributions. */
interface Lists {
  /** Where the items are; null as long as none have been written. */
  readonly from: Local
  /** Where they go next, and the list after that. */
  readonly to: Local
  readonly spare: Local
  /** The places of the digit. */
  readonly counters: Local
  /** How many digits are left after this one. */
  readonly left: Local
}

/** Distributes a row by the digit that begins at bit `shift`: the last one writes the outputs. */
function distributeBy(
  s: SortCode,
  f: FunctionBuilder,
  row: readonly Local[],
  { from, to, spare, counters, left }: Lists,
  shift: number,
  digit: number,
): void {
  const run = (source: "values" | "items", target: "items" | "outputs"): void => {
    const state = [get(from), get(to), get(counters), i32(shift), i32((1 << digit) - 1)]
    f.push(call(distribute(s, source, target), ...row.map(get), ...state))
  }
  const runFrom = (source: "values" | "items"): void =>
    f.if(
      get(left),
      () => run(source, "items"),
      () => run(source, "outputs"),
    )
  f.if(
    f.op("ptr.eqz", get(from)),
    () => {
      runFrom("values")
      f.set(from, get(to))
      f.set(to, get(spare))
    },
    () => {
      runFrom("items")
      f.set(spare, get(from))
      f.set(from, get(to))
      f.set(to, get(spare))
    },
  )
}
