/** Imported by what runs planners by hand: all functions, as `createWebGpu` brings them. */
import { provideAll } from "../src/families.ts"

provideAll()
