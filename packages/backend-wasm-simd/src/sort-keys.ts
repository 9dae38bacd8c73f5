/** Keys: unsigned integers that order as the values of a type do. */
import { DTYPES, type DType, type SortKernel } from "@taeda/core"
import { type FunctionBuilder, get, type Local, select } from "./assembler.ts"
import { type Code, i32, i64, op } from "./code.ts"
import { bitsOf } from "./sort-method.ts"

/** Infinity's bits: what is greater, the sign aside, is NaN. */
const INFINITIES: Partial<Readonly<Record<DType, bigint>>> = {
  float16: 0x7c00n,
  bfloat16: 0x7f80n,
  float32: 0x7f800000n,
  float64: 0x7ff0000000000000n,
}

/** Raw values as keys, and keys as raw values. */
export class Keys {
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
