/** What matrix products and convolutions share: what happens to a finished block of results. */
import { type FunctionBuilder, get, type Local, type ModuleBuilder } from "./assembler.ts"
import { type Code, call, type FunctionRef } from "./code.ts"
import { type Format, sumsOf } from "./formats.ts"
import { Elements } from "./product-elements.ts"

/** A block of some array: byte address and byte strides. */
export interface Place {
  readonly address: Local
  readonly row: Local
  readonly column: Local
}

/** A finished block of results, while it is in the cache. */
export interface ResultBlock {
  readonly rows: Local
  readonly columns: Local
  /** The sums: float32 for half types, int32 for narrow integers, else of the kernel's dtype. May be the same as `out`. */
  readonly result: Place
  readonly out: Place
  /** The epilogue's inputs. */
  readonly inputs: readonly Place[]
  /** The address of the launch's frame. */
  readonly frame: Local
}

/** Writes code that computes `out` from `result` and `inputs` over all of a block. */
export type EmitEpilogue = (f: FunctionBuilder, module: ModuleBuilder, block: ResultBlock) => void

export const newPlace = (f: FunctionBuilder): Place => ({
  address: f.local("ptr"),
  row: f.local("ptr"),
  column: f.local("ptr"),
})

/** `store(rows, columns, from, fromRow, to, toRow, toColumn)`: sums, whose rows are contiguous, stored as elements of a format. */
function storeFunction(module: ModuleBuilder, format: Format): FunctionRef {
  const { lanes, bytes } = format
  const parameters = ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr"] as const
  return module.helper("store block", parameters, [], (f, rows, columns, from, fromRow, to, toRow, toColumn) => {
    const sums = new Elements(f, module, sumsOf(format))
    const elements = new Elements(f, module, format)
    const [source, target, left, x] = [f.local("ptr"), f.local("ptr"), f.local("ptr"), f.local("v128")]
    const advance = (local: Local, by: Code): void => f.set(local, f.op("ptr.add", get(local), by))
    const loadNext = (): void => f.set(x, elements.narrowed(sums.load(get(source))))
    const vectors = (body: () => void): void =>
      f.while(f.op("ptr.ge_s", get(left), f.ptr(lanes.count)), () => {
        loadNext()
        body()
        advance(source, f.ptr(16))
        advance(left, f.ptr(-lanes.count))
      })
    const storeLane = (k: number): void => {
      elements.storeLane(get(target), get(x), k)
      advance(target, get(toColumn))
    }
    f.while(f.op("ptr.gt_s", get(rows), f.ptr(0)), () => {
      f.set(source, get(from))
      f.set(target, get(to))
      f.set(left, get(columns))
      f.if(
        f.op("ptr.eq", get(toColumn), f.ptr(bytes)),
        () =>
          vectors(() => {
            elements.store(get(target), get(x))
            advance(target, f.ptr(lanes.count * bytes))
          }),
        () =>
          vectors(() => {
            for (let k = 0; k < lanes.count; k++) storeLane(k)
          }),
      )
      f.if(f.op("ptr.gt_s", get(left), f.ptr(0)), () => {
        loadNext()
        const rest = (k: number): void =>
          f.if(f.op("ptr.gt_s", get(left), f.ptr(k)), () => {
            storeLane(k)
            if (k + 1 < lanes.count - 1) rest(k + 1)
          })
        rest(0)
      })
      advance(from, get(fromRow))
      advance(to, get(toRow))
      advance(rows, f.ptr(-1))
    })
  })
}

/** Stores the sums of a block as they are, converted to the kernel's dtype. */
export function storeBlock(f: FunctionBuilder, module: ModuleBuilder, format: Format, block: ResultBlock): void {
  const { rows, columns, result, out } = block
  const args = [rows, columns, result.address, result.row, out.address, out.row, out.column]
  f.push(call(storeFunction(module, format), ...args.map(get)))
}
