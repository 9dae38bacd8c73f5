/**
 * Values as a graph of instructions: the middle between scalar expressions and code. A node is one instruction, applied to other
 * nodes; equal nodes are one object, so that shared parts are computed once, and each is computed in the outermost loop that it
 * depends on (its `level`).
 */
import { choose, type FunctionBuilder, get, type Local, type ModuleBuilder } from "./assembler.ts"
import {
  type Code,
  call,
  type FunctionRef,
  f32,
  f64,
  floatBytes,
  i32,
  i64,
  integerBytes,
  lanesToBytes,
  leb,
  opcodeBytes,
} from "./code.ts"
import { resultOf, type ValueType } from "./opcodes.ts"
import { pointerType } from "./target.ts"

export interface Node {
  readonly id: number
  readonly type: ValueType
  readonly args: readonly Node[]
  /** The loop inside of which it has a value: 0 is outside of all. */
  readonly level: number
  /** What stands behind the arguments: an instruction, with its immediates; or what is made of the arguments' code. */
  readonly code: Code | ((args: readonly Code[]) => Code)
  /** Whether it is better written again than kept in a local variable. */
  readonly free: boolean
}

export class Graph {
  readonly module: ModuleBuilder
  readonly pointer: "i32" | "i64"
  private readonly nodes = new Map<string, Node>()
  private count = 0

  constructor(module: ModuleBuilder) {
    this.module = module
    this.pointer = pointerType(module.target)
  }

  private node(key: string, make: () => Omit<Node, "id">): Node {
    let found = this.nodes.get(key)
    if (!found) this.nodes.set(key, (found = { ...make(), id: this.count++ }))
    return found
  }

  /** A variable of the function, which has its value from `level` on. */
  local(local: Local, level = 0): Node {
    return this.node(`local ${local.index}`, () => ({
      type: local.type,
      args: [],
      level,
      code: get(local),
      free: true,
    }))
  }

  /** An instruction without immediates; `ptr.add` and the like are those of the address type. */
  op(name: string, ...args: readonly Node[]): Node {
    return this.instruction(name, args, [])
  }

  /** An instruction with immediates: a memory access, a lane, a shuffle. */
  instruction(name: string, args: readonly Node[], immediates: readonly number[], minimumLevel = 0): Node {
    const resolved = name.startsWith("ptr.") ? `${this.pointer}${name.slice(3)}` : name
    const key = `${resolved} ${immediates.join()} ${args.map((a) => a.id).join()}`
    return this.node(key, () => ({
      type: resultOf(resolved)!,
      args,
      level: Math.max(minimumLevel, ...args.map((a) => a.level)),
      code: [opcodeBytes(resolved), immediates as readonly Code[]],
      free: false,
    }))
  }

  /** `address + offset`, loaded; memory is taken to stay as it is while the graph is evaluated. */
  load(name: string, address: Node, offset = 0): Node {
    return this.instruction(name, [address], [0, ...leb(offset)])
  }

  /** `vector` with one lane loaded. */
  loadLane(name: string, address: Node, vector: Node, lane: number, offset = 0): Node {
    return this.instruction(name, [address, vector], [0, ...leb(offset), lane])
  }

  lane(name: string, k: number, ...args: readonly Node[]): Node {
    return this.instruction(name, args, [k])
  }

  /** Lanes of `width` bytes chosen from those of two vectors. */
  shuffle(width: 1 | 2 | 4 | 8, lanes: readonly number[], a: Node, b: Node): Node {
    return this.instruction("i8x16.shuffle", [a, b], lanesToBytes(lanes, width))
  }

  call(target: FunctionRef, type: ValueType, ...args: readonly Node[]): Node {
    return this.node(`call ${target.name} ${args.map((a) => a.id).join()}`, () => ({
      type,
      args,
      level: Math.max(0, ...args.map((a) => a.level)),
      code: call(target),
      free: false,
    }))
  }

  /**
   * `common`, or what `target` makes of `args` if `condition` (an i32) is not 0. Only the one chosen is computed, but for the
   * parts that others share.
   */
  unless(condition: Node, target: FunctionRef, args: readonly Node[], common: Node): Node {
    const all = [condition, common, ...args]
    return this.node(`unless ${target.name} ${all.map((a) => a.id).join()}`, () => ({
      type: common.type,
      args: all,
      level: Math.max(...all.map((a) => a.level)),
      code: ([test, otherwise, ...values]) => choose(common.type, test, call(target, ...values), otherwise),
      free: false,
    }))
  }

  private constant(key: string, type: ValueType, code: Code): Node {
    return this.node(`const ${type} ${key}`, () => ({ type, args: [], level: 0, code, free: type !== "v128" }))
  }

  private vector(bytes: readonly number[]): Node {
    return this.constant(bytes.join(), "v128", [opcodeBytes("v128.const"), bytes])
  }

  /** Constants in every lane. */
  f32x4(value: number): Node {
    return this.vector(repeated(floatBytes(value, 4)))
  }

  f64x2(value: number): Node {
    return this.vector(repeated(floatBytes(value, 8)))
  }

  i32x4(value: number): Node {
    return this.vector(repeated(integerBytes(BigInt(value | 0), 4)))
  }

  i64x2(value: bigint): Node {
    return this.vector(repeated(integerBytes(value, 8)))
  }

  /** A constant of its own in each of four lanes. */
  lanes32(values: readonly number[]): Node {
    return this.vector(values.flatMap((v) => integerBytes(BigInt(v | 0), 4)))
  }

  i32(value: number): Node {
    return this.constant(String(value), "i32", i32(value))
  }

  i64(value: bigint): Node {
    return this.constant(String(value), "i64", i64(value))
  }

  f32(value: number): Node {
    return this.constant(floatBytes(value, 4).join(), "f32", f32(value))
  }

  f64(value: number): Node {
    return this.constant(floatBytes(value, 8).join(), "f64", f64(value))
  }

  /** A constant of the address type. */
  ptr(value: number): Node {
    return this.pointer === "i32" ? this.i32(value) : this.i64(BigInt(value))
  }

  /** a·b + c, rounded once or twice, as the engine likes. */
  madd(shape: "f32x4" | "f64x2", a: Node, b: Node, c: Node): Node {
    return this.module.target.relaxed
      ? this.op(`${shape}.relaxed_madd`, a, b, c)
      : this.op(`${shape}.add`, this.op(`${shape}.mul`, a, b), c)
  }

  /** c − a·b. */
  nmadd(shape: "f32x4" | "f64x2", a: Node, b: Node, c: Node): Node {
    return this.module.target.relaxed
      ? this.op(`${shape}.relaxed_nmadd`, a, b, c)
      : this.op(`${shape}.sub`, c, this.op(`${shape}.mul`, a, b))
  }
}

const repeated = (bytes: readonly number[]): number[] => Array.from({ length: 16 / bytes.length }, () => bytes).flat()

/**
 * Writes `roots`: the statements that compute what is shared or belongs to an outer loop go to `blocks[level]`, and the values
 * returned are to be evaluated at the innermost level, the last of `blocks`, after its statements.
 *
 * `known` holds what earlier calls have put into local variables, and is added to: pass the same map for code that runs after
 * that of an earlier call, and a fresh one otherwise.
 */
export function emitGraph(
  f: FunctionBuilder,
  roots: readonly Node[],
  blocks: readonly Code[][],
  known: Map<Node, Local> = new Map(),
): Code[] {
  const innermost = blocks.length - 1
  const uses = new Map<Node, number>()
  const order: Node[] = []
  const visit = (node: Node): void => {
    const n = uses.get(node) ?? 0
    uses.set(node, n + 1)
    if (n > 0 || known.has(node)) return
    for (const arg of node.args) visit(arg)
    order.push(node)
  }
  for (const root of roots) visit(root)
  const codes = new Map<Node, Code>()
  const codeOf = (node: Node): Code => {
    const local = known.get(node)
    return local ? get(local) : codes.get(node)!
  }
  for (const node of order) {
    const args = node.args.map(codeOf)
    const code: Code = typeof node.code === "function" ? node.code(args) : [args, node.code]
    const level = Math.min(node.level, innermost)
    if (!node.free && (uses.get(node)! > 1 || level < innermost)) {
      const local = f.local(node.type)
      blocks[level].push([code, 0x21, leb(local.index)])
      known.set(node, local)
    } else codes.set(node, code)
  }
  return roots.map(codeOf)
}
