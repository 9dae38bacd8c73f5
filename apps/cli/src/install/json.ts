/** What an installation came to, for programs. */
import { statusText } from "../backends/verdict.ts"
import type { InstallError } from "./failure.ts"
import type { Installed } from "./install.ts"
import { commandText } from "./manager.ts"

export const resultJson = ({ plan, installed, trial }: Installed): object => ({
  command: commandText(plan.command),
  packageManager: plan.manager,
  packages: plan.packages,
  runtime: plan.runtime,
  backend: plan.backend.name,
  device: plan.backend.device,
  recommended: plan.recommended.name,
  code: plan.code,
  backends: plan.verdicts.map((verdict) => ({
    name: verdict.backend.name,
    device: verdict.backend.device,
    status: verdict.status,
    text: statusText(verdict),
    evidence: verdict.evidence,
    fix: verdict.fix,
  })),
  installed,
  trial: trial && {
    device: trial.device,
    notes: trial.notes,
    product: trial.product,
    gradient: trial.gradient,
    size: trial.size,
    compared: trial.compared,
    milliseconds: trial.milliseconds,
  },
  error: null,
})

export const errorJson = ({ reason, message, details }: InstallError): object => ({
  installed: false,
  error: { reason, message, details },
})
