/** Everything about a machine and a project that matters, with a verdict on each. */
import { installCommand } from "@taeda/choices"
import { type Survey, survey } from "../backends/survey.ts"
import { recommended } from "../backends/verdict.ts"
import { addCommand, commandText, managerVersion } from "../install/manager.ts"
import { OLDEST_NODE, runtimeFacts } from "../machine/runtime.ts"
import { copiesOf } from "../project/packages.ts"
import { findProject, type Project } from "../project/project.ts"

/** What was found about one thing. Warnings leave a machine healthy. */
export interface Check {
  readonly name: "runtime" | "webassembly" | "manager" | "library" | "versions" | "copies"
  readonly state: "ok" | "warning" | "problem"
  readonly evidence: string
  /** What to do, where something can be done. */
  readonly fix: string | null
}

export interface Examination extends Survey {
  readonly project: Project
  /** Null where it is not on this machine. */
  readonly managerVersion: string | null
  readonly checks: readonly Check[]
  /** Whether nothing that is here is broken. */
  readonly healthy: boolean
}

interface Seen extends Survey {
  readonly project: Project
  readonly managerVersion: string | null
}

type Looked = Omit<Check, "name">

const ok = (evidence: string): Looked => ({ state: "ok", evidence, fix: null })

function runtimeCheck({ machine: { runtime } }: Seen): Looked {
  const evidence = `${runtime.name} ${runtime.version}`
  if (runtime.supported) return ok(evidence)
  return {
    state: "problem",
    evidence: `${evidence}: Node ${OLDEST_NODE} or newer is needed`,
    fix: "get a newer one from nodejs.org",
  }
}

function webAssemblyCheck({ machine: { webAssembly } }: Seen): Looked {
  const { simd, relaxedSimd, threads } = webAssembly
  if (!simd) return { state: "problem", evidence: "no SIMD", fix: "take a newer runtime; the device cpu works without" }
  if (!threads)
    return { state: "warning", evidence: "no thread shares memory: the device wasm computes on one", fix: null }
  return ok(`SIMD, ${relaxedSimd ? "relaxed SIMD, " : ""}threads`)
}

function managerCheck({ project, managerVersion: version }: Seen): Looked {
  const { manager, managerFrom } = project
  if (version !== null) return ok(`${manager} ${version} (by ${managerFrom})`)
  const evidence = `${manager} is not on this machine (it was chosen by ${managerFrom})`
  return { state: "warning", evidence, fix: `install ${manager}` }
}

function libraryCheck({ project, packages, verdicts }: Seen): Looked {
  const found = packages.find(({ name }) => name === "taeda")
  if (found) return ok(`taeda ${found.version}`)
  const { backend } = recommended(verdicts)
  return {
    state: "warning",
    evidence: `taeda is not installed in this ${project.hasManifest ? "project" : "folder"}: this command's own was tried`,
    fix: `npx taeda install, or ${installCommand(backend, project.manager)}`,
  }
}

function versionsCheck({ project, packages }: Seen): Looked | null {
  const ours = packages.filter(({ name }) => name !== "webgpu")
  const versions = [...new Set(ours.map(({ version }) => version))]
  if (versions.length === 0) return null
  if (versions.length === 1) return ok(`all of taeda's are ${versions[0]}`)
  return {
    state: "problem",
    evidence: `packages of different versions: ${ours.map(({ name, version }) => `${name} ${version}`).join(", ")}`,
    fix: `bring them to one: ${commandText(
      addCommand(
        project.manager,
        ours.map(({ name }) => `${name}@latest`),
      ),
    )}`,
  }
}

function copiesCheck({ project }: Seen): Looked | null {
  const copies = copiesOf("@taeda/core", project.folder)
  if (copies.length === 0) return null
  if (copies.length === 1) return ok("one @taeda/core")
  return {
    state: "problem",
    evidence: `${copies.length} copies of @taeda/core: tensors of one are strangers to the other (${copies.join(", ")})`,
    fix: `bring the packages to one version, then ${project.manager} dedupe, or install anew without node_modules`,
  }
}

/** Null where there is nothing to look at. */
const CHECKS: Readonly<Record<Check["name"], (seen: Seen) => Looked | null>> = {
  runtime: runtimeCheck,
  webassembly: webAssemblyCheck,
  manager: managerCheck,
  library: libraryCheck,
  versions: versionsCheck,
  copies: copiesCheck,
}

/** @throws Error where the project's manifest is no JSON. */
export async function examine(folder: string, signal?: AbortSignal): Promise<Examination> {
  const project = await findProject(folder, runtimeFacts().name)
  const [found, version] = await Promise.all([
    survey({ folder: project.folder, root: project.root, signal }),
    managerVersion(project.manager, project),
  ])
  const seen: Seen = { ...found, project, managerVersion: version }
  const checks = Object.entries(CHECKS).flatMap(([name, check]) => {
    const looked = check(seen)
    return looked ? [{ name: name as Check["name"], ...looked }] : []
  })
  const broken = checks.some(({ state }) => state === "problem") || found.verdicts.some((v) => v.status === "broken")
  return { ...seen, checks, healthy: !broken }
}
