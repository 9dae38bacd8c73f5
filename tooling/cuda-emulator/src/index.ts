export { type AssembleOptions, assemble, hasAssembler } from "./assembler.ts"
export { buildEmulator, buildIdleDriver, buildLibraries } from "./build.ts"
