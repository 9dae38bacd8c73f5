/**
 * Stable sorting of rows along the last dim, NaN being the greatest.
 *
 * Each value becomes an unsigned key of as many bits, which orders as the values do: -0 as 0, every NaN alike. Short rows are
 * inserted one by one; longer ones are distributed by the digits of their keys, from the lowest digit to the highest, leaving out
 * digits that are the same everywhere. In between, an element is an item: its key and its index. The first distribution reads
 * the values themselves and the last one writes the outputs, so that a row of 8-bit values is moved once, and one of 16-bit
 * values twice.
 */
import { DTYPES, type DType, type SortKernel } from "@taeda/core"
import { type FunctionBuilder, get, type Local, ModuleBuilder, select } from "./assembler.ts"
import { type Code, call, type FunctionRef, i32, i64, op } from "./code.ts"
import type { Target } from "./target.ts"

/** An operand of a launch: where it begins, in bytes, and how far apart its elements are, in elements. */
export interface SortOperand {
  readonly address: number
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
}

export interface SortPlan {
  /** What the frame holds, by 8-byte slots. */
  readonly slots: readonly number[]
  /** The slot that takes the address (a multiple of 64) of `temporaryBytes` of memory, if that isn't 0. */
  readonly temporarySlot: number
  readonly temporaryBytes: number
  /** Units of work, independent of each other; each is a row, or several where the rows need temporary memory. */
  readonly units: number
  readonly grain: number
}

/** The memory of a thread of its own, in bytes. */
const SCRATCH = 2 << 20
/** A thread should take about this many elements at a time. */
const ELEMENTS_PER_CHUNK = 16384
/** Rows that don't fit the scratch memory are shared among at most this many units, each with its part of temporary memory. */
const MOST_PARTS = 16

/** Slots of the frame. */
const SLOT = {
  length: 0,
  rows: 1,
  rowsPerUnit: 2,
  temporary: 3,
  partBytes: 4,
  /** Address and stride along the row, of x, values and indices. */
  operands: 5,
  /** Strides of the outermost dim. */
  outermost: 11,
  /** How many outer dims there are besides the outermost one, and, from the innermost, their sizes and strides. */
  dimCount: 14,
  dims: 15,
} as const
const SLOT_BYTES = 8
const DIM_SLOTS = 4

/** How the rows of a type are sorted. */
interface Method {
  /** Rows of up to this length are sorted by insertion. */
  readonly insertion: number
  /** Rows from these lengths on are distributed by digits of so many bits; the last that applies. */
  readonly digits: readonly (readonly [from: number, bits: number])[]
}

/** By the bits of the key; lengths measured. Lists of items that outgrow the caches are better kept in fewer places at once. */
const METHODS: Readonly<Record<number, Method>> = {
  8: { insertion: 12, digits: [[0, 8]] },
  16: { insertion: 24, digits: [[0, 8]] },
  32: {
    insertion: 48,
    digits: [
      [0, 8],
      [2048, 11],
      [1 << 19, 8],
    ],
  },
  64: {
    insertion: 96,
    digits: [
      [0, 8],
      [2048, 11],
      [1 << 20, 8],
    ],
  },
}

const bitsOf = (dtype: DType): number => DTYPES[dtype].bytes * 8
const itemBytes = (bits: number): number => (bits === 64 ? 16 : 8)
const passesOf = (bits: number, digit: number): number => Math.ceil(bits / digit)
const counterBytes = (bits: number, digit: number): number => (passesOf(bits, digit) << digit) * 4

function digitBits(bits: number, length: number): number {
  let chosen = 0
  for (const [from, digit] of METHODS[bits].digits) if (length >= from) chosen = digit
  return chosen
}

/** The bytes that sorting one row takes: counters, then one or two lists of items, where the passes need them. */
function workBytes(bits: number, length: number): number {
  const items = length * itemBytes(bits)
  // Before the items there is one that ends the search for a place.
  if (length <= METHODS[bits].insertion) return 16 + items
  const digit = digitBits(bits, length)
  return counterBytes(bits, digit) + Math.min(2, passesOf(bits, digit) - 1) * items
}

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to

interface OuterDim {
  readonly size: number
  readonly strides: readonly number[]
}

/** The outer dims, from the innermost, without those of size 1; neighbours that are one dim to every operand are merged. */
function outerDims(sizes: readonly number[], byteStrides: readonly (readonly number[])[]): OuterDim[] {
  const dims: OuterDim[] = []
  for (let d = sizes.length - 2; d >= 0; d--) {
    if (sizes[d] === 1) continue
    const strides = byteStrides.map((s) => s[d])
    const inner = dims.at(-1)
    if (inner?.strides.every((s, k) => s * inner.size === strides[k]))
      dims[dims.length - 1] = { size: inner.size * sizes[d], strides: inner.strides }
    else dims.push({ size: sizes[d], strides })
  }
  return dims
}

/** What a launch needs: operands x, values, indices. */
export function planSort(
  { dtype }: SortKernel,
  sizes: readonly number[],
  operands: readonly SortOperand[],
  threads = MOST_PARTS,
): SortPlan {
  const bits = bitsOf(dtype)
  const length = sizes.at(-1) ?? 1
  const rows = sizes.slice(0, -1).reduce((a, b) => a * b, 1)
  const elementBytes = [DTYPES[dtype].bytes, DTYPES[dtype].bytes, DTYPES.int32.bytes]
  const byteStrides = operands.map(({ strides }, k) => strides.map((s) => s * elementBytes[k]))
  const dims = outerDims(sizes, byteStrides)
  const outermost = dims.pop()

  const bytes = workBytes(bits, length)
  const partBytes = bytes > SCRATCH ? roundUp(bytes, 64) : 0
  const rowsPerUnit = partBytes ? Math.ceil(rows / Math.min(threads, MOST_PARTS)) : 1
  const units = length === 0 ? 0 : Math.ceil(rows / Math.max(1, rowsPerUnit))

  const slots = new Array<number>(SLOT.dims + dims.length * DIM_SLOTS).fill(0)
  slots[SLOT.length] = length
  slots[SLOT.rows] = rows
  slots[SLOT.rowsPerUnit] = rowsPerUnit
  slots[SLOT.partBytes] = partBytes
  slots[SLOT.dimCount] = dims.length
  operands.forEach(({ address }, k) => {
    slots[SLOT.operands + 2 * k] = address
    slots[SLOT.operands + 2 * k + 1] = byteStrides[k].at(-1) ?? 0
    slots[SLOT.outermost + k] = outermost?.strides[k] ?? 0
  })
  dims.forEach(({ size, strides }, d) => {
    const at = SLOT.dims + d * DIM_SLOTS
    slots[at] = size
    strides.forEach((s, k) => {
      slots[at + 1 + k] = s
    })
  })
  return {
    slots,
    temporarySlot: SLOT.temporary,
    temporaryBytes: partBytes * units,
    units,
    grain: partBytes ? 1 : Math.max(1, Math.floor(ELEMENTS_PER_CHUNK / Math.max(1, length))),
  }
}

/** Infinity's bits: what is greater, the sign aside, is NaN. */
const INFINITIES: Partial<Readonly<Record<DType, bigint>>> = {
  float16: 0x7c00n,
  bfloat16: 0x7f80n,
  float32: 0x7f800000n,
  float64: 0x7ff0000000000000n,
}

/** Raw values as keys, and keys as raw values. */
class Keys {
  readonly bits: number
  readonly type: "i32" | "i64"
  private readonly loading: string
  private readonly storing: string
  private readonly infinity: bigint | undefined
  private readonly sign: bigint
  private readonly ones: bigint
  /** What keys are combined with by exclusive or: turns the order around, and puts negative integers first. */
  private readonly flip: bigint

  constructor({ dtype, descending }: SortKernel) {
    this.bits = bitsOf(dtype)
    this.type = this.bits === 64 ? "i64" : "i32"
    this.infinity = INFINITIES[dtype]
    this.sign = 1n << BigInt(this.bits - 1)
    this.ones = (1n << BigInt(this.bits)) - 1n
    const extension = this.infinity === undefined ? "u" : "s"
    this.loading = this.bits < 32 ? `i32.load${this.bits}_${extension}` : `${this.type}.load`
    this.storing = this.bits < 32 ? `i32.store${this.bits}` : `${this.type}.store`
    const signed = this.infinity === undefined && DTYPES[dtype].signed
    this.flip = (descending ? this.ones : 0n) ^ (signed ? this.sign : 0n)
  }

  private constant(value: bigint): Code {
    return this.type === "i64" ? i64(value) : i32(Number(BigInt.asIntN(32, value)))
  }

  private op(name: string, ...args: readonly Code[]): Code {
    return op(`${this.type}.${name}`, ...args)
  }

  private flipped(key: Code): Code {
    return this.flip === 0n ? key : this.op("xor", key, this.constant(this.flip))
  }

  load(f: FunctionBuilder, address: Code): Code {
    return f.load(this.loading, address)
  }

  store(f: FunctionBuilder, address: Code, raw: Code): void {
    f.store(this.storing, address, raw)
  }

  /** Sets `key` to that of the value at an address. */
  read(f: FunctionBuilder, key: Local, address: Code): void {
    if (this.infinity === undefined) {
      f.set(key, this.flipped(this.load(f, address)))
      return
    }
    const raw = f.let(this.type, this.load(f, address))
    // Negative values order backwards.
    const signs = this.op("shr_s", get(raw), this.constant(this.type === "i64" ? 63n : 31n))
    f.set(key, this.op("xor", get(raw), this.op("or", signs, this.constant(this.sign))))
    // -0 has come to stand just below 0.
    const minusZero = this.op("eq", get(key), this.constant(this.sign - 1n))
    f.set(key, this.op("add", get(key), this.type === "i64" ? op("i64.extend_i32_u", minusZero) : minusZero))
    const magnitude = this.op("and", get(raw), this.constant(this.sign - 1n))
    const nan = this.op("gt_u", magnitude, this.constant(this.infinity))
    f.set(key, this.flipped(select(nan, this.constant(this.ones), get(key))))
  }

  /** Stores the value of a key; zeros and NaNs, which the key doesn't tell apart, are copied from where they came from. */
  write(f: FunctionBuilder, to: Code, key: Code, origin: Code): void {
    if (this.infinity === undefined) {
      this.store(f, to, this.flipped(key))
      return
    }
    const plain = f.let(this.type, this.flipped(key))
    const zero = this.op("eq", get(plain), this.constant(this.sign))
    const nan = this.op("eq", get(plain), this.constant(this.ones))
    // A key without its highest bit is of a negative value, of which every bit was inverted.
    const negative = this.op("eq", this.op("and", get(plain), this.constant(this.sign)), this.constant(0n))
    const inverted = select(negative, this.constant(this.ones), this.constant(this.sign))
    f.if(
      op("i32.or", zero, nan),
      () => this.store(f, to, this.load(f, origin)),
      () => this.store(f, to, this.op("xor", get(plain), inverted)),
    )
  }
}

/** An element on its way: key and index as local variables, or a 64-bit item of both (key above index). */
interface Moved {
  readonly key: Code
  readonly index: Code
  /** The digit of the key that begins at bit `shift` (an i32). */
  digit(mask: Code): Code
  /** Writes the item. */
  store(address: Code): void
}

/** The code of a kernel's module. */
class Sorter {
  private readonly keys: Keys
  private readonly module: ModuleBuilder
  private readonly bits: number
  private readonly itemBytes: number

  constructor(kernel: SortKernel, target: Target) {
    this.keys = new Keys(kernel)
    this.module = new ModuleBuilder(target)
    this.bits = this.keys.bits
    this.itemBytes = itemBytes(this.bits)
  }

  private get wide(): boolean {
    return this.bits === 64
  }

  private slot(f: FunctionBuilder, frame: Local, slot: number): Local {
    return f.let("ptr", f.load("ptr.load", get(frame), slot * SLOT_BYTES))
  }

  private slot32(f: FunctionBuilder, frame: Local, slot: number): Local {
    return f.let("i32", f.load("i32.load", get(frame), slot * SLOT_BYTES))
  }

  /** `base + index · step`, the index an i32. */
  private at(f: FunctionBuilder, base: Local, index: Code, step: Local): Code {
    return f.op("ptr.add", get(base), f.op("ptr.mul", f.toPointer(index), get(step)))
  }

  /** `base + index · 2^shift`. */
  private shifted(f: FunctionBuilder, base: Local, index: Code, shift: number): Code {
    return f.op("ptr.add", get(base), f.op("ptr.shl", f.toPointer(index), f.ptr(shift)))
  }

  private advance(f: FunctionBuilder, pointer: Local, step: Code): void {
    f.set(pointer, f.op("ptr.add", get(pointer), step))
  }

  private digitOf(key: Code, shift: Code, mask: Code): Code {
    if (!this.wide) return op("i32.and", op("i32.shr_u", key, shift), mask)
    return op("i32.and", op("i32.wrap_i64", op("i64.shr_u", key, op("i64.extend_i32_u", shift))), mask)
  }

  /** An element of which the key and the index are in local variables. */
  private loose(f: FunctionBuilder, key: Local, index: Local, shift: Code): Moved {
    const store = (address: Code): void => {
      if (!this.wide) f.store("i64.store", address, this.pack(get(key), get(index)))
      else {
        const to = f.let("ptr", address)
        f.store("i64.store", get(to), get(key))
        f.store("i32.store", get(to), get(index), 8)
      }
    }
    return { key: get(key), index: get(index), digit: (mask) => this.digitOf(get(key), shift, mask), store }
  }

  private pack(key: Code, index: Code): Code {
    return op("i64.or", op("i64.shl", op("i64.extend_i32_u", key), i64(32)), op("i64.extend_i32_u", index))
  }

  /** The item at an address. */
  private loaded(f: FunctionBuilder, address: Code, shift: Code): Moved {
    const item = f.let("i64", f.load("i64.load", address))
    if (this.wide) return this.loose(f, item, f.let("i32", f.load("i32.load", address, 8)), shift)
    const high = (by: Code): Code => op("i32.wrap_i64", op("i64.shr_u", get(item), op("i64.extend_i32_u", by)))
    return {
      key: high(i32(32)),
      index: op("i32.wrap_i64", get(item)),
      digit: (mask) => op("i32.and", high(op("i32.add", shift, i32(32))), mask),
      store: (to) => f.store("i64.store", to, get(item)),
    }
  }

  /** Runs `body` for every element of the row that `x` begins. */
  private eachValue(
    f: FunctionBuilder,
    frame: Local,
    x: Local,
    body: (key: Local, index: Local, address: Local) => void,
  ): void {
    const length = this.slot32(f, frame, SLOT.length)
    const step = this.slot(f, frame, SLOT.operands + 1)
    const address = f.let("ptr", get(x))
    const index = f.let("i32", i32(0))
    const key = f.local(this.keys.type)
    f.doWhile(
      () => {
        this.keys.read(f, key, get(address))
        body(key, index, address)
        this.advance(f, address, get(step))
        f.set(index, op("i32.add", get(index), i32(1)))
      },
      op("i32.lt_u", get(index), get(length)),
    )
  }

  /** Runs `body` with the address of every item. */
  private eachItem(f: FunctionBuilder, frame: Local, items: Local, body: (address: Local) => void): void {
    const length = this.slot32(f, frame, SLOT.length)
    const end = f.let("ptr", this.shifted(f, items, get(length), Math.log2(this.itemBytes)))
    const address = f.let("ptr", get(items))
    f.doWhile(
      () => {
        body(address)
        this.advance(f, address, f.ptr(this.itemBytes))
      },
      f.op("ptr.lt_u", get(address), get(end)),
    )
  }

  /** Writes elements to their places in the outputs. */
  private outputs(
    f: FunctionBuilder,
    frame: Local,
    [x, values, indices]: readonly Local[],
  ): (moved: Moved, place: Code) => void {
    const steps = [0, 1, 2].map((k) => this.slot(f, frame, SLOT.operands + 2 * k + 1))
    return (moved, place) => {
      f.store("i32.store", this.at(f, indices, place, steps[2]), moved.index)
      this.keys.write(f, this.at(f, values, place, steps[1]), moved.key, this.at(f, x, moved.index, steps[0]))
    }
  }

  /** insert(frame, x, values, indices, work): sorts a short row. */
  private insertion(): FunctionRef {
    return this.module.helper("insert", ["ptr", "ptr", "ptr", "ptr", "ptr"], [], (f, frame, ...rest) => {
      const work = rest[3]
      const bytes = this.itemBytes
      const items = f.let("ptr", f.op("ptr.add", get(work), f.ptr(16)))
      // No key is less, so that the search for a place ends here.
      f.store("i64.store", f.op("ptr.sub", get(items), f.ptr(bytes)), i64(0))
      const end = f.let("ptr", get(items))
      const place = f.local("ptr")
      this.eachValue(f, frame, rest[0], (key, index) => {
        const item = this.wide ? key : f.let("i64", this.pack(get(key), get(index)))
        f.set(place, get(end))
        const before = f.op("ptr.sub", get(place), f.ptr(bytes))
        // Narrow items differ in their index at least, so that comparing them whole keeps equal keys in order too.
        f.while(op("i64.gt_u", f.load("i64.load", before), get(item)), () => {
          const previous = f.let("ptr", before)
          const copied = this.wide ? "v128" : "i64"
          f.store(`${copied}.store`, get(place), f.load(`${copied}.load`, get(previous)))
          f.set(place, get(previous))
        })
        f.store("i64.store", get(place), get(item))
        if (this.wide) f.store("i32.store", get(place), get(index), 8)
        this.advance(f, end, f.ptr(bytes))
      })
      const write = this.outputs(f, frame, rest)
      const rank = f.let("i32", i32(0))
      this.eachItem(f, frame, items, (address) => {
        write(this.loaded(f, get(address), i32(0)), get(rank))
        f.set(rank, op("i32.add", get(rank), i32(1)))
      })
    })
  }

  /** count(frame, x, counters): counts every digit of every key. */
  private count(digit: number): FunctionRef {
    return this.module.helper(`count${digit}`, ["ptr", "ptr", "ptr"], [], (f, frame, x, counters) => {
      const bytes = counterBytes(this.bits, digit)
      const end = f.let("ptr", f.op("ptr.add", get(counters), f.ptr(bytes)))
      const cleared = f.let("ptr", get(counters))
      f.doWhile(
        () => {
          f.store("i64.store", get(cleared), i64(0))
          f.store("i64.store", get(cleared), i64(0), 8)
          this.advance(f, cleared, f.ptr(16))
        },
        f.op("ptr.lt_u", get(cleared), get(end)),
      )
      const counter = f.local("ptr")
      this.eachValue(f, frame, x, (key) => {
        for (let pass = 0; pass < passesOf(this.bits, digit); pass++) {
          const value = this.digitOf(get(key), i32(pass * digit), i32((1 << digit) - 1))
          f.set(counter, this.shifted(f, counters, value, 2))
          const offset = (pass << digit) * 4
          f.store("i32.store", get(counter), op("i32.add", f.load("i32.load", get(counter), offset), i32(1)), offset)
        }
      })
    })
  }

  /** sums(counters, bytes): turns the counts of digits into the places where their elements begin. */
  private sums(): FunctionRef {
    return this.module.helper("sums", ["ptr", "ptr"], [], (f, counters, bytes) => {
      const end = f.let("ptr", f.op("ptr.add", get(counters), get(bytes)))
      const sum = f.local("i32")
      const n = f.local("i32")
      f.doWhile(
        () => {
          f.set(n, f.load("i32.load", get(counters)))
          f.store("i32.store", get(counters), get(sum))
          f.set(sum, op("i32.add", get(sum), get(n)))
          this.advance(f, counters, f.ptr(4))
        },
        f.op("ptr.lt_u", get(counters), get(end)),
      )
    })
  }

  /** distribute(frame, x, values, indices, from, to, counters, shift, mask): from the values or items, to items or the outputs. */
  private distribute(source: "values" | "items", target: "items" | "outputs"): FunctionRef {
    const types = ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "i32", "i32"] as const
    return this.module.helper(`${source} to ${target}`, types, [], (f, frame, ...rest) => {
      const [x, , , from, to, counters, shift, mask] = rest
      const write = target === "outputs" ? this.outputs(f, frame, rest) : null
      const counter = f.local("ptr")
      const place = f.local("i32")
      const move = (moved: Moved): void => {
        f.set(counter, this.shifted(f, counters, moved.digit(get(mask)), 2))
        f.set(place, f.load("i32.load", get(counter)))
        f.store("i32.store", get(counter), op("i32.add", get(place), i32(1)))
        if (write) write(moved, get(place))
        else moved.store(this.shifted(f, to, get(place), Math.log2(this.itemBytes)))
      }
      if (source === "values") this.eachValue(f, frame, x, (key, index) => move(this.loose(f, key, index, get(shift))))
      else this.eachItem(f, frame, from, (address) => move(this.loaded(f, get(address), get(shift))))
    })
  }

  /** copy(frame, x, values, indices): a row of equal keys. */
  private copy(): FunctionRef {
    return this.module.helper("copy", ["ptr", "ptr", "ptr", "ptr"], [], (f, frame, ...rest) => {
      const write = this.outputs(f, frame, rest)
      this.eachValue(f, frame, rest[0], (key, index) => write(this.loose(f, key, index, i32(0)), get(index)))
    })
  }

  /** sort(frame, x, values, indices, work): sorts a row by digits of so many bits. */
  private radix(digit: number): FunctionRef {
    const passes = passesOf(this.bits, digit)
    return this.module.helper(`sort${digit}`, ["ptr", "ptr", "ptr", "ptr", "ptr"], [], (f, ...parameters) => {
      const [frame, x, values, indices, work] = parameters
      const operands = [x, values, indices].map(get)
      const length = this.slot32(f, frame, SLOT.length)
      const bytes = f.let("ptr", f.op("ptr.shl", f.toPointer(get(length)), f.ptr(Math.log2(this.itemBytes))))
      const to = f.let("ptr", f.op("ptr.add", get(work), f.ptr(counterBytes(this.bits, digit))))
      const spare = f.let("ptr", f.op("ptr.add", get(to), get(bytes)))
      f.push(call(this.count(digit), get(frame), get(x), get(work)))

      const first = f.local(this.keys.type)
      this.keys.read(f, first, get(x))
      const mask = i32((1 << digit) - 1)
      const size = (1 << digit) * 4
      const differs = Array.from({ length: passes }, (_, pass) => {
        const counter = this.shifted(f, work, this.digitOf(get(first), i32(pass * digit), mask), 2)
        return f.let("i32", op("i32.ne", f.load("i32.load", counter, pass * size), get(length)))
      })
      const left = f.let(
        "i32",
        differs.map(get).reduce((sum, differ) => op("i32.add", sum, differ)),
      )
      f.if(op("i32.eqz", get(left)), () => {
        f.push(call(this.copy(), get(frame), ...operands))
        f.return()
      })
      // Where the items are; null as long as none have been written.
      const from = f.let("ptr", f.ptr(0))
      const counters = f.let("ptr", get(work))
      differs.forEach((differ, pass) => {
        f.if(get(differ), () => {
          f.push(call(this.sums(), get(counters), f.ptr(size)))
          f.set(left, op("i32.sub", get(left), i32(1)))
          const distribute = (source: "values" | "items", target: "items" | "outputs"): void => {
            const state = [get(from), get(to), get(counters), i32(pass * digit), mask]
            f.push(call(this.distribute(source, target), get(frame), ...operands, ...state))
          }
          const target = (source: "values" | "items"): void =>
            f.if(
              get(left),
              () => distribute(source, "items"),
              () => distribute(source, "outputs"),
            )
          f.if(
            f.op("ptr.eqz", get(from)),
            () => {
              target("values")
              f.set(from, get(to))
              f.set(to, get(spare))
            },
            () => {
              target("items")
              f.set(spare, get(from))
              f.set(from, get(to))
              f.set(to, get(spare))
            },
          )
        })
        this.advance(f, counters, f.ptr(size))
      })
    })
  }

  /** run(frame, begin, end, scratch). */
  emit(): Uint8Array<ArrayBuffer> {
    const { module } = this
    const { insertion, digits } = METHODS[this.bits]
    const row = module.helper("row", ["ptr", "i32", "ptr"], [], (f, frame, row, work) => {
      const addresses = [0, 1, 2].map((k) => this.slot(f, frame, SLOT.operands + 2 * k))
      const dims = this.slot32(f, frame, SLOT.dimCount)
      const dim = f.let("ptr", get(frame))
      const size = f.local("i32")
      const above = f.local("i32")
      const coordinate = f.local("i32")
      const move = (from: Local, firstStride: number, by: Code): void =>
        addresses.forEach((address, k) => {
          const stride = f.load("ptr.load", get(from), (firstStride + k) * SLOT_BYTES)
          this.advance(f, address, f.op("ptr.mul", f.toPointer(by), stride))
        })
      f.while(get(dims), () => {
        f.set(size, f.load("i32.load", get(dim), SLOT.dims * SLOT_BYTES))
        f.set(above, op("i32.div_u", get(row), get(size)))
        f.set(coordinate, op("i32.sub", get(row), op("i32.mul", get(above), get(size))))
        move(dim, SLOT.dims + 1, get(coordinate))
        f.set(row, get(above))
        f.set(dims, op("i32.sub", get(dims), i32(1)))
        this.advance(f, dim, f.ptr(DIM_SLOTS * SLOT_BYTES))
      })
      move(frame, SLOT.outermost, get(row))

      const length = this.slot32(f, frame, SLOT.length)
      const sort = (method: FunctionRef): void => {
        f.push(call(method, get(frame), ...addresses.map(get), get(work)))
        f.return()
      }
      f.if(op("i32.le_u", get(length), i32(insertion)), () => sort(this.insertion()))
      for (const [from, digit] of digits.toReversed())
        f.if(op("i32.ge_u", get(length), i32(from)), () => sort(this.radix(digit)))
    })
    module.function(
      "run",
      ["ptr", "i32", "i32", "ptr"],
      ["i32"],
      (f, frame, begin, end, scratch) => {
        const rowsPerUnit = this.slot32(f, frame, SLOT.rowsPerUnit)
        const rows = this.slot32(f, frame, SLOT.rows)
        const partBytes = this.slot(f, frame, SLOT.partBytes)
        const temporary = this.slot(f, frame, SLOT.temporary)
        const unit = f.local("i32")
        const at = f.local("i32")
        const last = f.local("i32")
        f.for(unit, get(begin), get(end), i32(1), () => {
          f.if(f.op("ptr.ne", get(partBytes), f.ptr(0)), () =>
            f.set(scratch, this.at(f, temporary, get(unit), partBytes)),
          )
          f.set(at, op("i32.mul", get(unit), get(rowsPerUnit)))
          f.set(last, op("i32.add", get(at), get(rowsPerUnit)))
          f.set(last, select(op("i32.lt_u", get(last), get(rows)), get(last), get(rows)))
          f.while(op("i32.lt_u", get(at), get(last)), () => {
            f.push(call(row, get(frame), get(at), get(scratch)))
            f.set(at, op("i32.add", get(at), i32(1)))
          })
        })
        f.push(i32(0))
      },
      true,
    )
    return module.encode()
  }
}

/** A module whose `run(frame, begin, end, scratch)` sorts the units of work from `begin` to `end` of a launch that `planSort` planned. */
export function emitSort(kernel: SortKernel, target: Target): Uint8Array<ArrayBuffer> {
  return new Sorter(kernel, target).emit()
}
