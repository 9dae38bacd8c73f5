/** Runs PTX on the emulator, in a process of its own. */

import { spawnSync } from "node:child_process"
import { buildRunner } from "../src/build.ts"

export type Numbers =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array

/** A tensor map of rank 3, with strides in bytes; types and swizzles by the driver's numbers. */
export interface TensorMap {
  readonly map: string
  readonly type: number
  readonly sizes: readonly [number, number, number]
  readonly strides: readonly [number, number]
  readonly box: readonly [number, number, number]
  readonly swizzle: number
}

/** A buffer by its name (and an offset in bytes), a number by its type, or a tensor map. */
export type Parameter = string | readonly [name: string, offset: number] | Numbers | TensorMap

export interface Launch {
  readonly entry: string
  readonly blocks?: readonly [number, number, number]
  readonly threads?: number | readonly [number, number, number]
  readonly sharedBytes?: number
  readonly repeats?: number
  readonly params: readonly Parameter[]
}

export interface Job {
  readonly ptx: string
  readonly buffers?: Readonly<Record<string, Numbers>>
  readonly launches?: readonly Launch[]
  readonly env?: Readonly<Record<string, string>>
}

/** A result of the driver that is not CUDA_SUCCESS. */
export class DriverError extends Error {
  readonly number: number

  constructor(number: number, text: string) {
    super(text)
    this.number = number
  }
}

const bytesOf = (data: Numbers | string): Buffer =>
  typeof data === "string" ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength)

function commands(job: Job): Buffer {
  const parts: Buffer[] = []
  const say = (text: string, data?: Buffer) => {
    parts.push(Buffer.from(data ? `${text} ${data.length}\n` : `${text}\n`))
    if (data) parts.push(data)
  }
  say("module", bytesOf(job.ptx))
  for (const [name, data] of Object.entries(job.buffers ?? {})) say(`buffer ${name}`, bytesOf(data))
  for (const { entry, blocks = [1, 1, 1], threads = 32, sharedBytes = 0, repeats = 1, params } of job.launches ?? []) {
    const block = typeof threads === "number" ? [threads, 1, 1] : threads
    say(["launch", entry, ...blocks, ...block, sharedBytes, repeats].join(" "))
    for (const each of params) {
      if (typeof each === "string") say(`buffer ${each} 0`)
      else if (Array.isArray(each)) say(`buffer ${each[0]} ${each[1]}`)
      else if ("swizzle" in each)
        say(["map", each.map, each.type, ...each.sizes, ...each.strides, ...each.box, each.swizzle].join(" "))
      else say("bytes", bytesOf(each as Numbers))
    }
    say("end")
  }
  for (const name of Object.keys(job.buffers ?? {})) say(`read ${name}`)
  return Buffer.concat(parts)
}

function* answers(output: Buffer): Generator<readonly [kind: string, data: Buffer]> {
  let at = 0
  while (at < output.length) {
    const end = output.indexOf(10, at)
    const [kind, count] = output.toString("latin1", at, end).split(" ")
    at = end + 1 + Number(count)
    yield [kind, output.subarray(end + 1, at)]
  }
}

const built = await buildRunner()

async function talk(input: Buffer, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Buffer> {
  const { runner, library } = built
  const { stdout, stderr, status } = spawnSync(runner, [library, ...args], {
    input,
    env: { ...process.env, CUDA_EMULATOR_QUIET: "1", ...env },
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(`the runner ended with ${status}: ${stderr}`)
  if (process.env.RUNNER_TIMES) process.stderr.write(stderr)
  return stdout
}

/** Loads the module, runs the launches in order and gives back what the buffers then hold. */
export async function run<B extends Readonly<Record<string, Numbers>>>(
  job: Job & { readonly buffers?: B },
): Promise<B> {
  const stdout = await talk(commands(job), [], job.env)
  const results: Record<string, Numbers> = {}
  for (const [kind, data] of answers(stdout)) {
    if (kind === "error") {
      const text = data.toString()
      throw new DriverError(Number.parseInt(text, 10), text.slice(text.indexOf(" ") + 1))
    }
    const type = job.buffers![kind].constructor as new (buffer: ArrayBuffer) => Numbers
    results[kind] = new type(data.buffer.slice(data.byteOffset, data.byteOffset + data.length) as ArrayBuffer)
  }
  return results as B
}

/**
 * An argument of the driver: a number, `=name` for a variable's value, `&name` for its address, `#name` for memory of the
 * host, `$text` for the text, `@` for a function of the host.
 */
export type Argument = number | bigint | string

/** Calls a function of the driver: what it must give, its name, its arguments. */
export type Call = readonly [result: number, name: string, ...args: readonly Argument[]]

/** "show" gives a variable's value, "peek" the first bytes of memory of the host, "fill" sets all its bytes. */
export type Step = Call | readonly ["show", string] | readonly ["peek", string] | readonly ["fill", string, number]

const line = (step: Step): string =>
  typeof step[0] === "number" ? ["call", step[1], step.length - 2, ...step.slice(2)].join(" ") : step.join(" ")

/**
 * Calls the driver's functions one after the other in a fresh process; throws when one gives another result than the step
 * says. Gives what the steps "show" and "peek" showed.
 */
export async function drive(steps: readonly Step[], env?: Readonly<Record<string, string>>): Promise<Buffer[]> {
  const stdout = await talk(Buffer.from(`${steps.map(line).join("\n")}\n`), ["calls"], env)
  const shown: Buffer[] = []
  const calls = steps.filter((step): step is Call => typeof step[0] === "number")
  let called = 0
  for (const [kind, data] of answers(stdout)) {
    if (kind !== "call") {
      shown.push(Buffer.from(data))
      continue
    }
    const [expected, ...rest] = calls[called++]
    if (Number(data.toString()) !== expected) throw new Error(`${rest.join(" ")} gave ${data}, not ${expected}`)
  }
  return shown
}

/** A module's text: the header, then the rest. */
export const module = (text: string, target = 80, version = "7.0"): string =>
  `.version ${version}\n.target sm_${target}\n.address_size 64\n${text}`
