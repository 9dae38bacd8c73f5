/** Sorting a short row by inserting its elements one by one. */
import { get } from "./assembler.ts"
import { type FunctionRef, i32, i64, op } from "./code.ts"
import type { SortCode } from "./sort-code.ts"

/** insert(frame, x, values, indices, work): sorts a short row. */
export function insertion(s: SortCode): FunctionRef {
  return s.module.helper("insert", ["ptr", "ptr", "ptr", "ptr", "ptr"], [], (f, frame, ...rest) => {
    const work = rest[3]
    const bytes = s.itemBytes
    const items = f.let("ptr", f.op("ptr.add", get(work), f.ptr(16)))
    // No key is less, so that the search for a place ends here.
    f.store("i64.store", f.op("ptr.sub", get(items), f.ptr(bytes)), i64(0))
    const end = f.let("ptr", get(items))
    const place = f.local("ptr")
    s.eachValue(f, frame, rest[0], (key, index) => {
      const item = s.wide ? key : f.let("i64", s.pack(get(key), get(index)))
      f.set(place, get(end))
      const before = f.op("ptr.sub", get(place), f.ptr(bytes))
      // Narrow items differ in their index at least, so that comparing them whole keeps equal keys in order too.
      f.while(op("i64.gt_u", f.load("i64.load", before), get(item)), () => {
        const previous = f.let("ptr", before)
        const copied = s.wide ? "v128" : "i64"
        f.store(`${copied}.store`, get(place), f.load(`${copied}.load`, get(previous)))
        f.set(place, get(previous))
      })
      f.store("i64.store", get(place), get(item))
      if (s.wide) f.store("i32.store", get(place), get(index), 8)
      s.advance(f, end, f.ptr(bytes))
    })
    const write = s.outputs(f, frame, rest)
    const rank = f.let("i32", i32(0))
    s.eachItem(f, frame, items, (address) => {
      write(s.loaded(f, get(address), i32(0)), get(rank))
      f.set(rank, op("i32.add", get(rank), i32(1)))
    })
  })
}
