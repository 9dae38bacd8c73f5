/** What is wrong with a command line of the documentation: a script, package, file or option that does not exist. */
import { exists, globText, manifestOf, packages } from "./repository.ts"

/** The words of each command of a line, without comments. */
export function commandsIn(line: string): string[][] {
  const words = [...line.matchAll(/'[^']*'|"[^"]*"|(?<=^|\s)#.*$|[^\s'"]+/g)].map(([word]) => word)
  const commands: string[][] = [[]]
  for (const word of words) {
    if (word.startsWith("#")) break
    if (word === "&&" || word === "|") commands.push([])
    else commands.at(-1)!.push(word.replace(/^(['"])(.*)\1$/, "$2"))
  }
  return commands.filter(({ length }) => length > 0)
}

type Check = (args: readonly string[]) => string | undefined

const root = manifestOf(".")
const workspace = packages()

/** Packages of others that commands install. */
const OTHERS: ReadonlySet<string> = new Set(["webgpu", "typescript"])

const installs: Check = (args) =>
  args
    .filter((arg) => !arg.startsWith("-"))
    .map((arg) => arg.replace(/^npm:/, ""))
    .filter((name) => !OTHERS.has(name) && !workspace.some((each) => each.name === name && !each.private))
    .map((name) => `there is no package ${name} to install`)[0]

/** Where the options of a script of the root are read. */
const OPTIONS: Readonly<Record<string, string>> = {
  bench: "tooling/bench/src/*.ts",
  conformance: "{packages,tooling}/conformance/src/{command,cli}.ts",
  start: "apps/cli/src/**/*.ts",
}

function optionsOf(script: string, args: readonly string[]): string | undefined {
  const pattern = OPTIONS[script]
  if (!pattern) return undefined
  const sources = globText(pattern)
  return args
    .filter((arg) => /^--\w/.test(arg) && arg !== "--help" && !sources.includes(arg))
    .map((arg) => `${script} has no option ${arg}`)[0]
}

const scriptOf =
  (scripts: Readonly<Record<string, string>> = {}, of = "package.json"): Check =>
  ([script = "", ...args]) =>
    Object.hasOwn(scripts, script) ? optionsOf(script, args) : `${of} has no script ${script}`

const filtered: Check = ([name = "", ...args]) => {
  const found = workspace.find((each) => each.name === name)
  return found ? scriptOf(found.scripts, name)(args) : `there is no package ${name}`
}

/** What pnpm does besides running scripts. */
const PNPM: Readonly<Record<string, Check>> = {
  add: installs,
  install: installs,
  exec: ([tool = "", ...args]) => {
    if (!exists(`node_modules/.bin/${tool}`) && !exists(`node_modules/${tool}`)) return `there is no tool ${tool}`
    return args.filter((arg) => /^\w+\//.test(arg) && !exists(arg)).map((arg) => `there is no ${arg}`)[0]
  },
  "--filter": filtered,
  run: scriptOf(root.scripts),
}

const pnpm: Check = ([first = "", ...rest]) =>
  Object.hasOwn(PNPM, first) ? PNPM[first]!(rest) : scriptOf(root.scripts)([first, ...rest])

/** Of a program of the reader's, of which nothing is known here. */
const ofReaders: Check = () => undefined

const NPM: Readonly<Record<string, Check>> = {
  install: installs,
  publish: ofReaders,
  run: scriptOf(root.scripts),
  start: (args) => scriptOf(root.scripts)(["start", ...args]),
  test: (args) => scriptOf(root.scripts)(["test", ...args]),
}

const sub =
  (commands: Readonly<Record<string, Check>>, program: string): Check =>
  ([first = "", ...rest]) =>
    Object.hasOwn(commands, first) ? commands[first]!(rest) : `${program} ${first}: not known here`

/** The command `taeda`, which says its own subcommands. */
const taeda: Check = ([command = ""]) =>
  globText("apps/cli/src/**/*.ts").includes(`.command("${command}`) ? undefined : `taeda has no command ${command}`

const BINS: Readonly<Record<string, Check>> = { taeda, "taeda-conformance": (args) => optionsOf("conformance", args) }

const npx: Check = ([tool = "", ...args]) => {
  if (tool === root.packageManager) return pnpm(args)
  if (tool.startsWith("pnpm@")) return `${tool} is not the version of package.json, ${root.packageManager}`
  if (!Object.hasOwn(BINS, tool)) return `npx ${tool}: not known here`
  return workspace.some(({ bin }) => bin && Object.hasOwn(bin, tool)) ? BINS[tool]!(args) : `no package has ${tool}`
}

const PROGRAMS: Readonly<Record<string, Check>> = {
  npm: sub(NPM, "npm"),
  npx,
  pnpm,
  taeda,
  node: ([file = ""]) => (exists(file) ? undefined : `there is no ${file}`),
  yarn: sub({ add: installs, taeda }, "yarn"),
  bun: sub({ add: installs }, "bun"),
  deno: sub({ add: installs, run: ofReaders }, "deno"),
}

/** What is wrong with a line, in words. */
export const wrongCommands = (line: string): string[] =>
  commandsIn(line).flatMap(([program = "", ...args]) => {
    const wrong = Object.hasOwn(PROGRAMS, program) ? PROGRAMS[program]!(args) : `${program}: not known here`
    return wrong === undefined ? [] : [wrong]
  })
