/** Runs rows of primitives over arrays, in Dawn. */
import { type ChildProcess, fork } from "node:child_process"
import type { ScalarType } from "@taeda/core"
import { helperCode, zeroBitsFunction } from "../src/wgsl-math.ts"
import { type Row, type WgslType, wgslType } from "../src/wgsl-primitives.ts"
import { softwareAdapter } from "./software-adapter.ts"

type Words = Uint32Array<ArrayBuffer>
interface Answer {
  readonly id?: number
  readonly result?: Words
  readonly error?: string
}

/** A process with Dawn in it. */
export class Gpu {
  private readonly child: ChildProcess
  private readonly waiting = new Map<number, { resolve: (words: Words) => void; reject: (error: Error) => void }>()
  private jobs = 0

  private constructor(child: ChildProcess) {
    this.child = child
    child.on("message", ({ id = -1, result, error }: Answer) => {
      const job = this.waiting.get(id)
      this.waiting.delete(id)
      if (result) job?.resolve(result)
      else job?.reject(new Error(error))
    })
    child.on("exit", (code) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the process with Dawn ended with ${code}`))
    })
  }

  static async open(): Promise<Gpu> {
    const child = fork(new URL("./dawn-child.mjs", import.meta.url), {
      env: { ...process.env, ...(await softwareAdapter()) },
      execArgv: [],
      serialization: "advanced",
    })
    await new Promise<void>((resolve, reject) => {
      child.once("message", () => resolve())
      child.once("exit", (code) => reject(new Error(`the process with Dawn ended with ${code}`)))
    })
    return new Gpu(child)
  }

  close(): void {
    this.child.disconnect()
  }

  private run(code: string, inputs: readonly Words[], words: number, workgroups: number): Promise<Words> {
    const id = this.jobs++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.child.send({ id, code, inputs, words, workgroups })
    })
  }

  /** The row's value for each place of the columns, whose elements are words of 32 bits: of a float, an integer, 0 or 1. */
  async apply(row: Row, from: readonly ScalarType[], to: ScalarType, columns: readonly Words[]): Promise<Words> {
    const count = columns[0]?.length ?? 1
    const args = from.map((dtype, k) => ({ name: `a${k}`, text: ofWord(wgslType(dtype), `b${k}[at]`) }))
    const body = [
      ...args.map(({ name, text }) => `  let ${name} = ${text};`),
      `  let y = ${row(...args.map(({ name }) => name))};`,
      `  b${from.length}[at] = ${toWord(wgslType(to), "y")};`,
    ].join("\n")
    const bindings = [...from, to].map(
      (_, k) => `@group(0) @binding(${k}) var<storage, ${k < from.length ? "read" : "read_write"}> b${k}: array<u32>;`,
    )
    const code = `${bindings.join("\n")}
@group(0) @binding(${from.length + 1}) var<uniform> params: array<vec4u, 1>;
${zeroBitsFunction("params[0].x")}
${helperCode(body)}
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let at = id.x + zeroBits();
  if (at >= ${count}u) { return; }
${body}
}`
    return this.run(code, columns, count, Math.ceil(count / 64))
  }
}

const ofWord = (type: WgslType, word: string): string =>
  type === "u32" ? word : type === "bool" ? `(${word} != 0u)` : `bitcast<${type}>(${word})`
const toWord = (type: WgslType, value: string): string =>
  type === "u32" ? value : type === "bool" ? `select(0u, 1u, ${value})` : `bitcast<u32>(${value})`
