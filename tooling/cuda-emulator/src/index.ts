export { buildEmulator } from "./build.ts"
