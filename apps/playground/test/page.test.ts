/** The page, clicked through in a headless Chromium. */
import { type Launched, launch, type Page } from "@taeda/browser"
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest"
import { openSite, type Site } from "./site.ts"

// Building the page makes all the declarations of the library, too.
vi.setConfig({ hookTimeout: 180_000 })

let site: Site
let browser: Launched
beforeAll(async () => {
  // The software GPU, whatever the machine has: what comes first then is the same everywhere.
  const flags = ["--use-webgpu-adapter=swiftshader"]
  ;[site, browser] = await Promise.all([openSite(), launch({ flags })])
})
afterAll(async () => {
  await browser?.close()
  await site?.[Symbol.asyncDispose]()
})

/** The software GPU compiles its shaders on the processor, which may have other work. */
const WAIT = 50_000

/** A fresh page. What nobody catches in it, or its policy forbids, fails the test. */
async function open(): Promise<Page> {
  const context = await browser.newContext({
    locale: "en-US",
    viewport: { width: 1100, height: 900 },
    reducedMotion: "reduce",
  })
  context.setDefaultTimeout(WAIT)
  const page = await context.newPage()
  const trouble: string[] = []
  page.on("pageerror", (error) => trouble.push(String(error)))
  page.on("console", (message) => {
    if (message.type() === "error") trouble.push(message.text())
  })
  onTestFinished(async () => {
    await context.close()
    expect(trouble).toEqual([])
  })
  page.on("request", (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(site.url))
      trouble.push(`asks another host: ${request.url()}`)
  })
  await page.goto(site.url)
  return page
}

/** What an element says, as soon as it says what it should. */
async function says(page: Page, selector: string, text: RegExp | string): Promise<string> {
  await page.locator(selector).filter({ hasText: text }).waitFor({ state: "attached" })
  return (await page.locator(selector).textContent()) ?? ""
}

const expectSeconds = (device: string) => expect.stringMatching(new RegExp(`^${device} \\d+(\\.\\d+)?$`))

const choose = (page: Page, group: string, label: string) =>
  page.locator(`#${group} label`).filter({ hasText: label }).click()

describe("what to install", () => {
  test("commands and first lines for what is chosen, the fastest of this machine first", async () => {
    const page = await open()
    await says(page, "#compute label:first-child", "the fastest that works here")
    expect(await page.locator("#compute label").allTextContents()).toEqual([
      "WebAssembly with SIMD and threadsthe fastest that works here",
      "Pure JavaScript, runs everywhereworks here",
      "GPUs through WebGPUworks here, in software: slow",
      "NVIDIA GPUs through the driver",
    ])
    await choose(page, "runtime", "Browser")
    expect(await page.locator("#install-why").textContent()).toMatch(/It works in this browser: .*\d threads/)
    await choose(page, "compute", "WebGPU")
    expect(await page.locator("#install-command").textContent()).toBe("npm install taeda @taeda/backend-webgpu")
    expect(await page.locator("#install-why").textContent()).toMatch(/It works in this browser: GPU: .*in software/)
    await choose(page, "compute", "WebAssembly")
    await choose(page, "runtime", "Node")
    const command = page.locator("#install-command")
    const code = page.locator("#install-code")
    expect(await command.textContent()).toBe("npm install taeda")
    expect(await code.textContent()).toBe('import * as torch from "taeda"\nawait torch.setDefaultDevice("wasm")')
    await choose(page, "manager", "pnpm")
    await choose(page, "compute", "pure JavaScript")
    expect(await command.textContent()).toBe("pnpm add taeda")
    expect(await code.textContent()).toBe('import * as torch from "taeda"')
    await choose(page, "runtime", "Deno")
    expect(await command.textContent()).toBe("deno add npm:taeda")
    await choose(page, "compute", "NVIDIA")
    expect(await command.isVisible()).toBe(false)
    expect(await page.locator("#install-why").textContent()).toContain("only in Node")
    await choose(page, "runtime", "Node")
    await choose(page, "system", "Linux")
    expect(await page.locator("#install-why").textContent()).toContain("It needs Node; an NVIDIA GPU")
    expect(await command.textContent()).toContain("taeda @taeda/backend-cuda")
  })

  test("by keyboard, with a name for every control", async () => {
    const page = await open()
    await page.getByRole("radio", { name: "npm", exact: true }).focus()
    await page.keyboard.press("ArrowRight")
    expect(await page.locator("#install-command").textContent()).toBe("pnpm add taeda")
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLInputElement>("button, input, select, textarea")]
        .filter((each) => !(each.labels?.length || each.textContent?.trim() || each.getAttribute("aria-label")))
        .map((each) => each.outerHTML),
    )
    expect(nameless).toEqual([])
  })
})

describe("the prompt", () => {
  const input = (page: Page) => page.getByRole("textbox", { name: "Code" })
  const type = async (page: Page, code: string): Promise<string> => {
    await input(page).fill(code)
    await input(page).press("Enter")
    await page.waitForFunction(() => {
      const last = document.querySelector("#repl-log pre:last-child")
      return document.querySelector("#repl-state")?.textContent === "" && last && last.className !== "typed"
    })
    return (await page.locator("#repl-log pre").last().textContent()) ?? ""
  }

  test("shows tensors as PyTorch prints them, and errors in one line", async () => {
    const page = await open()
    expect(await type(page, "x = rand(2, 2)")).toMatch(
      /^tensor\(\[\[0\.\d{4}, 0\.\d{4}\],\n {8}\[0\.\d{4}, 0\.\d{4}\]\]\)$/,
    )
    expect(await type(page, "manualSeed(0); x = torch.rand(2, 2)")).toBe(
      "tensor([[0.4963, 0.7682],\n        [0.0885, 0.1320]])",
    )
    expect(await type(page, "const y = await x.sum().item()")).toMatch(/^1\.4849/)
    expect(await type(page, "x.matmul(ones(3, 3))")).toMatch(/^RangeError: matmul: .*2x2 and 3x3/)
    expect(await page.locator("#repl-log pre").last().getAttribute("class")).toBe("error")
    await input(page).fill("x.add(")
    await input(page).press("Enter")
    await page.waitForFunction(() => document.querySelector("textarea")?.value === "x.add(\n")
    expect(await type(page, "x.add(\n1).shape")).toBe("[ 2, 2 ]")
  })

  test("keeps what was typed for the arrow keys", async () => {
    const page = await open()
    await type(page, "1 + 1")
    await type(page, "2 + 2")
    await input(page).fill("draft")
    await input(page).press("ArrowUp")
    await input(page).press("ArrowUp")
    expect(await input(page).inputValue()).toBe("1 + 1")
    await input(page).press("ArrowDown")
    await input(page).press("ArrowDown")
    expect(await input(page).inputValue()).toBe("draft")
  })

  test("shows modules and optimisers as PyTorch prints them", async () => {
    const page = await open()
    expect(await type(page, "model = new nn.Sequential(new nn.Linear(2, 3), new nn.ReLU())")).toBe(
      "Sequential(\n  (0): Linear(in_features=2, out_features=3, bias=True)\n  (1): ReLU()\n)",
    )
    expect(await type(page, "new optim.SGD(model.parameters(), { lr: 0.1 })")).toMatch(/^SGD \(\nParameter Group 0\n/)
  })

  test("computes on WebGPU, where reading is awaited", async () => {
    const page = await open()
    expect(await type(page, '(await torch.setDefaultDevice("webgpu")).name')).toBe("'webgpu'")
    expect(await type(page, "x = torch.ones(2, 2, { requiresGrad: true })")).toBe(
      "tensor([[1., 1.],\n        [1., 1.]], requires_grad=True)",
    )
    for (const title of ["Autograd", "Gradients"]) await page.getByRole("button", { name: title, exact: true }).click()
    await says(page, "#repl-log", "tensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])")
    expect(await type(page, "[x.device.name, await x.sum().item()]")).toBe("[ 'webgpu', 4 ]")
    expect(await type(page, "x.sum().itemSync()")).toMatch(/^Error: itemSync: .*use await x\.item\(\)/)
  })

  test("compares the devices of this browser, and takes the best", async () => {
    const page = await open()
    await page.getByRole("button", { name: "A faster device" }).click()
    await says(page, "#repl-log pre:last-child", /^'wasm'$/)
    const printed = await page.locator("#repl-log .printed").allTextContents()
    expect(printed).toEqual([expect.stringMatching(/^cuda no device/), ...["wasm", "cpu", "webgpu"].map(expectSeconds)])
  })

  test("runs the tour, and stops what does not end", async () => {
    const page = await open()
    for (const title of ["Autograd", "Gradients"]) await page.getByRole("button", { name: title, exact: true }).click()
    await says(page, "#repl-log", "tensor([[4.5000, 4.5000],\n        [4.5000, 4.5000]])")
    await input(page).fill("for (;;) {}")
    await input(page).press("Enter")
    await says(page, "#repl-state", "Running")
    await page.getByRole("button", { name: "Stop" }).first().click()
    await says(page, "#repl-log", "Stopped.")
    expect(await type(page, "typeof y + ones(1)")).toBe("'undefinedtensor([1.])'")
  })
})

describe("types", () => {
  const ASKED = /\/types-[^/]*\.js$/

  /** Where a word of a line of the editor is. */
  const placeOf = (page: Page, line: number, word: string) =>
    page.evaluate(
      ([number, text]) => {
        const lines = document.querySelector("#types-editor")!.shadowRoot!.querySelectorAll(".cm-line")
        const walker = document.createTreeWalker(lines[number - 1], NodeFilter.SHOW_TEXT)
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          const at = (node as Text).data.indexOf(text)
          if (at < 0) continue
          const range = document.createRange()
          range.setStart(node, at)
          range.setEnd(node, at + text.length)
          const { x, y, width, height } = range.getBoundingClientRect()
          return [x + width / 2, y + height / 2] as const
        }
        throw new Error(`line ${number} has no ${text}`)
      },
      [line, word] as const,
    )

  test("a wrong product is underlined while one types, and no longer when it is mended", async () => {
    const page = await open()
    const asked: string[] = []
    page.on("request", (request) => asked.push(request.url()))
    await page.goto(site.url)
    await says(page, "#compute label:first-child", "works here")
    expect(asked.filter((url) => ASKED.test(url))).toEqual([])

    await page.getByRole("button", { name: "Open the editor" }).click()
    const sentence =
      "matmul: mat1 and mat2 shapes cannot be multiplied (32x784 and 512x10): the sizes 784 and 512 must be equal"
    expect(await says(page, "#types-mistakes", "matmul")).toBe(`Line 6: ${sentence}`)
    expect(asked.filter((url) => ASKED.test(url)).length).toBeGreaterThan(0)
    const underlined = page.locator("#types-editor .cm-lintRange-error")
    expect(await underlined.allTextContents()).toEqual(["w"])
    await underlined.scrollIntoViewIfNeeded()
    await page.mouse.move(...(await placeOf(page, 6, "w")))
    await page.locator("#types-editor .cm-diagnostic").filter({ hasText: sentence }).waitFor()
    await page.locator("#types-editor .known", { hasText: 'w: torch.Tensor<[512, 10], "float32">' }).waitFor()

    await page.mouse.dblclick(...(await placeOf(page, 4, "512")))
    await page.keyboard.type("784")
    await says(page, "#types-mistakes", "Everything fits.")
    expect(await underlined.count()).toBe(0)
    await page.mouse.move(...(await placeOf(page, 6, "logits")))
    await page.locator("#types-editor .known", { hasText: 'const logits: torch.Tensor<[32, 10], "float32">' }).waitFor()
    await page.mouse.click(...(await placeOf(page, 6, "logits")))
    await says(page, "#types-here", 'const logits: torch.Tensor<[32, 10], "float32">')

    await page.locator("#types-run").click()
    await says(page, "#types-log", "[ 32, 10 ]")
  })

  test("the examples run, and names are completed", async () => {
    const page = await open()
    await page.getByRole("button", { name: "Open the editor" }).click()
    await says(page, "#types-mistakes", "matmul")
    const examples = page.locator("#types-examples")
    await examples.getByRole("button", { name: "A network" }).click()
    await says(page, "#types-mistakes", "Everything fits.")
    await page.keyboard.press("ControlOrMeta+Enter")
    await says(page, "#types-log", /^\[ 32, 10 \] 2\.\d+$/)
    await examples.getByRole("button", { name: "Images" }).click()
    await page.locator("#types-run").click()
    await says(page, "#types-log", /^\[ 2 \]$/)
    await examples.getByRole("button", { name: "Broadcasting" }).click()
    await says(page, "#types-mistakes", "Line 13: add: shapes [2, 3] and [2] do not broadcast")
    await page.locator("#types-run").click()
    await says(page, "#types-log", /\[ 2, 4, 3 \]RangeError: add: shapes \[2, 3\] and \[2\] do not broadcast/)
    await page.locator("#types-editor .cm-content").click()
    await page.keyboard.press("ControlOrMeta+End")
    await page.keyboard.type("\ntable.unsq")
    await page.locator("#types-editor .cm-completionLabel", { hasText: /^unsqueeze$/ }).waitFor()
  })
})

describe("training", () => {
  test("the loss falls, it pauses and goes on, and a drawn digit gets a class", async () => {
    const page = await open()
    await page.getByLabel("Network").selectOption("mlp")
    await page.getByRole("button", { name: "Train" }).click()
    await page.waitForFunction(() => Number.parseInt(document.querySelector("#figure-step")!.textContent!, 10) >= 200)
    await page.getByRole("button", { name: "Pause" }).click()
    await says(page, "#train-status", "Paused at step")
    const paused = await page.locator("#figure-step").textContent()
    const curve = await page.locator("#chart-loss").getAttribute("aria-label")
    const [, first, last] = /^Loss: from (\S+) at step 0 to (\S+) at step \d+$/.exec(curve!)!.map(Number)
    expect(first).toBeGreaterThan(1.5)
    expect(last).toBeLessThan(first / 2)
    expect(Number((await page.locator("#figure-speed").textContent())!.replace(",", ""))).toBeGreaterThan(0)

    await page.locator("#digit-pad").scrollIntoViewIfNeeded()
    const { x, y, width, height } = (await page.locator("#digit-pad").boundingBox())!
    const line = async (...points: [number, number][]) => {
      const [start, ...rest] = points.map(([across, down]) => [x + across * width, y + down * height] as const)
      await page.mouse.move(...start)
      await page.mouse.down()
      for (const each of rest) await page.mouse.move(...each, { steps: 5 })
      await page.mouse.up()
    }
    await line([0.55, 0.2], [0.45, 0.8])
    await says(page, "#digit-said", /^Looks like a 1 \(\d+ %\)/)
    const shares = await page.locator("#digit-bars .share").allTextContents()
    expect(shares).toHaveLength(10)
    expect(shares.reduce((sum, text) => sum + Number.parseFloat(text), 0)).toBeCloseTo(100, 0)
    await page.getByRole("button", { name: "One it has not seen" }).click()
    await says(page, "#digit-said", /It is a \d\.$/)

    expect(await page.locator("#figure-step").textContent()).toBe(paused)
    await page.getByRole("button", { name: "Resume" }).click()
    await page.waitForFunction((before) => document.querySelector("#figure-step")!.textContent !== before, paused)
    await page.locator("#train-stop").click()
    const text = await says(page, "#train-status", "Test accuracy")
    expect(Number(/([\d.]+) %/.exec(text)![1])).toBeGreaterThan(80)
  })
})

describe("training on WebGPU", () => {
  test("the loss falls in a few steps, and the network is tested there", async () => {
    const page = await open()
    await says(page, "#train-device option:last-child", "webgpu: GPUs through WebGPU (in software: slow)")
    await page.getByLabel("Device").selectOption("webgpu")
    await page.getByLabel("Network").selectOption("mlp")
    await page.getByRole("button", { name: "Train" }).click()
    await says(page, "#train-status", /on webgpu, GPU: /)
    await says(page, "#figure-step", /^([2-9]\d|\d{3}|[\d,]{5,}) \(pass 1\)$/)
    await page.locator("#train-stop").click()
    const curve = await page.locator("#chart-loss").getAttribute("aria-label")
    const [, first, last] = /^Loss: from (\S+) at step 0 to (\S+) at step \d+$/.exec(curve!)!.map(Number)
    expect(first).toBeGreaterThan(1.5)
    expect(last).toBeLessThan(0.7 * first)
    const text = await says(page, "#train-status", "Test accuracy")
    expect(Number(/([\d.]+) %/.exec(text)![1])).toBeGreaterThan(60)
  })
})

describe("conformance", () => {
  test("an op on WebGPU", async () => {
    const page = await open()
    await says(page, "#suite-backend option:last-child", "webgpu: GPUs through WebGPU")
    expect(await page.getByLabel("Backend").inputValue()).toBe("wasm-simd")
    await page.getByLabel("Backend").selectOption("webgpu")
    await page.getByLabel("Ops", { exact: true }).fill("cumsum")
    await page.locator("#suite-start").click()
    const text = await says(page, "#suite-status", "webgpu: ")
    expect(text).toMatch(/^webgpu: [1-9]\d* passed, 0 failed, 0 known gaps, .*\(GPU: /)
    expect(await page.locator("#suite-head th").allTextContents()).toEqual(["op", "webgpu"])
  })

  test("a few ops, on two backends side by side, filtered", async () => {
    const page = await open()
    const run = async (backend: string) => {
      await page.getByLabel("Backend").selectOption(backend)
      await page.getByLabel("Ops", { exact: true }).fill("add, softmax conv1d")
      await page.locator("#suite-start").click()
      expect(await says(page, "#suite-status", `${backend}: `)).toMatch(/: [1-9]\d* passed, 0 failed, 0 known gaps/)
    }
    await run("wasm-simd")
    await run("cpu-js")
    expect(await page.locator("#suite-head th").allTextContents()).toEqual(["op", "wasm-simd", "cpu-js"])
    expect(await page.locator("#suite-body tr").count()).toBeGreaterThanOrEqual(3)
    expect(await page.locator("#suite-body td").allTextContents()).toContainEqual(expect.stringMatching(/^✓ \d+$/))
    await page.getByLabel("Show ops with").fill("conv")
    const left = await page.locator("#suite-body th").allTextContents()
    expect(left.length).toBeGreaterThan(0)
    expect(left.filter((op) => !op.includes("conv1d"))).toEqual([])
    expect(await page.locator("#suite-shown").textContent()).toMatch(new RegExp(`^${left.length} of \\d+ ops$`))
    await page.getByLabel("Outcome").selectOption("failed")
    expect(await page.locator("#suite-body tr").count()).toBe(0)
  })
})

describe("the whole page", () => {
  test("forbids code from text everywhere but in the prompt's worker", async () => {
    const page = await browser.newPage({ locale: "en-US" })
    onTestFinished(() => page.context().close())
    await page.goto(site.url)
    // In a task of the page's own: what the driver evaluates itself is exempt.
    const trial = await page.evaluate(
      () =>
        new Promise<string>((resolve) =>
          setTimeout(() => {
            try {
              resolve(`ran: ${new Function("return 1")()}`)
            } catch (error) {
              resolve(String(error))
            }
          }),
        ),
    )
    expect(trial).toMatch(/^EvalError: .*Content Security Policy/)
  })

  test("fits a phone: nothing is wider than the screen", async () => {
    const page = await open()
    await page.setViewportSize({ width: 360, height: 740 })
    await says(page, "#compute label:first-child", "works here")
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  })
})
