/**
 * Runs a TypeScript module in a page of a headless Chromium, from the sources, on this machine and without a network.
 *
 * The browser comes from the registry (Linux on x64); elsewhere, or for another one, the environment's CHROME_PATH names it.
 */
export type { Browser as Launched, BrowserContext, Page } from "playwright-core"
export { type Browser, type BrowserOptions, launch, openBrowser, type RunOptions, runInPage } from "./browser.ts"
export { bundle, ENTRY, type Files } from "./bundle.ts"
export { NoBrowserError } from "./chromium.ts"
export { softwareGpu, useSoftwareGpu } from "./software-gpu.ts"
