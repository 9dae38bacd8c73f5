import { spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, describe, expect, test, vi } from "vitest"

const CHILD = fileURLToPath(new URL("./repl-child.ts", import.meta.url))

interface Session {
  /** Types a line, and gives what is printed before the next prompt. */
  type(line: string): Promise<string>
  /** Types keys, and waits until the output has `text`. */
  keys(keys: string, text: string): Promise<void>
  /** All that was printed. */
  text(): string
  close(): Promise<void>
}

const cleanups: (() => unknown)[] = []
afterAll(() => Promise.all(cleanups.map((clean) => clean())))

async function session(kind: "pipe" | "terminal" = "pipe", ...history: string[]): Promise<Session> {
  const child = spawn(process.execPath, ["--conditions=@taeda/source", CHILD, kind, ...history])
  let printed = ""
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (printed += chunk))
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()))
  const close = (): Promise<void> => {
    child.stdin.end()
    return ended
  }
  cleanups.push(close)
  const until = (condition: () => boolean): Promise<void> =>
    vi.waitFor(() => expect(condition(), printed).toBe(true), { timeout: 30_000, interval: 10 })
  await until(() => /[\nJ]> /.test(printed))
  return {
    async type(line) {
      const from = printed.length
      child.stdin.write(`${line}\n`)
      await until(() => /(^|\n)> $/.test(printed.slice(from)))
      return printed.slice(from).replace(/\n?> $/, "")
    },
    async keys(keys, text) {
      const from = printed.length
      child.stdin.write(keys)
      await until(() => printed.slice(from).includes(text))
    },
    text: () => printed,
    close,
  }
}

describe.concurrent("the prompt", () => {
  test("x echoes as PyTorch prints it", async () => {
    const { type } = await session()
    expect(await type("torch.manualSeed(0); x = rand(2, 2)")).toBe(
      "tensor([[0.4963, 0.7682],\n        [0.0885, 0.1320]])",
    )
    expect(await type("x.add(1)")).toBe("tensor([[1.4963, 1.7682],\n        [1.0885, 1.1320]])")
    expect(await type("const y = ones(2, { requiresGrad: true })")).toBe("")
    expect(await type("y.mul(2)")).toBe("tensor([2., 2.], grad_fn=<MulBackward0>)")
    expect(await type("[y, 1]")).toContain("tensor([1., 1.], requires_grad=True)")
  })

  test("everything of torch is in scope, by itself and as torch", async () => {
    const { type } = await session()
    expect(await type("new nn.Linear(2, 3)")).toBe("Linear(in_features=2, out_features=3, bias=True)")
    expect(await type("arange(3).equal === torch.Tensor.prototype.equal && where === torch.where")).toBe("true")
    expect(await type("typeof optim.Adam + typeof autograd.grad + typeof utils.data.DataLoader")).toBe(
      "'functionfunctionfunction'",
    )
    // Arrays and plain objects that are typed in are those that the library knows.
    expect(await type("tensor(new Float32Array([1, 2])).sum({ dim: 0, keepdim: true })")).toBe("tensor([3.])")
  })

  test("await works at the top level", async () => {
    const { type } = await session()
    expect(await type("await tensor([1, 2, 3]).sum().item()")).toBe("6")
    expect(await type("const v = await ones(2).toArray()")).toBe("")
    expect(await type("v")).toBe("[ 1, 1 ]")
  })

  test("what is awaited is there for the next line, from a pipe as well", async () => {
    const { keys, text, close } = await session()
    const lines = [
      "late = await new Promise((resolve) => setTimeout(() => resolve(ones(2)), 50))",
      "late.add(1)",
      ".exit",
    ]
    await keys(`${lines.join("\n")}\n`, "tensor([2., 2.])")
    // The last prompt is a write of its own.
    await close()
    expect(text()).toContain("> tensor([1., 1.])\n> tensor([2., 2.])\n> ")
  })

  test("several lines make one expression", async () => {
    const { type, keys } = await session()
    await keys("ones(2,\n", "| ")
    expect(await type("3).shape")).toBe("[ 2, 3 ]")
  })

  test.each([
    ["ones(2, 3).matmul(ones(2, 3))", /^Uncaught RangeError: matmul: .*\(2x3 and 2x3\).*$/],
    [
      "zeros(2, { requires_grad: true })",
      /^Uncaught TypeError: zeros: unknown option "requires_grad"; did you mean requiresGrad\?$/,
    ],
    ["await torch.open('tpu')", /^Uncaught RangeError: open: no device "tpu": known devices: cuda, webgpu, wasm, cpu$/],
    ["nothing", /^Uncaught ReferenceError: nothing is not defined$/],
  ])("%s says what is wrong in one line, and goes on", async (line, message) => {
    const { type } = await session()
    expect(await type(line)).toMatch(message)
    expect(await type("1 + 1")).toBe("2")
  })

  test("Tab completes names of torch, of its parts and of tensors", async () => {
    const { keys } = await session("terminal")
    await keys("torch.logSof\t", "tmax")
    await keys(" === torch.logSoftmax\n", "true")
    await keys("nn.functional.crossEnt\t", "ropy")
    await keys(" === nn.functional.crossEntropy\n", "true")
    await keys("x = ones(2)\n", "tensor([1., 1.])")
    await keys("x.maskedFi\t", "ll")
    await keys(" === x.maskedFill\n", "true")
  })

  test("the history comes back the next time", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taeda-history-"))
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
    const history = join(folder, "history")
    const first = await session("terminal", history)
    await first.keys("ones(3).sum()\n", "tensor(3.)")
    await first.close()
    expect(readFileSync(history, "utf8")).toContain("ones(3).sum()")
    const second = await session("terminal", history)
    await second.keys("\u001b[A", "ones(3).sum()")
    await second.keys("\n", "tensor(3.)")
  })

  test("a history that cannot be kept is said, and the prompt works", async () => {
    const { keys, text } = await session("terminal", join(tmpdir(), "taeda", "no", "such", "folder", "history"))
    await vi.waitFor(() => expect(text()).toContain("history will not be persisted"), 30_000)
    await keys("1 + 1\n", "2")
  })
})
