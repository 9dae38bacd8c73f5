/** What the functions of a sort's module share: slots, elements on their way, going through a row, writing the outputs. */
import type { SortKernel } from "@taeda/core"
import { type FunctionBuilder, get, type Local, ModuleBuilder } from "./assembler.ts"
import { type Code, i32, i64, op } from "./code.ts"
import { SLOT, SLOT_BYTES } from "./sort-frame.ts"
import { Keys } from "./sort-keys.ts"
import { itemBytes } from "./sort-method.ts"
import type { Target } from "./target.ts"

/** An element on its way: key and index as local variables, or a 64-bit item of both (key above index). */
export interface Moved {
  readonly key: Code
  readonly index: Code
  /** The digit of the key that begins at bit `shift` (an i32). */
  digit(mask: Code): Code
  /** Writes the item. */
  store(address: Code): void
}

export class SortCode {
  readonly keys: Keys
  readonly module: ModuleBuilder
  readonly bits: number
  readonly itemBytes: number

  constructor(kernel: SortKernel, target: Target) {
    this.keys = new Keys(kernel)
    this.module = new ModuleBuilder(target)
    this.bits = this.keys.bits
    this.itemBytes = itemBytes(this.bits)
  }

  /** Whether key and index don't fit 64 bits. */
  get wide(): boolean {
    return this.bits === 64
  }

  slot(f: FunctionBuilder, frame: Local, slot: number): Local {
    return f.let("ptr", f.load("ptr.load", get(frame), slot * SLOT_BYTES))
  }

  slot32(f: FunctionBuilder, frame: Local, slot: number): Local {
    return f.let("i32", f.load("i32.load", get(frame), slot * SLOT_BYTES))
  }

  /** `base + index · step`, the index an i32. */
  at(f: FunctionBuilder, base: Local, index: Code, step: Local): Code {
    return f.op("ptr.add", get(base), f.op("ptr.mul", f.toPointer(index), get(step)))
  }

  /** `base + index · 2^shift`. */
  shifted(f: FunctionBuilder, base: Local, index: Code, shift: number): Code {
    return f.op("ptr.add", get(base), f.op("ptr.shl", f.toPointer(index), f.ptr(shift)))
  }

  advance(f: FunctionBuilder, pointer: Local, step: Code): void {
    f.set(pointer, f.op("ptr.add", get(pointer), step))
  }

  digitOf(key: Code, shift: Code, mask: Code): Code {
    if (!this.wide) return op("i32.and", op("i32.shr_u", key, shift), mask)
    return op("i32.and", op("i32.wrap_i64", op("i64.shr_u", key, op("i64.extend_i32_u", shift))), mask)
  }

  /** An element of which the key and the index are in local variables. */
  loose(f: FunctionBuilder, key: Local, index: Local, shift: Code): Moved {
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

  pack(key: Code, index: Code): Code {
    return op("i64.or", op("i64.shl", op("i64.extend_i32_u", key), i64(32)), op("i64.extend_i32_u", index))
  }

  /** The item at an address. */
  loaded(f: FunctionBuilder, address: Code, shift: Code): Moved {
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
  eachValue(
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
  eachItem(f: FunctionBuilder, frame: Local, items: Local, body: (address: Local) => void): void {
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
  outputs(
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
}
