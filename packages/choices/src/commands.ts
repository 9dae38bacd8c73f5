/** From a choice to what is typed: commands, lines of code, advice. */
import {
  BACKENDS,
  type BackendChoice,
  PACKAGE_MANAGERS,
  type PackageManagerChoice,
  type RuntimeChoice,
} from "./table.ts"

/** The backend behind a device's name ("cuda:1" is cuda's), or undefined. */
export const backendOfDevice = (device: string): BackendChoice | undefined =>
  BACKENDS.find((b) => b.device === device.replace(/:\d+$/, ""))

/** The packages that a project needs for a backend; with what else a runtime needs, where one is named. */
export function packagesFor(backend: BackendChoice, runtime?: RuntimeChoice["name"]): string[] {
  const others = (runtime && backend.alongside?.[runtime]) ?? []
  return ["taeda", ...(backend.included ? [] : [backend.package]), ...others]
}

/** The command that installs them, for a package manager. */
export function installCommand(
  backend: BackendChoice,
  manager: PackageManagerChoice["name"] = "npm",
  runtime?: RuntimeChoice["name"],
): string {
  const by = PACKAGE_MANAGERS.find((m) => m.name === manager) ?? PACKAGE_MANAGERS[0]
  return `${by.add} ${packagesFor(backend, runtime).map(by.spell).join(" ")}`
}

/** The lines of code that begin with that backend; a bundler for the browser has to see a package by its name. */
export function importLines(backend: BackendChoice, runtime?: RuntimeChoice["name"]): string {
  const { device, included, package: name } = backend
  const lines = ['import * as torch from "taeda"']
  if (runtime === "browser" && !included)
    lines.push(`torch.registerBackend("${device}", async () => (await import("${name}")).open())`)
  if (device !== "cpu") lines.push(`await torch.setDefaultDevice("${device}")`)
  return lines.join("\n")
}

/** What to do when a device is asked for that is not there, for the end of an error message. */
export function deviceAdvice(device: string): string {
  const backend = backendOfDevice(device)
  if (!backend) return `known devices: ${BACKENDS.map((b) => b.device).join(", ")}`
  return `install it with: ${installCommand(backend)}`
}
