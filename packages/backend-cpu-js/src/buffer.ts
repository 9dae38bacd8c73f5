/** A buffer: one typed array of the type it is first seen as, and lazily made views of the same bytes as other types. */
import type { DTYPES, DType, ScalarType, TypedArray } from "@taeda/core"

type ArrayConstructor = (typeof DTYPES)[DType]["array"]

/** The typed arrays in the order of their kinds. */
const CONSTRUCTORS: readonly ArrayConstructor[] = [
  Float32Array,
  Float64Array,
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
]

const NO_KIND = -1
const BYTES = 3

/** The number of the typed array that holds a type, to compare with `CpuBuffer.kind`. */
export const ARRAY_KIND: Readonly<Record<ScalarType, number>> = {
  float32: 0,
  float64: 1,
  int8: 2,
  uint8: BYTES,
  bool: BYTES,
  int16: 4,
  float16: 5,
  bfloat16: 5,
  int32: 6,
  uint32: 7,
  int64: 8,
}

export class CpuBuffer {
  data: TypedArray
  /** Which typed array `data` is; NO_KIND when the buffer was freed, so that the fast path of every reader fails. */
  kind: number
  readonly bytes: number
  /** What the memory's books know it by; held here so that it goes when this does. */
  lot: object | null
  private views: (TypedArray | undefined)[] | undefined

  constructor(data: TypedArray, kind: number, bytes: number) {
    this.data = data
    this.kind = kind
    this.bytes = bytes
    this.lot = null
    this.views = undefined
  }

  /** The same memory as another typed array; whole elements only. */
  view(kind: number): TypedArray {
    if (this.kind === kind) return this.data
    this.checkAlive()
    this.views ??= []
    return (this.views[kind] ??= this.makeView(kind))
  }

  checkAlive(): void {
    if (this.kind === NO_KIND) throw new Error("cpu: this buffer was freed; its tensor cannot be used any more")
  }

  asBytes(): Uint8Array {
    return this.view(BYTES) as Uint8Array
  }

  /**
   * Copies bytes in. Whole elements are copied as such: a small array lives on the engine's heap until someone asks for
   * its bytes, which costs many times what the copy does.
   */
  write(bytes: Uint8Array, at: number): void {
    const width = BYTES_PER_ELEMENT[this.kind]
    if ((at | bytes.length | bytes.byteOffset) % width === 0 && width > 1) {
      const Constructor = CONSTRUCTORS[this.kind]
      const elements = new Constructor(bytes.buffer, bytes.byteOffset, bytes.length / width)
      ;(this.data as Float32Array).set(elements as Float32Array, at / width)
    } else this.asBytes().set(bytes, at)
  }

  release(): void {
    this.data = EMPTY
    this.kind = NO_KIND
    this.views = undefined
  }

  get released(): boolean {
    return this.kind === NO_KIND
  }

  private makeView(kind: number): TypedArray {
    const Constructor = CONSTRUCTORS[kind]
    const { buffer, byteOffset } = this.data
    return new Constructor(buffer, byteOffset, Math.floor(this.bytes / BYTES_PER_ELEMENT[kind]))
  }
}

const EMPTY = new Uint8Array(0)
const BYTES_PER_ELEMENT: readonly number[] = [4, 8, 1, 1, 2, 2, 4, 4, 8]

/** One allocation site per type keeps each of them fast. */
const NEW_ARRAY: readonly ((n: number) => TypedArray)[] = [
  (n) => new Float32Array(n),
  (n) => new Float64Array(n),
  (n) => new Int8Array(n),
  (n) => new Uint8Array(n),
  (n) => new Int16Array(n),
  (n) => new Uint16Array(n),
  (n) => new Int32Array(n),
  (n) => new Uint32Array(n),
  (n) => new BigInt64Array(n),
]

export function newBuffer(bytes: number, kind: number): CpuBuffer {
  return new CpuBuffer(NEW_ARRAY[kind](Math.ceil(bytes / BYTES_PER_ELEMENT[kind])), kind, bytes)
}

export function bufferOver(memory: ArrayBuffer, bytes: number, kind: number): CpuBuffer {
  return new CpuBuffer(new CONSTRUCTORS[kind](memory, 0, Math.ceil(bytes / BYTES_PER_ELEMENT[kind])), kind, bytes)
}

/** The array of a buffer as the type given; what generated code calls when its one comparison fails. */
export const viewBuffer = (buffer: CpuBuffer, kind: number): TypedArray => buffer.view(kind)
