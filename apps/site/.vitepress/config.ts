import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import GithubSlugger from "github-slugger"
import { defineConfig } from "vitepress"

const site = join(import.meta.dirname, "..")
const sidebarFile = join(site, ".pages", "sidebar.json")
if (!existsSync(sidebarFile)) throw new Error("the pages are not there: run build/assemble.ts first")

/** As GitHub makes them, so that links hold in both places. */
const slugify = (text: string): string => new GithubSlugger().slug(text)

const conditions = ["@taeda/source"]

export default defineConfig({
  srcDir: ".pages",
  outDir: process.env.TAEDA_SITE_OUT ?? "dist",
  cacheDir: "node_modules/.cache/vitepress",
  // Where the site lies below its host, with slashes around it.
  base: process.env.TAEDA_SITE_BASE ?? "/",
  title: "taeda",
  description: "PyTorch for TypeScript",
  lang: "en-GB",
  cleanUrls: true,
  // What is written for the sources' own readers leads to files that are no pages.
  ignoreDeadLinks: false,
  head: [["link", { rel: "icon", href: `${process.env.TAEDA_SITE_BASE ?? "/"}icon.svg`, type: "image/svg+xml" }]],
  markdown: { anchor: { slugify }, toc: { slugify }, theme: { light: "github-light", dark: "github-dark" } },
  themeConfig: {
    logo: "/icon.svg",
    search: { provider: "local" },
    sidebar: JSON.parse(readFileSync(sidebarFile, "utf8")),
    nav: [
      { text: "Start", link: "/start" },
      { text: "Install", link: "/choose" },
      { text: "Reference", link: "/reference/" },
      { text: "Playground", link: "/playground/index.html", target: "_self" },
    ],
    outline: { level: [2, 3] },
    docFooter: { prev: "Before", next: "Next" },
    footer: { message: "Apache-2.0. PyTorch is a trademark of its owners; this project is not theirs." },
  },
  vite: {
    resolve: { conditions: [...conditions, "module", "browser", "development|production"] },
    ssr: { noExternal: ["@taeda/choices"], resolve: { conditions } },
  },
})
