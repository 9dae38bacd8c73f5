/** Starts the browser and runs modules in its pages. */

import { type ConsoleMessage, chromium, type Page, type Browser as Started } from "playwright-core"
import { bundle, type Files } from "./bundle.ts"
import { findChromium, NoBrowserError } from "./chromium.ts"
import { gpuBytes, pageBytes } from "./process.ts"
import { type PageGlobals, type SiteOptions, serve } from "./server.ts"

export interface BrowserOptions {
  /** Command-line flags of Chromium, for example `--js-flags=--expose-gc`. */
  readonly flags?: readonly string[]
}

export interface RunOptions extends Partial<SiteOptions> {
  /** What the module's `main` is called with: anything that JSON can say, and typed arrays. */
  readonly args?: unknown
  /** Milliseconds after which the page is closed and the run fails. Default two minutes. */
  readonly timeout?: number
  /** Told what the module tells while it runs: `main`'s second argument is a function that passes its argument on, and waits. */
  readonly onTold?: (value: unknown) => unknown
  /** Told what the page and its workers write to the console. By default warnings and errors go to stderr. */
  readonly onConsole?: (type: string, text: string) => void
}

export interface Browser extends AsyncDisposable {
  readonly version: string
  /**
   * Bundles the module at a path, opens a fresh page, and resolves to what the module's exported function
   * `main(args, tell)` resolves to: anything that JSON can say, and typed arrays. The page is always closed.
   *
   * @throws {Error} when `main` throws, when anything in the page or its workers throws and nobody catches it, when the page
   *   or the browser crashes, and when time is over.
   */
  run<Result>(entry: string, options?: RunOptions): Promise<Result>
  /** While one module runs: the resident memory of its page's process, in bytes. */
  pageBytes(): Promise<number>
  /** The resident memory of the process that has the GPU, which all pages share, in bytes. */
  gpuBytes(): Promise<number>
  close(): Promise<void>
}

const TIMEOUT = 120_000

const SHOWN: ReadonlySet<string> = new Set(["warning", "error"])

function showTrouble(type: string, text: string): void {
  if (SHOWN.has(type)) console.error(`page: ${text}`)
}

interface Circumstances {
  readonly page: Page
  readonly started: Started
  readonly entry: string
  readonly timeout: number
}

/** What the work resolves to, unless the page can no longer come to a good end: then it rejects at once. */
async function withoutTrouble<T>(work: () => Promise<T>, { page, started, entry, timeout }: Circumstances): Promise<T> {
  const { promise: trouble, reject } = Promise.withResolvers<never>()
  const fail = (what: string, cause?: unknown) => reject(new Error(`${what} (${entry})`, { cause }))
  const timer = setTimeout(() => fail(`the page did not finish within ${timeout / 1000} s`), timeout)
  const lost = () => fail("the browser ended")
  page.on("pageerror", (error) => fail(`uncaught in the page: ${error.stack ?? error}`, error))
  page.on("crash", () => fail("the page crashed"))
  started.on("disconnected", lost)
  try {
    return await Promise.race([work(), trouble])
  } finally {
    clearTimeout(timer)
    started.off("disconnected", lost)
  }
}

/** Runs in the page, which has `callMain`. */
const callMain = (args: unknown) => (globalThis as unknown as PageGlobals).callMain(args)

/**
 * WebGPU on the software GPU. That takes seconds to compile the clearing of workgroup memory, on which no shader relies.
 */
const WEBGPU = ["--enable-unsafe-webgpu", "--enable-dawn-features=disable_workgroup_init"]

/**
 * Starts the browser as playwright has it, for tests that click through a site of their own; close it.
 *
 * @throws {NoBrowserError} when there is none, or it does not start.
 */
export async function launch({ flags = [] }: BrowserOptions = {}): Promise<Started> {
  const { executable, env } = await findChromium()
  try {
    return await chromium.launch({
      executablePath: executable,
      env: { ...process.env, ...env },
      args: [...WEBGPU, ...flags],
    })
  } catch (error) {
    throw new NoBrowserError(`${executable}: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Starts the browser; close it, or say `await using`.
 *
 * @throws {NoBrowserError} when there is none, or it does not start.
 */
export async function openBrowser(options: BrowserOptions = {}): Promise<Browser> {
  const started = await launch(options)
  const bundles = new Map<string, Promise<Files>>()
  const bundled = (entry: string): Promise<Files> => {
    let files = bundles.get(entry)
    if (!files) bundles.set(entry, (files = bundle(entry)))
    return files
  }
  const close = () => started.close()
  return {
    version: started.version(),
    async run<Result>(
      entry: string,
      { args, isolated = true, csp, timeout = TIMEOUT, onTold, onConsole = showTrouble }: RunOptions = {},
    ) {
      const site = await serve(await bundled(entry), { isolated, csp })
      // Each page has a process of its own, and nothing of the ones before.
      const opening = started.newContext()
      try {
        const page = await (await opening).newPage()
        page.on("console", (message: ConsoleMessage) => onConsole(message.type(), message.text()))
        await page.exposeFunction("tell", (value: unknown) => onTold?.(value))
        const work = async () => {
          await page.goto(site.url, { timeout })
          return page.evaluate(callMain, args)
        }
        return (await withoutTrouble(work, { page, started, entry, timeout })) as Result
      } finally {
        await Promise.allSettled([opening.then((context) => context.close()), site.close()])
      }
    },
    pageBytes: () => pageBytes(started),
    gpuBytes: () => gpuBytes(started),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** Starts a browser for one run, and closes it. */
export async function runInPage<Result>(entry: string, options: RunOptions & BrowserOptions = {}): Promise<Result> {
  const browser = await openBrowser(options)
  try {
    return await browser.run<Result>(entry, options)
  } finally {
    await browser.close()
  }
}
