export { addressRuntime, buildAddon, type Checks } from "./build.ts"
export { GLIBC, TARGETS, type Target, targetHere, targetNamed } from "./targets.ts"
export { type Emulated, emulated, emulatedWithLibraries } from "./vitest-cuda.ts"
