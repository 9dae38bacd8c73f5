/** Puts a shader together: bindings, numbers of the launch, declarations and the statements of `main`. */
import type { ScalarType } from "@taeda/core"
import { laneOf } from "./elements.ts"
import { type Launch, scalarBits } from "./launch.ts"
import type { BindingType, BufferRef, Element, Interface, Shader, ShaderParts } from "./program.ts"
import { helperCode, zeroBitsFunction } from "./wgsl-math.ts"

/** A shader, what its bindings are, and the numbers that a launch gives it. */
export interface Emitted {
  readonly shader: Shader
  readonly buffers: readonly BufferRef[]
  readonly params: (launch: Launch) => number[]
}

const ZERO = "zeroBits()"

/** Reports a load or scatter outside its operand; the first report stays. */
const faultFunction = (
  buffer: string,
  kernel: string,
): string => `fn fault(operand: u32, dim: u32, coordinate: i32, size: u32) {
  if (atomicOr(&${buffer}[0], 1u) == 0u) {
    atomicStore(&${buffer}[1], operand);
    atomicStore(&${buffer}[2], dim);
    atomicStore(&${buffer}[3], bitcast<u32>(coordinate));
    atomicStore(&${buffer}[4], size);
    atomicStore(&${buffer}[5], ${kernel});
  }
}`

/** Words of the buffer in which faults are reported. */
export const FAULT_WORDS = 8

export class Writer {
  /** The statements being written: those of `main`, or of a function. */
  lines: string[] = []
  private readonly bindings: BindingType[] = []
  private readonly buffers: BufferRef[] = []
  private readonly slots = new Map<string, number>()
  private readonly reads: ((launch: Launch) => number)[] = []
  private readonly declarations = new Map<string, string>()
  private names = 0
  private reportsFaults = false
  private subgroups = false

  /** Binds a buffer; the name by which the shader knows it. */
  bind(ref: BufferRef, element: Element, access: BindingType["access"]): string {
    this.bindings.push({ element, access })
    this.buffers.push(ref)
    return `b${this.bindings.length - 1}`
  }

  /** A u32 that `read` finds in the launch; asked for again by the same key it is the same number. */
  number(key: string, read: (launch: Launch) => number): string {
    let slot = this.slots.get(key)
    if (slot === undefined) {
      slot = this.reads.length
      this.slots.set(key, slot)
      this.reads.push(read)
    }
    return `params[${slot >> 2}].${"xyzw"[slot & 3]}`
  }

  size(d: number): string {
    return this.number(`n${d}`, ({ sizes }) => sizes[d])
  }
  offset(k: number): string {
    return this.number(`o${k}`, ({ operands }) => operands[k].offset)
  }
  stride(k: number, d: number): string {
    return this.number(`s${k}.${d}`, ({ operands }) => operands[k].strides[d])
  }
  operandSize(k: number, d: number): string {
    return this.number(`n${k}.${d}`, ({ operands }) => operands[k].sizes[d])
  }

  /** A scalar of the launch, in the lane of its type. */
  scalar(k: number, dtype: ScalarType): string {
    return fromBits(
      this.number(`c${k}`, ({ scalars }) => scalarBits(scalars[k], dtype)),
      dtype,
    )
  }

  /** Bits that no compiler may know, such as those of infinity. */
  opaque(bits: number): string {
    return this.number(`bits${bits}`, () => bits)
  }

  /** Declares something at the module's level, once. */
  declare(name: string, text: string): void {
    this.declarations.set(name, text)
  }

  /** Declares `fault(operand, dim, coordinate, size)`. */
  useFaults(): void {
    this.reportsFaults = true
  }

  /** The shader uses subgroups: `main` has `subgroupSize`, and numbers invocations so that those of a subgroup follow each other. */
  useSubgroups(): void {
    this.subgroups = true
  }

  /** A name that nothing else has. */
  name(prefix: string): string {
    return `${prefix}_${this.names++}`
  }

  /** A value that is computed once, here. */
  let(text: string, prefix = "v"): string {
    const name = this.name(prefix)
    this.lines.push(`let ${name} = ${text};`)
    return name
  }

  /** The text of a function whose statements `body` writes. */
  function(head: string, body: () => void): string {
    const outer = this.lines
    this.lines = []
    body()
    const text = `${head} {\n${this.lines.join("\n")}\n}`
    this.lines = outer
    return text
  }

  /** The functions that what was written so far calls, in front of it. */
  private helpers(): string[] {
    const text = [...this.declarations.values(), ...this.lines].join("\n")
    const helpers = helperCode(text)
    if (!helpers.includes(ZERO) && !text.includes(ZERO)) return helpers ? [helpers] : []
    return [zeroBitsFunction(this.opaque(0)), helpers]
  }

  /** The shader. `main` has `group` (the number of its workgroup, u32) and `lane` (the invocation's number inside of it). */
  finish(workgroupSize: number): Emitted {
    const kernel = this.reportsFaults ? this.number("kernel", (launch) => launch.kernel ?? 0) : ""
    // The words for faults stand last among the storage bindings.
    if (this.reportsFaults)
      this.declare("fault", faultFunction(this.bind({ faults: true }, "atomic<u32>", "write"), kernel))
    const helpers = this.helpers()
    if (this.reads.length === 0) this.opaque(0)
    const paramVectors = (this.reads.length + 3) >> 2
    const given = { bindings: this.bindings, paramVectors }
    const { subgroups, lines: main } = this
    const parts = { workgroupSize, subgroups, declarations: [...helpers, ...this.declarations.values()], main }
    const { reads } = this
    return {
      shader: { ...given, parts, code: shaderCode(given, parts, "b") },
      buffers: this.buffers,
      params: (launch) => reads.map((read) => read(launch)),
    }
  }
}

/** The whole text of a shader; `prefix` stands before the numbers of its bindings. */
export function shaderCode({ bindings, paramVectors }: Interface, parts: ShaderParts, prefix: string): string {
  const builtins = ["workgroup_id) workgroup: vec3u", "num_workgroups) workgroups: vec3u"]
  if (parts.subgroups)
    builtins.push(
      "subgroup_size) subgroupSize: u32",
      "subgroup_id) subgroup: u32",
      "subgroup_invocation_id) member: u32",
    )
  else builtins.push("local_invocation_index) lane: u32")
  return [
    ...(parts.subgroups ? ["enable subgroups;", "requires subgroup_id;"] : []),
    ...bindings.map(
      ({ element, access }, i) =>
        `@group(0) @binding(${i}) var<storage, ${access === "read" ? "read" : "read_write"}> ${prefix}${i}: array<${element}>;`,
    ),
    `@group(0) @binding(${bindings.length}) var<uniform> params: array<vec4u, ${paramVectors}>;`,
    ...parts.declarations,
    `@compute @workgroup_size(${parts.workgroupSize})`,
    `fn main(${builtins.map((each) => `@builtin(${each}`).join(", ")}) {`,
    ...(parts.subgroups ? ["let lane = subgroup * subgroupSize + member;"] : []),
    "let group = workgroup.x + workgroup.y * workgroups.x;",
    ...parts.main,
    "}",
    "",
  ].join("\n")
}

/** The value of a type whose 32 bits are given. */
export function fromBits(bits: string, dtype: ScalarType): string {
  const lane = laneOf(dtype)
  if (lane === "bool") return `(${bits} != 0u)`
  return lane === "u32" ? bits : `bitcast<${lane}>(${bits})`
}
