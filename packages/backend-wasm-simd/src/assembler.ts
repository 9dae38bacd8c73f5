/**
 * Modules and functions: a small assembler that writes WebAssembly's binary format. Code is a value (`code.ts`), a function's
 * statements are pushed one after the other, and control flow is written as nested callbacks.
 */
import { type Code, type FunctionRef, flatten, i32, i64, leb, load, op, store } from "./code.ts"
import type { ValueType } from "./opcodes.ts"
import { pointerType, type Target } from "./target.ts"

const TYPE_BYTE: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b }
const NO_RESULT = 0x40

const [BLOCK, LOOP, IF, ELSE, END, BR, BR_IF, RETURN] = [0x02, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d, 0x0f]
const [LOCAL_GET, LOCAL_SET, LOCAL_TEE] = [0x20, 0x21, 0x22]
const SELECT = 0x1b
const DROP = 0x1a

/** A parameter or local variable of a function. */
export interface Local {
  readonly type: ValueType
  readonly index: number
}

export const get = (local: Local): Code => [LOCAL_GET, leb(local.index)]
/** Sets a local and leaves its value on the stack. */
export const tee = (local: Local, value: Code): Code => [value, LOCAL_TEE, leb(local.index)]
/** `a` where `condition` is not 0, else `b`; both are computed. */
export const select = (condition: Code, a: Code, b: Code): Code => [a, b, condition, SELECT]

/** `a` if `condition` is not 0, else `b`; only that one is computed. */
export const choose = (type: ValueType, condition: Code, a: Code, b: Code): Code => [
  condition,
  IF,
  TYPE_BYTE[type],
  a,
  ELSE,
  b,
  END,
]

export class FunctionBuilder {
  readonly target: Target
  /** "i32" or "i64": the type of addresses, sizes and strides. */
  readonly pointer: "i32" | "i64"
  readonly parameters: readonly Local[]
  private readonly locals: Local[] = []
  private statements: Code[] = []

  constructor(target: Target, parameters: readonly ValueType[]) {
    this.target = target
    this.pointer = pointerType(target)
    this.parameters = parameters.map((type, index) => ({ type, index }))
  }

  /** A fresh local variable; 0 at first. */
  local(type: ValueType | "ptr"): Local {
    const made: Local = {
      type: type === "ptr" ? this.pointer : type,
      index: this.parameters.length + this.locals.length,
    }
    this.locals.push(made)
    return made
  }

  /** A fresh local variable with a value. */
  let(type: ValueType | "ptr", value: Code): Local {
    const made = this.local(type)
    this.set(made, value)
    return made
  }

  push(...code: readonly Code[]): void {
    this.statements.push(...code)
  }

  set(local: Local, value: Code): void {
    this.push([value, LOCAL_SET, leb(local.index)])
  }

  /** Evaluates and forgets. */
  drop(value: Code): void {
    this.push([value, DROP])
  }

  /** An instruction; `ptr.add` and the like are those of the address type. */
  op(name: string, ...args: readonly Code[]): Code {
    return op(this.resolve(name), ...args)
  }

  load(name: string, address: Code, offset = 0): Code {
    return load(this.resolve(name), address, offset)
  }

  store(name: string, address: Code, value: Code, offset = 0): void {
    this.push(store(this.resolve(name), address, value, offset))
  }

  /** The instruction that `ptr.…` stands for. */
  resolve(name: string): string {
    return name.startsWith("ptr.") ? `${this.pointer}${name.slice(3)}` : name
  }

  /** A constant of the address type. */
  ptr(value: number): Code {
    return this.pointer === "i32" ? i32(value) : i64(value)
  }

  /** A number of the address type from an i32 seen as unsigned, and back. */
  toPointer(value: Code): Code {
    return this.pointer === "i32" ? value : op("i64.extend_i32_u", value)
  }

  toI32(value: Code): Code {
    return this.pointer === "i32" ? value : op("i32.wrap_i64", value)
  }

  /** The statements that `body` pushes, apart. */
  capture(body: () => void): Code {
    const outer = this.statements
    const mine: Code[] = []
    this.statements = mine
    try {
      body()
    } finally {
      this.statements = outer
    }
    return mine
  }

  if(condition: Code, then: () => void, otherwise?: () => void): void {
    const code: Code[] = [condition, IF, NO_RESULT, this.capture(then)]
    if (otherwise) code.push(ELSE, this.capture(otherwise))
    this.push([...code, END])
  }

  /** Tests first, then runs `body` for as long as `condition` holds. */
  while(condition: Code, body: () => void): void {
    this.if(condition, () => this.doWhile(body, condition))
  }

  /** Runs `body` at least once. */
  doWhile(body: () => void, condition: Code): void {
    this.push([LOOP, NO_RESULT, this.capture(body), condition, BR_IF, 0, END])
  }

  /** A block that `breakIf` and `break` (of depth 0 directly inside) leave. */
  block(body: () => void): void {
    this.push([BLOCK, NO_RESULT, this.capture(body), END])
  }

  /** A loop without a test: `continueIf(0, ...)` directly inside repeats it. */
  loop(body: () => void): void {
    this.push([LOOP, NO_RESULT, this.capture(body), END])
  }

  /** Branches to the `depth`-th enclosing block, loop or if: out of a block or an if, to the start of a loop. */
  branch(depth: number): void {
    this.push([BR, leb(depth)])
  }

  branchIf(depth: number, condition: Code): void {
    this.push([condition, BR_IF, leb(depth)])
  }

  /** `for (i = from; i < to; i += step)` over signed numbers of i's type; `to` is evaluated at each turn. */
  for(i: Local, from: Code, to: Code, step: Code, body: () => void): void {
    this.set(i, from)
    this.while(op(`${i.type}.lt_s`, get(i), to), () => {
      body()
      this.set(i, op(`${i.type}.add`, get(i), step))
    })
  }

  return(value: Code = []): void {
    this.push([value, RETURN])
  }

  encode(): number[] {
    const body: number[] = []
    const runs: [ValueType, number][] = []
    for (const { type } of this.locals) {
      const last = runs[runs.length - 1]
      if (last?.[0] === type) last[1]++
      else runs.push([type, 1])
    }
    flatten([leb(runs.length), runs.map(([type, n]) => [leb(n), TYPE_BYTE[type]]), this.statements, END], body)
    return body
  }
}

interface Signature {
  readonly parameters: readonly ValueType[]
  readonly results: readonly ValueType[]
}

interface Import extends Signature {
  readonly ref: FunctionRef
}

interface Defined extends Signature {
  readonly ref: FunctionRef
  readonly builder: FunctionBuilder
  readonly exported: boolean
}

/** The sections of a module, by their numbers. */
const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const

const text = (value: string): Code => [leb(value.length), [...value].map((c) => c.charCodeAt(0))]

/** A module that imports the backend's memory as `env.memory`, and functions of JavaScript from `env` too. */
export class ModuleBuilder {
  readonly target: Target
  private readonly imports: Import[] = []
  private readonly functions: Defined[] = []
  private readonly shared = new Map<string, FunctionRef>()

  constructor(target: Target) {
    this.target = target
  }

  /** A function of JavaScript; asking for the same name again gives the same. */
  import(name: string, parameters: readonly ValueType[], results: readonly ValueType[]): FunctionRef {
    const known = this.imports.find((i) => i.ref.name === name)
    if (known) return known.ref
    const ref: FunctionRef = { kind: "function", name, index: -1 }
    this.imports.push({ ref, parameters, results })
    return ref
  }

  /** A function of the module, exported under its name if `exported`; parameters "ptr" are of the address type. */
  function(
    name: string,
    parameters: readonly (ValueType | "ptr")[],
    results: readonly ValueType[],
    build: (f: FunctionBuilder, ...parameters: Local[]) => void,
    exported = false,
  ): FunctionRef {
    const types = parameters.map((t) => (t === "ptr" ? pointerType(this.target) : t))
    const builder = new FunctionBuilder(this.target, types)
    const ref: FunctionRef = { kind: "function", name, index: -1 }
    this.functions.push({ ref, builder, parameters: types, results, exported })
    build(builder, ...builder.parameters)
    return ref
  }

  /** A helper function: built the first time that it is asked for. */
  helper(
    name: string,
    parameters: readonly (ValueType | "ptr")[],
    results: readonly ValueType[],
    build: (f: FunctionBuilder, ...parameters: Local[]) => void,
  ): FunctionRef {
    let ref = this.shared.get(name)
    if (!ref) this.shared.set(name, (ref = this.function(name, parameters, results, build)))
    return ref
  }

  encode(): Uint8Array<ArrayBuffer> {
    ;[...this.imports, ...this.functions].forEach(({ ref }, index) => {
      ref.index = index
    })
    const signatures: string[] = []
    const typeOf = ({ parameters, results }: Signature): number => {
      const key = `${parameters.join()}>${results.join()}`
      const known = signatures.indexOf(key)
      return known >= 0 ? known : signatures.push(key) - 1
    }
    const importTypes = this.imports.map(typeOf)
    const functionTypes = this.functions.map(typeOf)
    const list = (types: string): Code => {
      const names = types ? (types.split(",") as ValueType[]) : []
      return [leb(names.length), names.map((t) => TYPE_BYTE[t])]
    }
    const types = signatures.map((key): Code => [0x60, key.split(">").map(list)])
    const imports: Code[] = [
      [text("env"), text("memory"), 0x02, this.memoryLimits()],
      ...this.imports.map(({ ref }, k): Code => [text("env"), text(ref.name), 0x00, leb(importTypes[k])]),
    ]
    const exports = this.functions.filter((f) => f.exported)
    const bodies = this.functions.map(({ builder }) => {
      const body = builder.encode()
      return [leb(body.length), body] as Code
    })
    const bytes: number[] = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
    const section = (id: number, entries: readonly Code[]): void => {
      const content: number[] = []
      flatten([leb(entries.length), entries], content)
      flatten([id, leb(content.length), content], bytes)
    }
    section(SECTION.type, types)
    section(SECTION.import, imports)
    section(
      SECTION.function,
      functionTypes.map((t) => leb(t)),
    )
    section(
      SECTION.export,
      exports.map(({ ref }): Code => [text(ref.name), 0x00, ref]),
    )
    section(SECTION.code, bodies)
    return Uint8Array.from(bytes)
  }

  /** The memory is whatever was made, at most as large as the target says; shared memories must state their maximum. */
  private memoryLimits(): Code {
    const { shared, memory64, maximumPages } = this.target
    const flags = 1 | (shared ? 2 : 0) | (memory64 ? 4 : 0)
    return [flags, leb(0), leb(maximumPages)]
  }
}
