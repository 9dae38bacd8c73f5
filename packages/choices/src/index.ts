/**
 * What can be chosen when taeda is installed: the one table behind the command-line installer, the web selector, the
 * library's own advice and the documentation. Data only; whoever needs to know what a machine has looks for itself.
 */
export { backendOfDevice, deviceAdvice, importLines, installCommand, packagesFor } from "./commands.ts"
export { misfit, type Place, titleOf } from "./fit.ts"
export { CUDA_NEEDS, isAtLeast, NATIVE_PLATFORMS, type NativePlatform } from "./native.ts"
export {
  BACKENDS,
  type BackendChoice,
  PACKAGE_MANAGERS,
  type PackageManagerChoice,
  RUNTIMES,
  type RuntimeChoice,
  SYSTEMS,
  type SystemChoice,
} from "./table.ts"
