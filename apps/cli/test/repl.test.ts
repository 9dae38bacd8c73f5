import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import * as torch from "taeda"
import { expect, onTestFinished, test, vi } from "vitest"
import { repl, type ReplOptions } from "../src/repl.ts"

interface Session {
  /** Types a line, and gives what is printed before the next prompt. */
  type(line: string): Promise<string>
  /** Types keys, and waits until the output has `text`. */
  keys(keys: string, text: string): Promise<void>
  /** All that was printed. */
  text(): string
  close(): Promise<void>
}

async function session(options: ReplOptions = {}): Promise<Session> {
  const [input, output] = [new PassThrough(), new PassThrough()]
  let printed = ""
  output.on("data", (chunk) => (printed += chunk))
  const server = await repl(torch, { input, output, terminal: false, history: null, ...options })
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.once("exit", resolve)
      server.close()
    })
  let open = true
  server.once("exit", () => (open = false))
  onTestFinished(() => (open ? close() : undefined))
  const until = (condition: () => boolean): Promise<void> => vi.waitFor(() => expect(condition(), printed).toBe(true), 5000)
  await until(() => printed.endsWith("> "))
  return {
    async type(line) {
      const from = printed.length
      input.write(`${line}\n`)
      await until(() => printed.length > from && /(^|\n)> $/.test(printed.slice(from)))
      return printed.slice(from).replace(/\n?> $/, "")
    },
    async keys(keys, text) {
      const from = printed.length
      input.write(keys)
      await until(() => printed.slice(from).includes(text))
    },
    text: () => printed,
    close,
  }
}

test("x echoes as PyTorch prints it", async () => {
  const { type } = await session()
  expect(await type("torch.manualSeed(0); x = rand(2, 2)")).toBe("tensor([[0.4963, 0.7682],\n        [0.0885, 0.1320]])")
  expect(await type("x.add(1)")).toBe("tensor([[1.4963, 1.7682],\n        [1.0885, 1.1320]])")
  expect(await type("const y = ones(2, { requiresGrad: true })")).toBe("")
  expect(await type("y.mul(2)")).toBe("tensor([2., 2.], grad_fn=<MulBackward0>)")
  expect(await type("[y, 1]")).toContain("tensor([1., 1.], requires_grad=True)")
})

test("everything of torch is in scope, by itself and as torch", async () => {
  const { type } = await session()
  expect(await type("new nn.Linear(2, 3)")).toBe("Linear(in_features=2, out_features=3, bias=True)")
  expect(await type("arange(3).equal === torch.Tensor.prototype.equal && where === torch.where")).toBe("true")
  expect(await type("typeof optim.Adam + typeof autograd.grad + typeof utils.data.DataLoader")).toBe("'functionfunctionfunction'")
  // Arrays and plain objects that are typed in are those that the library knows.
  expect(await type("tensor(new Float32Array([1, 2])).sum({ dim: 0, keepdim: true })")).toBe("tensor([3.])")
})

test("await works at the top level", async () => {
  const { type } = await session()
  expect(await type("await tensor([1, 2, 3]).sum().item()")).toBe("6")
  expect(await type("const v = await ones(2).toArray()")).toBe("")
  expect(await type("v")).toBe("[ 1, 1 ]")
})

test("several lines make one expression", async () => {
  const { type, keys } = await session()
  await keys("ones(2,\n", "| ")
  expect(await type("3).shape")).toBe("[ 2, 3 ]")
})

test.each([
  ["ones(2, 3).matmul(ones(2, 3))", /^Uncaught RangeError: matmul: .*\(2x3 and 2x3\).*$/],
  ["zeros(2, { requires_grad: true })", /^Uncaught TypeError: zeros: unknown option "requires_grad"; did you mean requiresGrad\?$/],
  ["await torch.open('tpu')", /^Uncaught RangeError: open: no device "tpu": known devices: cuda, webgpu, wasm, cpu$/],
  ["nothing", /^Uncaught ReferenceError: nothing is not defined$/],
])("%s says what is wrong in one line, and goes on", async (line, message) => {
  const { type } = await session()
  expect(await type(line)).toMatch(message)
  expect(await type("1 + 1")).toBe("2")
})

test("Tab completes names of torch, of its parts and of tensors", async () => {
  const { keys } = await session({ terminal: true })
  await keys("torch.logSof\t", "torch.logSoftmax")
  await keys(" \u0003", "> ")
  await keys("nn.functional.crossEnt\t", "nn.functional.crossEntropy")
  await keys(" \u0003", "> ")
  await keys("x = ones(2)\n", "tensor([1., 1.])")
  await keys("x.maskedFi\t", "x.maskedFill")
})

test("the history comes back the next time", async () => {
  const folder = mkdtempSync(join(tmpdir(), "taeda-history-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const history = join(folder, "history")
  const first = await session({ terminal: true, history })
  await first.keys("ones(3).sum()\n", "tensor(3.)")
  await first.close()
  expect(readFileSync(history, "utf8")).toContain("ones(3).sum()")
  const second = await session({ terminal: true, history })
  await second.keys("\u001b[A", "ones(3).sum()")
  await second.keys("\n", "tensor(3.)")
})

test("a history that cannot be kept is said, and the prompt works", async () => {
  const { keys, text } = await session({ terminal: true, history: join(tmpdir(), "taeda", "no", "such", "folder", "history") })
  expect(text()).toContain("The history is not kept: ")
  await keys("1 + 1\n", "2")
})
