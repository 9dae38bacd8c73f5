/** The rules about shapes that layers are written with: for packages that build on ops. */
export * from "./layer-shapes.ts"
export type { Arg, Clash, IsAny, Ok, Show } from "./shape.ts"
export type { Flattened, Unflattened } from "./view-shapes.ts"
export * from "./window-shapes.ts"
