/** The questions. Each has a flag, and what a flag answered is not asked. */
import { PACKAGE_MANAGERS } from "@taeda/choices"
import { statusText, type Verdict } from "../backends/verdict.ts"
import type { ManagerName, Project } from "../project/project.ts"
import { InstallError } from "./failure.ts"
import type { Plan } from "./plan.ts"
import type { Prompts } from "./teller.ts"

/** @throws InstallError where the person had enough. */
function answered<T>(answer: T | symbol, { isCancel }: Prompts): Exclude<T, symbol> {
  if (isCancel(answer)) throw new InstallError("stopped", "stopped: nothing was changed")
  return answer as Exclude<T, symbol>
}

/** @param all whether what cannot work here may be chosen, too. */
export async function askBackend(
  prompts: Prompts,
  verdicts: readonly Verdict[],
  best: string,
  all: boolean,
): Promise<string> {
  const options = verdicts.map((verdict) => ({
    value: verdict.backend.name as string,
    label: `${verdict.backend.name}: ${verdict.backend.title}`,
    disabled: verdict.status === "missing" && !all,
    hint: `${statusText(verdict)}${verdict.backend.name === best ? ", recommended" : ""}`,
  }))
  const message = "Which backend? The same code runs on each of them."
  return answered(await prompts.select<string>({ message, options, initialValue: best }), prompts)
}

export async function askManager(prompts: Prompts, project: Project): Promise<ManagerName> {
  const options = PACKAGE_MANAGERS.map(({ name }) => ({
    value: name,
    label: name,
    ...(name === project.manager && { hint: project.managerFrom }),
  }))
  const message = "Which package manager?"
  return answered(await prompts.select<ManagerName>({ message, options, initialValue: project.manager }), prompts)
}

export async function askWhether(prompts: Prompts, command: string, plan: Plan): Promise<void> {
  const message = `Run ${command} and try the backend ${plan.backend.name}?`
  if (answered(await prompts.confirm({ message }), prompts)) return
  throw new InstallError("stopped", "nothing was changed")
}
