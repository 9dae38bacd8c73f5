/** The reference as pages of Markdown, grouped as PyTorch's namespaces are. */
import { type Declaration, type Namespace, readNamespaces, type Source } from "./declarations.ts"
import { textOf } from "./docstrings.ts"
import { type Facts, readFacts } from "./examples.ts"
import { absent, pytorchName } from "./pytorch.ts"
import { classSignature, functionSignature, methodSignature } from "./signatures.ts"

export interface ReferencePage {
  /** The name of its file, without `.md`. */
  readonly slug: string
  readonly title: string
  readonly text: string
}

/** The address of a source; undefined where nobody said where the repository is. */
export type SourceLink = (source: Source) => string | undefined

interface Context {
  readonly facts: ReadonlyMap<string, Facts>
  readonly sourceLink: SourceLink
  /** Everything exported, for docstrings that stand elsewhere. */
  readonly all: readonly Declaration[]
}

/** In a page that a template engine reads, and with generics that are no tags. */
export const escaped = (text: string): string =>
  text
    .split(/(```[\s\S]*?```|`[^`]*`)/)
    .map((part, at) => (at % 2 === 1 ? part : part.replaceAll("<", "&lt;").replaceAll("{{", "{&#8203;{")))
    .join("")

/** Lines of code, which stand four spaces in, as a block of their own. */
const fenced = (doc: string): string =>
  doc.replaceAll(
    /(?:^ {4}.*(?:\n|$))+/gm,
    (lines) => `\n\`\`\`ts\n${lines.replaceAll(/^ {4}/gm, "").trimEnd()}\n\`\`\`\n\n`,
  )

/** Docstrings say `@throws RangeError where …`; a page says it in a sentence. */
const prose = (doc: string): string =>
  escaped(
    fenced(doc)
      .replaceAll(/^@throws\s+(?:\{?(\w+)\}?)?/gm, "Throws $1")
      .replaceAll(/^@(returns|param|see)\s+/gm, "$1: "),
  )

const code = (text: string): string => `\`${text.replaceAll("\n", " ").replaceAll("`", "'")}\``

const full = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`)

const sourceText = ({ file, line }: Source, link: SourceLink): string => {
  const at = link({ file, line })
  return at === undefined ? code(`${file}:${line}`) : `[${file}:${line}](${at})`
}

function factLines(facts: Facts | undefined): string[] {
  if (!facts) return []
  const { dtypes, gradient, examples, errors } = facts
  return [
    `Dtypes: ${dtypes.join(", ")}; ${gradient ? "has a gradient" : "without a gradient"}.`,
    ...(examples.length > 0
      ? [`Shapes: ${examples.map(([call, result]) => `${code(call)} → ${code(result)}`).join("; ")}`]
      : []),
    ...(errors.length > 0 ? [`Errors: ${errors.map(code).join("; ")}`] : []),
  ]
}

const SIGNATURES: Partial<Record<Declaration["kind"], (path: string, name: string) => string | undefined>> = {
  function: functionSignature,
  class: classSignature,
}

/** `nn.functional.linear(input, …)`, or with `new`. */
function usage(path: string, { name, kind }: Declaration): string[] {
  const signature = SIGNATURES[kind]?.(path, name)
  const at = `torch.${full(path, name)}`
  const lines =
    kind === "class" ? [`new ${at}${signature ?? "(…)"}`] : [`${at}${signature ?? (kind === "function" ? "(…)" : "")}`]
  const method = path === "" && kind === "function" ? pytorchName("Tensor", name) : undefined
  if (method && signature?.startsWith("(input")) lines.push(`x.${name}${signature.replace(/^\(input(?:, )?/, "(")}`)
  return kind === "type" ? [] : ["```ts", ...lines, "```", ""]
}

function memberLines({ name, members }: Declaration): string[] {
  const told = members.filter(({ doc }) => doc !== "")
  if (name === "Tensor" || told.length === 0) return []
  return ["", "| Member | |", "|---|---|", ...told.map((member) => `| ${code(member.name)} | ${cell(member.doc)} |`)]
}

/** Text in a table: on one line. */
const cell = (doc: string): string =>
  prose(doc)
    .replaceAll(/\s*\n+\s*/g, " ")
    .replaceAll("|", "\\|")

function entry(path: string, declaration: Declaration, among: readonly Declaration[], context: Context): string[] {
  const { name, source } = declaration
  const theirs = pytorchName(path, name)
  const method = path === "" ? pytorchName("Tensor", name) : undefined
  const names = [theirs, method].filter((each) => each !== undefined)
  const text = textOf(path, name, [...among, ...context.all])
  const facts = [
    ...(names.length > 0 ? [`PyTorch: ${names.map(code).join(", ")}`] : []),
    ...factLines(context.facts.get(full(path, name))),
    `Source: ${sourceText(source, context.sourceLink)}`,
  ]
  return [
    "",
    `### ${name.endsWith("_") ? `${name.slice(0, -1)}\\_` : name}`,
    "",
    ...usage(path, declaration),
    prose(text),
    ...memberLines(declaration),
    "",
    ...facts.map((line) => `- ${line}`),
  ]
}

const KINDS: readonly (readonly [Declaration["kind"], string])[] = [
  ["class", "Classes"],
  ["function", "Functions"],
  ["value", "Values"],
  ["type", "Types"],
]

function namespacePage({ path, doc, declarations }: Namespace, context: Context): ReferencePage {
  const title = `torch.${path}`
  const parts = KINDS.flatMap(([kind, heading]) => {
    const mine = declarations.filter((each) => each.kind === kind)
    if (mine.length === 0) return []
    return ["", `## ${heading}`, ...mine.flatMap((each) => entry(path, each, declarations, context))]
  })
  const names = new Set(declarations.map(({ name }) => name))
  const missing = absent(path, names)
  const rest = missing.length > 0 ? ["", "## Not here", "", `PyTorch has also: ${missing.map(code).join(", ")}.`] : []
  return {
    slug: path.replaceAll(".", "-").toLowerCase(),
    title,
    text: [`# ${title}`, "", prose(doc.replace(/^@taeda\/\w+: /, "")), ...parts, ...rest].join("\n"),
  }
}

/** `packages/core/src/ops/linear-algebra.ts` is the family "Linear algebra"; everything else belongs together. */
function familyOf({ source, kind }: Declaration): string {
  const family = kind === "function" ? /ops\/([\w-]+)\.ts$/.exec(source.file)?.[1] : undefined
  if (family === undefined)
    return kind === "function" || kind === "value" ? "Settings and devices" : "Classes and types"
  return family[0]!.toUpperCase() + family.slice(1).replaceAll("-", " ")
}

/** The top namespace is large, so it is a page for each family of functions. */
function familyPages({ declarations }: Namespace, context: Context): ReferencePage[] {
  const shown = declarations.filter(({ name }) => name !== "Tensor")
  const families = [...Map.groupBy(shown, familyOf)].sort(([a], [b]) => (a < b ? -1 : 1))
  return families.map(([family, mine]) => ({
    slug: `torch-${family.toLowerCase().replaceAll(" ", "-")}`,
    title: family,
    text: [
      `# ${family}`,
      "",
      "Of the namespace `torch`.",
      ...mine.flatMap((each) => entry("", each, declarations, context)),
    ].join("\n"),
  }))
}

function tensorPage({ declarations }: Namespace): ReferencePage {
  const tensor = declarations.find(({ name }) => name === "Tensor")!
  const among = [...tensor.members, ...declarations]
  const row = ({ name, kind }: (typeof tensor.members)[number]): string => {
    const signature = methodSignature(name)
    const theirs = pytorchName("Tensor", name)
    const call = signature !== undefined ? `x.${name}${signature}` : kind === "method" ? `x.${name}(…)` : `x.${name}`
    return `| ${code(call)} | ${theirs ? code(theirs.replace("torch.", "")) : ""} | ${cell(textOf("Tensor", name, among))} |`
  }
  const table = (kind: "method" | "property"): string[] => {
    const mine = tensor.members.filter((each) => each.kind === kind).sort((a, b) => (a.name < b.name ? -1 : 1))
    return ["", "| taeda | PyTorch | |", "|---|---|---|", ...mine.map(row)]
  }
  const text = [
    "# Tensor",
    "",
    prose(tensor.doc),
    "",
    "What a method shares with a function of the same name is told at that function: shapes, dtypes, errors.",
    "",
    "## Properties",
    ...table("property"),
    "",
    "## Methods",
    ...table("method"),
  ]
  return { slug: "tensor", title: "Tensor", text: text.join("\n") }
}

export interface Reference {
  /** Of `torch`, by family. */
  readonly families: readonly ReferencePage[]
  readonly tensor: ReferencePage
  readonly namespaces: readonly ReferencePage[]
}

export async function referencePages(sourceLink: SourceLink): Promise<Reference> {
  const namespaces = readNamespaces()
  const context: Context = {
    facts: await readFacts(),
    sourceLink,
    all: namespaces.flatMap(({ declarations }) => declarations),
  }
  const [top, ...others] = namespaces
  return {
    families: familyPages(top!, context),
    tensor: tensorPage(top!),
    namespaces: others
      .filter(({ declarations }) => declarations.length > 0)
      .map((each) => namespacePage(each, context)),
  }
}
