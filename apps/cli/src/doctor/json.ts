/** An examination as JSON for a bug report, without names of users and without paths. docs/doctor.schema.json describes it. */
import { recommended, type Verdict } from "../backends/verdict.ts"
import type { Examination } from "./examine.ts"
import type { Redact } from "./privacy.ts"

/** Of the report's form: goes up when a field changes its meaning or goes. */
const FORM = 1

const trialJson = ({ trial }: Verdict, redact: Redact): object | null =>
  trial && {
    device: trial.device,
    notes: trial.notes.map(redact),
    size: trial.size,
    compared: trial.compared,
    milliseconds: trial.milliseconds,
  }

const orNull = (text: string | null, redact: Redact): string | null => (text === null ? null : redact(text))

/** @param command the version of the command. */
export function reportJson(examination: Examination, command: string, redact: Redact): object {
  const { machine, project, packages, checks, verdicts, healthy } = examination
  const { runtime, system, processor, webAssembly, nvidia, graphics } = machine
  return {
    form: FORM,
    command,
    healthy,
    recommended: recommended(verdicts).backend.name,
    runtime,
    system: { ...system, title: redact(system.title), release: redact(system.release) },
    processor: { ...processor, model: redact(processor.model) },
    webAssembly,
    nvidia: {
      ...nvidia,
      gpus: nvidia.gpus.map((gpu) => ({ ...gpu, name: redact(gpu.name) })),
      problem: orNull(nvidia.problem, redact),
    },
    graphics: {
      gpus: graphics.gpus?.map(({ vendor, name }) => ({ vendor, name: orNull(name, redact) })) ?? null,
      vulkanDrivers: graphics.vulkanDrivers?.map(redact) ?? null,
    },
    project: {
      manifest: project.hasManifest,
      type: project.type,
      manager: project.manager,
      managerVersion: examination.managerVersion,
      workspace: project.root !== project.folder || project.isRoot,
      packages,
    },
    checks: checks.map(({ name, state, evidence, fix }) => ({
      name,
      state,
      evidence: redact(evidence),
      fix: orNull(fix, redact),
    })),
    backends: verdicts.map((verdict) => ({
      name: verdict.backend.name,
      device: verdict.backend.device,
      package: verdict.backend.package,
      installed: packages.some(({ name }) => name === (verdict.backend.included ? "taeda" : verdict.backend.package)),
      status: verdict.status,
      evidence: redact(verdict.evidence),
      fix: orNull(verdict.fix, redact),
      trial: trialJson(verdict, redact),
    })),
  }
}
