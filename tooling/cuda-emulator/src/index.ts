export { type AssembleOptions, assemble, hasAssembler } from "./assembler.ts"
export { buildEmulator, buildLibraries } from "./build.ts"
