/** The built site, looked at in a headless Chromium. */
import { readdirSync } from "node:fs"
import { type BrowserContext, type Launched, launch, type Page } from "@taeda/browser"
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest"
import { openSite, type Site } from "./site.ts"

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 })

let site: Site
let browser: Launched
beforeAll(async () => {
  ;[site, browser] = await Promise.all([openSite(), launch()])
})
afterAll(async () => {
  await browser?.close()
  await site?.[Symbol.asyncDispose]()
})

type View = Parameters<Launched["newContext"]>[0]
const DESKTOP: View = { viewport: { width: 1280, height: 900 } }
const PHONE: View = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }

/** A fresh page. What nobody catches in it, or asks another host, fails the test. */
async function open(view: View): Promise<Page> {
  const context: BrowserContext = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce", ...view })
  context.setDefaultTimeout(50_000)
  const page = await context.newPage()
  const trouble: string[] = []
  page.on("pageerror", (error) => trouble.push(String(error)))
  page.on("console", (message) => {
    if (message.type() === "error") trouble.push(message.text())
  })
  page.on("request", (request) => {
    if (!request.url().startsWith(site.url) && !request.url().startsWith("data:"))
      trouble.push(`asks another host: ${request.url()}`)
  })
  onTestFinished(async () => {
    await context.close()
    expect(trouble).toEqual([])
  })
  return page
}

const pages = (): string[] =>
  readdirSync(site.folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".html") && file !== "404.html" && !file.startsWith("playground"))
    .map((file) => `/${file.replaceAll("\\", "/").replace(/(index)?\.html$/, "")}`)

test("no page is wider than a phone", async () => {
  const page = await open(PHONE)
  const wide: string[] = []
  expect(pages().length).toBeGreaterThan(40)
  for (const path of pages()) {
    await page.goto(site.url + path, { waitUntil: "domcontentloaded" })
    const width = await page.evaluate(() => document.documentElement.scrollWidth)
    if (width > 390) wide.push(`${path}: ${width}`)
  }
  expect(wide).toEqual([])
})

test("the search finds an operation's entry", async () => {
  const page = await open(DESKTOP)
  await page.goto(site.url)
  await page.locator(".VPNavBarSearch button").first().click()
  await page.locator("#localsearch-input").fill("layerNorm")
  const first = page.locator("#localsearch-list a").first()
  await first.waitFor()
  expect(await first.getAttribute("href")).toMatch(/^\/reference\/[\w-]+#layernorm$/)
  await first.click()
  await page.locator("h3#layernorm").waitFor()
  expect(await page.locator("h3#layernorm ~ div pre").first().textContent()).toContain(
    "layerNorm(input, normalizedShape",
  )
})

test("the selector gives commands for what is chosen, by the keyboard too", async () => {
  const page = await open(DESKTOP)
  await page.goto(`${site.url}/choose`)
  const command = page.locator(".selector pre").first()
  expect(await command.textContent()).toBe("npm install taeda")
  await page.locator(".selector label").filter({ hasText: "GPUs through WebGPU" }).click()
  expect(await command.textContent()).toBe("npm install taeda @taeda/backend-webgpu webgpu")
  await page.locator(".selector input[value=npm]").focus()
  await page.keyboard.press("ArrowRight")
  expect(await command.textContent()).toBe("pnpm add taeda @taeda/backend-webgpu webgpu")
  await page.locator(".selector label").filter({ hasText: "macOS" }).click()
  await page.locator(".selector label").filter({ hasText: "NVIDIA" }).click()
  expect(await page.locator(".selector .outcome").textContent()).toMatch(/only on Linux or Windows/)
})

test.each(["light", "dark"] as const)("text can be read in %s", async (colorScheme) => {
  const page = await open({ ...DESKTOP, colorScheme })
  await page.goto(`${site.url}/tutorial`)
  const [text, ground] = await page.evaluate(() =>
    [getComputedStyle(document.querySelector(".vp-doc p")!).color, getComputedStyle(document.body).backgroundColor].map(
      (color) => (color.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765,
    ),
  )
  expect(colorScheme === "light" ? ground! - text! : text! - ground!).toBeGreaterThan(0.5)
})

test("sidebar, outline and the links between pages lead on", async () => {
  const page = await open(DESKTOP)
  await page.goto(`${site.url}/start`)
  await page.locator(".VPSidebar a").filter({ hasText: "The tutorial in four steps" }).click()
  await page.locator("h1").filter({ hasText: "The tutorial" }).waitFor()
  await page.locator(".vp-doc a").filter({ hasText: "coming from PyTorch" }).first().click()
  await page.locator("h1").filter({ hasText: "Coming from PyTorch" }).waitFor()
  expect(await page.locator(".VPDocAsideOutline a").count()).toBeGreaterThan(5)
})
