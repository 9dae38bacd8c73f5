/**
 * What a program may decide about the types, by declaration merging:
 *
 *     declare module "taeda" {
 *       interface TypeConfig { shapes: false; defaultDtype: "float64" }
 *     }
 *
 * `shapes: false` makes every factory give a tensor of unknown shape, so that nothing is worked out of shapes any more.
 * `defaultDtype` tells the compiler what `setDefaultDtype` was given.
 *
 * The file holds nothing else: it is re-exported by `export *` all the way to `taeda`, which is what lets the merging reach it.
 */

// biome-ignore lint/suspicious/noEmptyInterface: programs merge into it
export interface TypeConfig {}
