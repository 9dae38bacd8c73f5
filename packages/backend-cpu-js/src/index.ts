/** The reference backend of taeda: pure JavaScript on typed arrays, for every engine and every page policy. */
export { type CpuJsOptions, createCpuJs, open } from "./backend.ts"
