/**
 * Puts the site's pages together in `.pages`: the pages of docs/, the reference made of the docstrings, and what the sidebar
 * shows. Where `TAEDA_REPOSITORY` has the address of the repository's files, links to sources lead there.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { type ReferencePage, referencePages } from "@taeda/docs/reference"

const SITE = join(import.meta.dirname, "..")
const DOCS = join(SITE, "..", "..", "docs")
const PAGES = join(SITE, ".pages")

/** `https://…/blob/main`, without a slash at its end. */
const repository = process.env.TAEDA_REPOSITORY

export interface SidebarItem {
  readonly text: string
  readonly link?: string
  readonly collapsed?: boolean
  readonly items?: readonly SidebarItem[]
}

/** The pages of docs/ in the order in which they are read; those that are not named come at the end of the last part. */
const PARTS: readonly (readonly [string, readonly string[]])[] = [
  ["Begin", ["start", "install", "tutorial", "coming-from-pytorch", "coming-from-tensorflowjs", "types"]],
  ["Where it runs", ["support", "wasm-simd", "webgpu", "cuda", "playground", "performance"]],
  ["How it is made", ["architecture", "writing-a-backend"]],
]

/** Pages that are shown otherwise: a wide table takes the place of the outline. */
const FRONTMATTER: Readonly<Record<string, string>> = { support: "---\naside: false\npageClass: wide\n---\n\n" }

const titleOf = (text: string): string => /^# (.+)$/m.exec(text)?.[1]?.replaceAll("`", "") ?? ""

/** Links to pages stay; links to the README lead to the first page, and others to the repository, or are none. */
export function rewriteLinks(text: string): string {
  return text.replaceAll(/\[([^\]]*)\]\((\.\.\/[^)]+)\)/g, (_, label: string, target: string) => {
    if (target.startsWith("../README.md")) return `[${label}](/)`
    return repository === undefined ? label : `[${label}](${repository}/${target.slice(3)})`
  })
}

function writeDocs(): SidebarItem[] {
  const names = readdirSync(DOCS)
    .filter((file) => file.endsWith(".md"))
    .map((file) => basename(file, ".md"))
  const titles = new Map<string, string>()
  for (const name of names) {
    const text = readFileSync(join(DOCS, `${name}.md`), "utf8")
    titles.set(name, titleOf(text))
    writeFileSync(join(PAGES, `${name}.md`), `${FRONTMATTER[name] ?? ""}${rewriteLinks(text)}`)
  }
  // What pages link to besides each other, such as schemas.
  for (const file of readdirSync(DOCS).filter((each) => !each.endsWith(".md")))
    cpSync(join(DOCS, file), join(PAGES, "public", file))
  const named = new Set(PARTS.flatMap(([, pages]) => pages))
  const rest = names.filter((name) => !named.has(name))
  return PARTS.map(([text, pages], at) => ({
    text,
    items: [...pages, ...(at === PARTS.length - 1 ? rest : [])]
      .filter((name) => titles.has(name))
      .map((name) => ({ text: titles.get(name)!, link: `/${name}` })),
  }))
}

async function writeReference(): Promise<SidebarItem[]> {
  const { families, tensor, namespaces } = await referencePages(({ file, line }) =>
    repository === undefined ? undefined : `${repository}/${file}#L${line}`,
  )
  const folder = join(PAGES, "reference")
  mkdirSync(folder)
  const item = ({ slug, title, text }: ReferencePage): SidebarItem => {
    // Nobody edits these, and their headings are many: the outline shows the names.
    writeFileSync(join(folder, `${slug}.md`), `---\neditLink: false\noutline: [2, 3]\n---\n\n${text}\n`)
    return { text: title, link: `/reference/${slug}` }
  }
  const items = [
    { text: "torch", collapsed: true, items: families.map(item) },
    item(tensor),
    ...namespaces.map((page) => ({ ...item(page), text: page.title.replace("torch.", "") })),
  ]
  writeFileSync(join(folder, "index.md"), indexPage(families, [tensor, ...namespaces]))
  return [{ text: "Reference", link: "/reference/", items }]
}

/** The names of a page: its headings of the third level. */
const namesOn = ({ text }: ReferencePage): string[] => [...text.matchAll(/^### (.+)$/gm)].map(([, name]) => name!)

function indexPage(families: readonly ReferencePage[], others: readonly ReferencePage[]): string {
  const rows = (pages: readonly ReferencePage[]): string[] =>
    pages.map((page) => `| [${page.title}](./${page.slug}.md) | ${namesOn(page).join(", ")} |`)
  return [
    "# Reference",
    "",
    "Every name of the library, as PyTorch's namespaces have it, from the docstrings of the sources. In a signature `?` marks what may be",
    "left out, `*` begins what is given by name only, in one object at the end, and `...size` takes numbers one by one or an array; whatever",
    "comes before `*` may be given by name as well. Shapes and errors are those that the conformance suite finds.",
    "",
    "## torch",
    "",
    "| Family | Names |",
    "|---|---|",
    ...rows(families),
    "",
    "## Other namespaces",
    "",
    "| Namespace | Names |",
    "|---|---|",
    ...rows(others),
    "",
  ].join("\n")
}

export async function assemble(): Promise<void> {
  rmSync(PAGES, { recursive: true, force: true })
  mkdirSync(PAGES)
  cpSync(join(SITE, "src", "pages"), PAGES, { recursive: true })
  cpSync(join(SITE, "public"), join(PAGES, "public"), { recursive: true })
  const sidebar = [...writeDocs(), ...(await writeReference())]
  writeFileSync(join(PAGES, "sidebar.json"), JSON.stringify(sidebar))
  if (!existsSync(join(PAGES, "index.md"))) throw new Error("the site has no first page")
}

if (import.meta.main) {
  await assemble()
  process.exit()
}
