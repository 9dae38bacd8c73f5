/** What a new project can be: its manifest, and the files of its folder of `templates`. */
import { PACKAGE_MANAGERS, type PackageManagerChoice } from "@taeda/choices"

export type TemplateName = "node" | "vite"
/** Those that install what a package.json names and run its scripts as `run` says. */
export type ManagerName = Exclude<PackageManagerChoice["name"], "deno">

export const MANAGERS: readonly ManagerName[] = PACKAGE_MANAGERS.map(({ name }) => name).filter(
  (name) => name !== "deno",
)

export interface Template {
  /** In a few words. */
  readonly title: string
  readonly scripts: Readonly<Record<string, string>>
  readonly devDependencies: readonly (keyof typeof VERSIONS)[]
  /** The script to run first. */
  readonly first: string
}

/** Of what a new project needs besides taeda: those that this one is built and tested with. */
export const VERSIONS = {
  "@types/node": "^26.6.6",
  typescript: "^7.0.2",
  vite: "^8.3.8",
} as const

export const TEMPLATES: Readonly<Record<TemplateName, Template>> = {
  node: {
    title: "a program for Node that trains a network",
    // Any Node that taeda runs on can run what the compiler writes; only newer ones can run the sources.
    scripts: { train: "tsc && node dist/train.js", check: "tsc --noEmit" },
    devDependencies: ["@types/node", "typescript"],
    first: "train",
  },
  vite: {
    title: "a page, served by Vite, in which a network learns",
    scripts: { dev: "vite", build: "tsc && vite build", preview: "vite preview", check: "tsc" },
    devDependencies: ["typescript", "vite"],
    first: "dev",
  },
}

export const TEMPLATE_NAMES = Object.keys(TEMPLATES) as TemplateName[]

/** The manifest of a new project, as text. */
export function manifestText(name: string, template: TemplateName, taeda: string): string {
  const { scripts, devDependencies } = TEMPLATES[template]
  const manifest = {
    name,
    version: "0.0.0",
    private: true,
    type: "module",
    scripts,
    dependencies: { taeda: `^${taeda}` },
    devDependencies: Object.fromEntries(devDependencies.map((each) => [each, VERSIONS[each]])),
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}
