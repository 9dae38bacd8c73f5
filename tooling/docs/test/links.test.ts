/** Links inside of the repository lead to files that are there, and to headings that these have. */
import { dirname, join } from "node:path"
import { describe, expect, test } from "vitest"
import { type Link, type Page, parsePage, readPage } from "../src/page.ts"
import { allPages, exists } from "../src/repository.ts"

const pages = new Map<string, Page>()
function pageAt(path: string): Page {
  let page = pages.get(path)
  if (!page) pages.set(path, (page = readPage(path)))
  return page
}

/** What is wrong with a link of a page; undefined where it leads somewhere. */
function wrong(page: Page, { line, target }: Link): string | undefined {
  if (/^[a-z]+:/.test(target)) return undefined
  const [path = "", anchor] = target.split("#")
  const file = path === "" ? page.path : join(dirname(page.path), decodeURIComponent(path)).replaceAll("\\", "/")
  const at = `${page.path}:${line}: ${target}`
  if (path !== "" && !exists(file)) return `${at}: there is no ${file}`
  if (anchor === undefined) return undefined
  if (!file.endsWith(".md")) return `${at}: ${file} has no headings`
  const { anchors } = path === "" ? page : pageAt(file)
  return anchors.has(anchor) ? undefined : `${at}: ${file} has no heading #${anchor}; it has ${[...anchors].join(", ")}`
}

const wrongLinks = (page: Page): string[] => page.links.flatMap((link) => wrong(page, link) ?? [])

describe.each(allPages())("%s", (path) => {
  test("its links lead somewhere", () => {
    expect(wrongLinks(pageAt(path))).toEqual([])
  })
})

test("every page of docs is reached from the README", () => {
  const seen = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path) || !path.endsWith(".md") || !exists(path)) return
    seen.add(path)
    for (const { target } of pageAt(path).links)
      if (!/^[a-z]+:/.test(target)) visit(join(dirname(path), target.split("#")[0] ?? "").replaceAll("\\", "/"))
  }
  visit("README.md")
  expect(allPages().filter((path) => path.startsWith("docs/") && !seen.has(path))).toEqual([])
})

test("what does not lead anywhere is told", () => {
  const page = parsePage(
    "docs/page.md",
    "# A `b` c\n\n[x](#a-b-c) [y](#d)\n\n| a |\n|---|\n| [z](none.md) ![](../LICENSE#e) |\n",
  )
  expect(wrongLinks(page)).toEqual([
    "docs/page.md:3: #d: docs/page.md has no heading #d; it has a-b-c",
    "docs/page.md:7: none.md: there is no docs/none.md",
    "docs/page.md:7: ../LICENSE#e: LICENSE has no headings",
  ])
})
