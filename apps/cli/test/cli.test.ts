import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { FILES } from "@taeda/examples"
import { afterAll, describe, expect, test } from "vitest"
import { idx, madeFolder } from "./idx-files.ts"

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface RunOptions {
  readonly input?: string
  /** Sent once either stream has that text. */
  readonly signal?: { on: string; name: NodeJS.Signals }
}

const home = mkdtempSync(join(tmpdir(), "taeda-home-"))
afterAll(() => rmSync(home, { recursive: true }))

/** The command, from its sources, in a process of its own. */
function taeda(args: readonly string[], { input = "", signal }: RunOptions = {}): Promise<Ended> {
  const env = { ...process.env, HOME: home, NODE_OPTIONS: "", NO_COLOR: "1" }
  const child = spawn(process.execPath, ["--conditions=@taeda/source", CLI, ...args], { env, cwd: home })
  let [stdout, stderr] = ["", ""]
  const react = (): void => {
    if (signal && !child.killed && (stdout + stderr).includes(signal.on)) child.kill(signal.name)
  }
  child.stdout.on("data", (chunk) => {
    stdout += chunk
    react()
  })
  child.stderr.on("data", (chunk) => {
    stderr += chunk
    react()
  })
  child.stdin.end(input)
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })))
}

const made = madeFolder()
afterAll(made.remove)
const SMALL = [
  ...["train", "mnist", "--data", made.path, "--model", "mlp"],
  ...["--epochs", "2", "--hidden", "8", "--batch-size", "20"],
]

describe.concurrent("taeda", () => {
  test("--help lists the commands", async () => {
    const { code, stdout, stderr } = await taeda(["--help"])
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toContain("taeda create my-app")
    for (const command of ["install", "doctor", "tour", "train", "repl", "create", "bench", "conformance"])
      expect(stdout).toMatch(new RegExp(`^ {2}${command} .*\\w`, "m"))
  })

  test("train --help names every option with its default", async () => {
    const { code, stdout } = await taeda(["train", "--help"])
    expect(code).toBe(0)
    for (const option of [
      "--device <name>",
      "--model <name>",
      "--epochs <n>",
      "--batch-size <n>",
      "--lr <x>",
      "--hidden <n>",
      "--seed <n>",
      "--data <folder>",
    ])
      expect(stdout).toContain(option)
    expect(stdout).toContain("(default: 128)")
    expect(stdout.replace(/\s+/g, " ")).toContain('(choices: "cnn", "mlp", default: "cnn")')
  })

  test.each(["install", "doctor", "tour", "train", "repl", "create", "bench", "conformance"])(
    "help %s explains it, with examples",
    async (name) => {
      const { code, stdout, stderr } = await taeda(["help", name])
      expect([code, stderr]).toEqual([0, ""])
      expect(stdout).toMatch(new RegExp(`^Usage: taeda ${name} `))
      expect(stdout).toMatch(new RegExp(`\\nExamples:\n {2}taeda ${name} *.*\\w`))
      expect(await taeda([name, "--help"])).toEqual({ code, stdout, stderr })
    },
  )

  test("--version is the package's", async () => {
    expect(await taeda(["--version"])).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/), stderr: "" })
  })

  test.each<[string[], string | RegExp]>([
    [["trian", "mnist"], "(Did you mean train?)"],
    [["tuor"], "(Did you mean tour?)"],
    [["docter"], "(Did you mean doctor?)"],
    [["instal"], "(Did you mean install?)"],
    [["help", "tuor"], "(Did you mean tour?)"],
    [["create"], "taeda: which folder? For example: taeda create taeda-app"],
    [["create", "app", "--template", "deno"], "Allowed choices are node, vite"],
    [["train"], "missing required argument 'task'"],
    [["train", "cifar"], "Allowed choices are mnist"],
    [["train", "mnist", "--model", "rnn"], "Allowed choices are cnn, mlp"],
    [["train", "mnist", "--epoch", "2"], "(Did you mean --epochs?)"],
    [["train", "mnist", "--epochs", "0"], "'0' is invalid. Expected a whole number above zero."],
    [["train", "mnist", "--epochs", "1.5"], "'1.5' is invalid. Expected a whole number above zero."],
    [["train", "mnist", "--batch-size", "many"], "'many' is invalid. Expected a whole number above zero."],
    [["train", "mnist", "--lr", "-1"], "'-1' is invalid. Expected a number above zero."],
    [["train", "mnist", "--lr", "Infinity"], "'Infinity' is invalid. Expected a number above zero."],
    [["train", "mnist", "--seed", "x"], "'x' is invalid. Expected a whole number."],
    [["train", "mnist", "--device", "tpu"], 'taeda: open: no device "tpu": known devices: cuda, webgpu, wasm, cpu\n'],
    [["bench", "--work", "nothing"], "taeda: no work has nothing in its name; there are add 2x2, "],
    [["bench", "--backend", "tpu"], "taeda: there is no backend tpu; there are "],
    [["bench", "--rounds", "0"], "'0' is invalid. Expected a whole number above zero."],
    [["train", "mnist", "--device", "cuda"], /^taeda: cuda: .+\n$/],
    [
      ["train", "mnist", "--data", "nowhere"],
      /^taeda: nowhere.train-images-idx3-ubyte cannot be read: there is no such file\n$/,
    ],
    [[], "Usage: taeda"],
  ])("%j is refused on stderr, without a stack", async (args, message) => {
    const { code, stdout, stderr } = await taeda(args)
    expect([code, stdout]).toEqual([1, ""])
    expect(stderr).toMatch(typeof message === "string" ? new RegExp(message.replace(/[()?.[\]]/g, "\\$&")) : message)
    expect(stderr).not.toMatch(/^ {4}at /m)
  })

  test("conformance where the suite is not installed could not run", async () => {
    const { code, stdout, stderr } = await taeda(["conformance", "cpu-js"])
    // 1 would say that a backend failed.
    expect([code, stdout]).toEqual([2, ""])
    expect(stderr).toMatch(/^taeda: the suite is a package of its own.* npm install --save-dev @taeda\/conformance\n$/)
  })

  test("a corrupt file is named before anything starts", async () => {
    const broken = madeFolder({ [FILES.train.images]: idx([200, 4, 4], [1, 2, 3]) })
    const { code, stdout, stderr } = await taeda(["train", "mnist", "--data", broken.path])
    broken.remove()
    expect([code, stdout]).toEqual([1, ""])
    expect(stderr).toMatch(
      /^taeda: .*train-images-idx3-ubyte is no readable idx file: .*\(truncated\)\. Reinstall .*\n$/,
    )
  })

  test("tour", async () => {
    const { code, stdout, stderr } = await taeda(["tour"])
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toContain("> x.grad\ntensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])\n")
  })

  test("train mnist", async () => {
    const { code, stdout, stderr } = await taeda([...SMALL, "--seed", "3"])
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toMatch(/^100 % .*\nTrained in [\d.]+ s/m)
    expect(stdout).toMatch(/^Test accuracy: [\d.]+ %$/m)
  })

  test.each<[NodeJS.Signals, number]>([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])("%s stops the training in order", async (name, expected) => {
    const long = [...SMALL, "--epochs", "1000000"]
    const { code, stdout, stderr } = await taeda(long, { signal: { on: "epoch 1/", name } })
    expect([code, stderr]).toEqual([expected, "taeda: stopped\n"])
    expect(stdout).not.toContain("Test accuracy")
  })

  test("bench compares the backends, each in a process of its own", async () => {
    const { code, stdout, stderr } = await taeda(["bench", "--work", "add 2x2", "--rounds", "2", "--json"])
    expect(code).toBe(0)
    const { backends, results } = JSON.parse(stdout) as {
      backends: { name: string; notes: string[] }[]
      results: Record<string, unknown>[]
    }
    const names = backends.map(({ name }) => name)
    // What this machine has besides takes part too.
    expect(names.slice(0, 2)).toEqual(["cpu-js", "wasm-simd"])
    const works = ["add 2x2", "add 2x2 recorded"]
    expect(results.map(({ work, backend }) => [work, backend])).toEqual(
      works.flatMap((work) => names.map((backend) => [work, backend])),
    )
    for (const { ms, least, greatest } of results as Record<string, number>[]) {
      expect(least).toBeGreaterThan(0)
      expect(least).toBeLessThanOrEqual(ms)
      expect(ms).toBeLessThanOrEqual(greatest)
    }
    for (const { backend, ratio } of results) if (backend === "cpu-js") expect(ratio).toBe(1)
    expect(stderr).toContain("round 2/2")
  })

  test("bench prints a table", async () => {
    const { code, stdout } = await taeda(["bench", "--work", "sum dim 0", "--rounds", "1", "--backend", "cpu"])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ +cpu-js\nsum dim 0 1M +[\d.]+ .s +1000×1000, over the first dim\n\nMedians of 1 round, /)
    expect(stdout).toContain("cpu-js: kernels are ")
  })

  test("bench stops in order", async () => {
    const options = { signal: { on: "round 1/", name: "SIGINT" as const } }
    const { code, stdout, stderr } = await taeda(["bench", "--work", "add 2x2", "--rounds", "1000"], options)
    expect([code, stdout]).toEqual([130, ""])
    expect(stderr).toMatch(/taeda: stopped\n$/)
  })

  test("repl reads from a pipe", async () => {
    const { code, stdout, stderr } = await taeda(["repl"], {
      input: "x = ones(2)\nawait x.sum().item()\nx.nothing()\n",
    })
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toContain("> tensor([1., 1.])\n> 2\n> Uncaught TypeError: x.nothing is not a function\n> ")
  })
})
