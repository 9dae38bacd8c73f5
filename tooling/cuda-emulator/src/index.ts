export { type AssembleOptions, assemble, hasAssembler } from "./assembler.ts"
export { buildEmulator } from "./build.ts"
