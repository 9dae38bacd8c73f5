import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, test, vi } from "vitest"
import { create } from "../src/create/create.ts"
import { filesOf, obstacle, packageName, writeProject } from "../src/create/files.ts"
import { MANAGERS, TEMPLATE_NAMES, TEMPLATES, VERSIONS } from "../src/create/templates.ts"
import { captured } from "./output.ts"

const home = mkdtempSync(join(tmpdir(), "taeda-create-"))
afterAll(() => rmSync(home, { recursive: true }))

const rootFile = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8")

describe("the files of a new project", () => {
  test.each(TEMPLATE_NAMES)("%s: a manifest, sources, a page to read, and what git ignores", (template) => {
    const files = filesOf(join("somewhere", "my app"), template, "pnpm")
    for (const path of ["package.json", "tsconfig.json", "README.md", ".gitignore", join("src", "spirals.ts")])
      expect([...files.keys()]).toContain(path)
    for (const text of files.values()) expect(text).not.toContain("{{")
    const manifest = JSON.parse(files.get("package.json")!) as { name: string; scripts: Record<string, string> }
    expect(manifest.name).toBe("my-app")
    expect(Object.keys(manifest.scripts)).toContain(TEMPLATES[template].first)
    expect(files.get("README.md")).toContain("pnpm install\npnpm run ")
    expect(JSON.parse(files.get("tsconfig.json")!)).toMatchObject({ compilerOptions: { strict: true } })
  })

  test("ask for the versions that this project is built with", () => {
    expect(JSON.parse(rootFile("package.json"))).toMatchObject({
      devDependencies: { typescript: VERSIONS.typescript.slice(1) },
    })
    expect(JSON.parse(rootFile("tooling/browser/package.json"))).toMatchObject({
      dependencies: { vite: VERSIONS.vite },
    })
    expect(rootFile("pnpm-workspace.yaml")).toContain(`"@types/node": ${VERSIONS["@types/node"]}\n`)
  })

  test.each([
    ["my-app", "my-app"],
    [join("a", "My App!"), "my-app"],
    ["_hidden", "hidden"],
    ["Größe", "gr-e"],
    ["日本", "taeda-app"],
    // It would install itself.
    ["taeda", "taeda-app"],
  ])("of the folder %s have the name %s", (folder, name) => {
    expect(packageName(folder)).toBe(name)
  })
})

describe("a folder", () => {
  test("may be new or empty", () => {
    expect(obstacle(join(home, "new", "one"))).toBeNull()
    const empty = join(home, "empty")
    mkdirSync(empty)
    expect(obstacle(empty)).toBeNull()
    writeProject(empty, new Map([[join("src", "a.ts"), "a"]]))
    expect(readFileSync(join(empty, "src", "a.ts"), "utf8")).toBe("a")
  })

  test("may have nothing in it, and be no file", () => {
    const full = join(home, "full")
    mkdirSync(full)
    const file = join(full, "notes.txt")
    writeFileSync(file, "mine")
    expect(obstacle(full)).toBe(`${full} is not empty: it has notes.txt, for one. Name a new folder, or empty it`)
    for (const path of [file, join(file, "app")])
      expect(obstacle(path)).toBe(`${path} is a file, or lies in one. Name a new folder`)
  })

  test("stays as it was where the files cannot be written", () => {
    const target = join(home, "half")
    // The second file's folder would be the first file.
    const files = new Map([
      ["a", "a file"],
      [join("a", "b"), "a file below it"],
    ])
    const before = readdirSync(home)
    expect(() => writeProject(target, files)).toThrow(/^the project cannot be written: /)
    expect(existsSync(target)).toBe(false)
    expect(readdirSync(home)).toEqual(before)
  })
})

describe("taeda create", () => {
  test("says how it goes on", async () => {
    const out = captured()
    const target = join(home, "go on")
    expect(await create(target, { template: "vite", packageManager: "yarn" }, out)).toBe(0)
    expect(out.text()).toMatch(
      /^Created .*go on: a page, served by Vite.*\n\nGo on with:\n {2}cd ".*go on"\n {2}yarn install\n {2}yarn run dev\n$/,
    )
    expect(JSON.parse(readFileSync(join(target, "package.json"), "utf8"))).toMatchObject({ name: "go-on" })
  })

  test("wants to be told the folder where it cannot ask", async () => {
    await expect(create(undefined, {}, captured())).rejects.toThrow("which folder? For example: taeda create taeda-app")
  })

  test("leaves a whole project, and says what to do, where the install does not succeed", async () => {
    const { PATH } = process.env
    const written = vi.spyOn(process.stderr, "write").mockReturnValue(true)
    try {
      process.env.PATH = join(home, "nowhere")
      const out = captured()
      const target = join(home, "offline")
      expect(await create(target, { template: "node", packageManager: "bun", install: true }, out)).toBe(1)
      expect(written).toHaveBeenCalledWith("taeda: there is no bun on this machine. The project itself is complete.\n")
      expect(out.text()).toMatch(/\n {2}bun install\n {2}bun run train\n$/)
      expect(existsSync(join(target, "package.json"))).toBe(true)
    } finally {
      process.env.PATH = PATH
      written.mockRestore()
    }
  })

  test("takes the manager that started it", async () => {
    const before = process.env.npm_config_user_agent
    try {
      for (const manager of MANAGERS) {
        process.env.npm_config_user_agent = `${manager}/1.2.3 node/v26.0.0 linux x64`
        const out = captured()
        await create(join(home, `by-${manager}`), {}, out)
        expect(out.text()).toContain(`  ${manager} install\n  ${manager} run train\n`)
      }
    } finally {
      if (before === undefined) delete process.env.npm_config_user_agent
      else process.env.npm_config_user_agent = before
    }
  })
})
