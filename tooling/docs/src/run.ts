/** Writes programs to files beside the packages that they import, checks their types, and runs them in a process of their own. */
import { execFile } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import type { Program } from "./program.ts"
import { ROOT } from "./repository.ts"
import type { Outcome } from "./run-programs.ts"

/** Not in `node_modules`, where Node takes no TypeScript. */
const FOLDER = join(import.meta.dirname, "..", ".programs")

/** `docs/tutorial.md` from line 12 is `docs.tutorial.12.ts`. */
const fileOf = ({ page, line }: Program): string => `${page.replace(/\.md$/, "").replaceAll("/", ".")}.${line}.ts`

/** With a user's settings: strict, and no more. */
const TSCONFIG = {
  extends: "../../tsconfig/base.json",
  compilerOptions: {
    types: ["node"],
    lib: ["ES2024", "ESNext.Disposable", "DOM"],
    noUnusedLocals: false,
    noUnusedParameters: false,
    noImplicitOverride: false,
    declaration: false,
    // Other libraries' declarations are theirs.
    skipLibCheck: true,
  },
  include: ["*.ts"],
}

export function writePrograms(programs: readonly Program[]): void {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER)
  for (const program of programs) writeFileSync(join(FOLDER, fileOf(program)), program.text)
  writeFileSync(join(FOLDER, "tsconfig.json"), JSON.stringify(TSCONFIG))
}

interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const node = (args: readonly string[]): Promise<Finished> =>
  new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: FOLDER, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    )
  })

export interface TypeErrors {
  /** In each program, with the page's lines. */
  readonly of: ReadonlyMap<Program, readonly string[]>
  /** In what they import. */
  readonly elsewhere: readonly string[]
}

/** What the compiler finds wrong. */
export async function typeErrors(programs: readonly Program[]): Promise<TypeErrors> {
  const compiler = createRequire(join(ROOT, "package.json")).resolve("typescript/package.json")
  const { code, stdout, stderr } = await node([join(compiler, "..", "bin", "tsc"), "-p", "tsconfig.json"])
  const of = new Map(programs.map((program) => [program, [] as string[]]))
  const elsewhere: string[] = []
  const byFile = new Map(programs.map((program) => [fileOf(program), program]))
  let last = elsewhere
  for (const line of stdout.split("\n").filter(Boolean)) {
    const [, file, at, message] = /^(\S+?)\((\d+),\d+\): (.*)$/.exec(line) ?? []
    const program = byFile.get(file!)
    // Lines that go on stand further in.
    if (file !== undefined) last = program ? of.get(program)! : elsewhere
    last.push(program ? `${program.page}:${at}: ${message}` : line)
  }
  if (code !== 0 && stdout.trim() === "") elsewhere.push(stderr)
  return { of, elsewhere }
}

/** What each program does, one after the other, with all they import loaded once. */
export async function run(programs: readonly Program[]): Promise<Map<Program, Outcome>> {
  writeFileSync(join(FOLDER, "order.json"), JSON.stringify(programs.map(fileOf)))
  const script = join(import.meta.dirname, "run-programs.ts")
  const { code, stderr } = await node([
    "--conditions=@taeda/source",
    "--disable-warning=ExperimentalWarning",
    script,
    FOLDER,
  ])
  if (code !== 0) throw new Error(`the programs ended with ${code}: ${stderr}`)
  const outcomes = JSON.parse(readFileSync(join(FOLDER, "outcomes.json"), "utf8")) as Outcome[]
  return new Map(programs.map((program, at) => [program, outcomes[at]!]))
}
