/**
 * Puts a module together: registers, buffers, numbers of the launch, shared memory, control flow, and the entry's text.
 * Values are names of registers; a name's letters say its class (`%f` float32, `%d` float64, `%r` and `%q` integers of 32 and
 * 64 bits, `%h` 16 bits, `%p` predicates).
 */
import type { HalfDType, ScalarType } from "@taeda/core"
import { LANE_OF, NUMBER_OF } from "./elements.ts"
import type { PlannedLaunch } from "./launch.ts"
import { inlineCall, type MathName, mathText } from "./math.ts"
import type { BufferRef, Module, NumberType } from "./program.ts"
import { beforeMaps, behindMaps, MAP_ALIGNMENT, MAP_BYTES } from "./tensor-maps.ts"

/** A module, what its buffers are, and the numbers that a launch gives it. */
export interface Emitted {
  readonly module: Module
  readonly buffers: readonly BufferRef[]
  readonly numbers: (launch: PlannedLaunch) => (number | bigint)[]
}

const CLASSES = { f: "f32", d: "f64", r: "b32", q: "b64", h: "b16", p: "pred" } as const
type RegisterClass = keyof typeof CLASSES

/** The register that holds a type; loads of bytes and of 16-bit integers widen. */
const CLASS_OF = {
  f32: "f",
  f64: "d",
  b32: "r",
  s32: "r",
  u32: "r",
  s16: "r",
  u16: "r",
  s8: "r",
  u8: "r",
  b64: "q",
  s64: "q",
  u64: "q",
  b16: "h",
  f16: "h",
  pred: "p",
} as const satisfies Record<string, RegisterClass>
export type PtxType = keyof typeof CLASS_OF

const isType = (word: string): word is PtxType => Object.hasOwn(CLASS_OF, word)

/** The class of what an instruction gives, by its name. */
function resultClass(opcode: string): RegisterClass {
  if (opcode.startsWith("setp.")) return "p"
  const types = opcode.split(".").filter(isType)
  if (opcode.includes(".wide.")) return "q"
  return CLASS_OF[opcode.startsWith("cvt.") ? types[types.length - 2] : types[types.length - 1]]
}

const BYTES: Readonly<Record<NumberType, 4 | 8>> = { u32: 4, s32: 4, f32: 4, u64: 8, s64: 8, f64: 8 }

/** Words of the buffer in which faults are reported. */
export const FAULT_WORDS = 8

/** The name of every entry. */
const ENTRY = "kernel"

/** How long the bodies of functions that a module has in place of calls are together, so that unrolled loops stay short. */
const INLINE_CHARACTERS = 16_384

interface LaunchNumber {
  readonly register: string
  readonly type: NumberType
  readonly read: (launch: PlannedLaunch) => number | bigint
}

export class Writer {
  /** Whether indices have 64 bits, rather than 32. */
  readonly wide: boolean
  private readonly lines: string[] = []
  private readonly counts: Record<RegisterClass, number> = { f: 0, d: 0, r: 0, q: 0, h: 0, p: 0 }
  private readonly pointers: { readonly register: string; readonly ref: BufferRef }[] = []
  private readonly maps: { readonly register: string; readonly ref: BufferRef }[] = []
  private readonly numbers = new Map<string, LaunchNumber>()
  private readonly shared: string[] = []
  /** Shared memory whose size the launch gives. */
  private readonly external: string[] = []
  private readonly math = new Set<MathName>()
  private inlineCharacters = 0
  /** Registers that the entry begins with. */
  private readonly prologue: string[] = []
  private readonly specials = new Map<string, string>()
  private labels = 0
  /** Blocks for which a multiprocessor is to have the registers at a time; 0 where the compiler decides. */
  residentBlocks = 0

  /** The compute capability that instructions may be for; the module needs it only where they are. */
  readonly target: number
  private needed = 75
  /** Of values that were rounded to a half type, by "type register": the registers of what was rounded. */
  private readonly unrounded = new Map<string, string>()

  constructor(wide = false, target = 75) {
    this.wide = wide
    this.target = target
  }

  /** Whether instructions of a compute capability may be written, which the module then needs. */
  has(capability: number): boolean {
    if (this.target < capability) return false
    this.needed = Math.max(this.needed, capability)
    return true
  }

  /** Says that `value` is `source` rounded to a half type. */
  rounded(dtype: HalfDType, value: string, source: string): void {
    this.unrounded.set(`${dtype} ${value}`, source)
  }
  /** What rounds to the same: the value, or what it was rounded from. */
  beforeRounding(dtype: HalfDType, value: string): string {
    return this.unrounded.get(`${dtype} ${value}`) ?? value
  }

  /** A new register. */
  register(type: PtxType): string {
    const kind = CLASS_OF[type]
    return `%${kind}${this.counts[kind]++}`
  }

  /** A statement. */
  line(text: string): void {
    this.lines.push(`${text};`)
  }

  /** An instruction and the register with its result. */
  op(opcode: string, ...args: readonly (string | number)[]): string {
    const kind = resultClass(opcode)
    const result = `%${kind}${this.counts[kind]++}`
    this.line(`${opcode} ${[result, ...args].join(", ")}`)
    return result
  }

  /** A register that is assigned to again, with its first value. */
  variable(type: PtxType, value: string | number): string {
    const result = this.register(type)
    this.set(type, result, value)
    return result
  }

  set(type: PtxType, register: string, value: string | number): void {
    this.line(`mov.${type} ${register}, ${value}`)
  }

  /** A predicate that is always true or false. */
  truth(value: boolean): string {
    return this.op("setp.ne.u32", this.op("mov.u32", value ? 1 : 0), 0)
  }

  private pointerNumber(ref: BufferRef): number {
    const key = JSON.stringify(ref)
    return this.pointers.findIndex((p) => JSON.stringify(p.ref) === key)
  }

  /** The address of a buffer of the launch. */
  pointer(ref: BufferRef): string {
    const found = this.pointers[this.pointerNumber(ref)]
    if (found) return found.register
    const register = this.register("u64")
    this.pointers.push({ register, ref })
    return register
  }

  /** The generic address of the launch's tensor map of a buffer. */
  tensorMap(ref: BufferRef): string {
    this.pointer(ref)
    const register = this.register("u64")
    this.maps.push({ register, ref })
    return register
  }

  /** A number that `read` finds in the launch; asked for again by the same key it is the same register. */
  number(key: string, type: NumberType, read: LaunchNumber["read"]): string {
    let number = this.numbers.get(key)
    if (!number) this.numbers.set(key, (number = { register: this.register(type), type, read }))
    return number.register
  }

  /** A number of the plan by its name. */
  own(name: string, type: NumberType = "u32"): string {
    return this.number(`own ${name} ${type}`, type, ({ own }) => {
      const value = own?.[name]
      if (value === undefined) throw new Error(`cuda: a launch lacks the number ${name}`)
      return value
    })
  }

  /** The type of indices. */
  get index(): "u32" | "u64" {
    return this.wide ? "u64" : "u32"
  }
  /** An instruction on indices. */
  ix(name: "add" | "sub" | "mul.lo" | "mad.lo" | "div" | "rem" | "min" | "max", ...args: (string | number)[]): string {
    return this.op(`${name}.${this.index}`, ...args)
  }
  /** An index out of a u32. */
  toIndex(value: string): string {
    return this.wide ? this.op("cvt.u64.u32", value) : value
  }

  size(d: number): string {
    return this.number(`n${d}`, this.index, ({ sizes }) => sizes[d])
  }
  stride(k: number, d: number): string {
    return this.number(`s${k}.${d}`, this.wide ? "s64" : "s32", ({ operands }) => operands[k].strides[d])
  }
  operandSize(k: number, d: number): string {
    return this.number(`n${k}.${d}`, this.index, ({ operands }) => operands[k].sizes[d])
  }

  /** A scalar of the launch, in the lane of its type. */
  scalar(k: number, dtype: ScalarType): string {
    const lane = LANE_OF[dtype]
    const given = this.number(`c${k}`, NUMBER_OF[lane], ({ scalars }) => {
      const value = scalars[k]
      return typeof value === "boolean" ? Number(value) : lane === "s64" ? BigInt(value) : Number(value)
    })
    if (lane !== "pred") return given
    return this.special(`truth ${k}`, () => `setp.ne.u32 ${this.register("pred")}, ${given}, 0`)
  }

  /** What is computed once, at the beginning. `make` gives the instruction, whose first operand is its result. */
  private special(key: string, make: () => string): string {
    let register = this.specials.get(key)
    if (register === undefined) {
      const text = make()
      register = /(%\w+),/.exec(text)![1]
      this.specials.set(key, register)
      this.prologue.push(`${text};`)
    }
    return register
  }

  /** The number of the thread in its block. */
  get thread(): string {
    return this.special("tid", () => `mov.u32 ${this.register("u32")}, %tid.x`)
  }
  /** The number of the block along a dim. */
  block(dim: "x" | "y" | "z" = "x"): string {
    return this.special(`ctaid ${dim}`, () => `mov.u32 ${this.register("u32")}, %ctaid.${dim}`)
  }

  /** Shared memory of the block; the address of its first byte (u32). */
  sharedMemory(name: string, bytes: number, align = 16): string {
    this.shared.push(`.shared .align ${align} .b8 ${name}[${bytes}];`)
    return this.special(`shared ${name}`, () => `mov.u32 ${this.register("u32")}, ${name}`)
  }

  /** Shared memory that `finish` is told the size of; the address of its first byte (u32). */
  dynamicShared(name: string, align: number): string {
    this.external.push(`.extern .shared .align ${align} .b8 ${name}[];`)
    return this.special(`shared ${name}`, () => `mov.u32 ${this.register("u32")}, ${name}`)
  }

  label(): string {
    return `$L${this.labels++}`
  }
  place(label: string): void {
    this.lines.push(`${label}:`)
  }
  goto(label: string, when?: string): void {
    this.line(when ? `@${when} bra ${label}` : `bra ${label}`)
  }

  /** `then` where the predicate holds, else `otherwise`. */
  if(when: string, then: () => void, otherwise?: () => void): void {
    const end = this.label()
    const no = otherwise ? this.label() : end
    this.goto(no, `!${when}`)
    then()
    if (otherwise) {
      this.goto(end)
      this.place(no)
      otherwise()
    }
    this.place(end)
  }

  /** `body` as long as the predicate that `condition` writes holds. */
  while(condition: () => string, body: () => void): void {
    const [again, end] = [this.label(), this.label()]
    this.place(again)
    this.goto(end, `!${condition()}`)
    body()
    this.goto(again)
    this.place(end)
  }

  /** `body` for i from `from` on as long as it is below `to`. */
  for(
    type: "u32" | "u64",
    from: string | number,
    to: string | number,
    step: string | number,
    body: (i: string) => void,
  ): void {
    const i = this.variable(type, from)
    this.while(
      () => this.op(`setp.lt.${type}`, i, to),
      () => {
        body(i)
        this.line(`add.${type} ${i}, ${i}, ${step}`)
      },
    )
  }

  /** Ends the thread. */
  exit(when?: string): void {
    this.line(when ? `@${when} ret` : "ret")
  }

  barrier(): void {
    this.line("bar.sync 0")
  }

  /** A call of a function of math.cu, or the body of a short one. */
  call(
    name: MathName,
    types: readonly ("f32" | "f64" | "s32" | "u32" | "s64")[],
    result: PtxType,
    ...args: readonly string[]
  ): string {
    const n = this.labels++
    const value = this.register(result)
    const inlined = this.inlineCharacters < INLINE_CHARACTERS ? inlineCall(name, n, value, args) : undefined
    if (inlined !== undefined) {
      this.inlineCharacters += inlined.length
      this.lines.push(inlined)
      return value
    }
    this.math.add(name)
    const bits = (type: PtxType): string => (/64/.test(type) ? "b64" : "b32")
    this.lines.push("{")
    for (const [k, type] of types.entries()) {
      this.line(`.param .${bits(type)} a${n}_${k}`)
      this.line(`st.param.${type} [a${n}_${k}], ${args[k]}`)
    }
    this.line(`.param .${bits(result)} v${n}`)
    this.line(`call (v${n}), ${name}, (${types.map((_, k) => `a${n}_${k}`).join(", ")})`)
    this.line(`ld.param.${result} ${value}, [v${n}]`)
    this.lines.push("}")
    return value
  }

  /**
   * The module. `dynamicSharedBytes`: beyond what is declared; `specific`: with instructions that the target alone has, which drivers
   * from CUDA 12.0 on compile.
   */
  finish(threads: number, least = 75, dynamicSharedBytes = 0, specific = false): Emitted {
    const target = Math.max(least, this.needed)
    const loads: string[] = []
    let at = 0
    for (const { register } of this.pointers) {
      const generic = this.register("u64")
      loads.push(`ld.param.u64 ${generic}, [params+${at}];`, `cvta.to.global.u64 ${register}, ${generic};`)
      at += 8
    }
    const numbers = [...this.numbers.values()]
    for (const { register, type } of numbers) {
      at = Math.ceil(at / BYTES[type]) * BYTES[type]
      loads.push(`ld.param.${type} ${register}, [params+${at}];`)
      at += BYTES[type]
    }
    if (this.maps.length > 0) {
      const [inParams, generic] = [this.register("u64"), this.register("u64")]
      loads.push(`mov.b64 ${inParams}, params;`, `cvta.param.u64 ${generic}, ${inParams};`)
      for (const [i, { register }] of this.maps.entries())
        loads.push(`add.u64 ${register}, ${generic}, ${beforeMaps(at) + i * MAP_BYTES};`)
    }
    at = behindMaps(at, this.maps.length)
    const alignment = this.maps.length > 0 ? MAP_ALIGNMENT : 8
    const registers = Object.entries(CLASSES).flatMap(([kind, type]) => {
      const count = this.counts[kind as RegisterClass]
      return count ? [`.reg .${type} %${kind}<${count}>;`] : []
    })
    const ptx = [
      `.version ${specific ? "8.0" : "7.0"}`,
      `.target sm_${target}${specific ? "a" : ""}`,
      ".address_size 64",
      ...this.external,
      ...mathText(this.math),
      `.visible .entry ${ENTRY}(.param .align ${alignment} .b8 params[${Math.max(at, 8)}])`,
      `.reqntid ${threads}`,
      ...(this.residentBlocks ? [`.minnctapersm ${this.residentBlocks}`] : []),
      "{",
      ...registers,
      ...this.shared,
      ...loads,
      ...this.prologue,
      ...this.lines,
      "ret;",
      "}",
      "",
    ].join("\n")
    return {
      module: {
        ptx,
        entry: ENTRY,
        target,
        threads,
        dynamicSharedBytes,
        pointers: this.pointers.length,
        numbers: numbers.map(({ type }) => type),
        ...(this.maps.length > 0 && { maps: this.maps.map(({ ref }) => this.pointerNumber(ref)) }),
      },
      buffers: this.pointers.map(({ ref }) => ref),
      numbers: (launch) => numbers.map(({ read }) => read(launch)),
    }
  }
}
