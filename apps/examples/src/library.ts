/** The library as a value: what is here is handed one, and loads none by itself. */
import type * as Taeda from "taeda"

export type Library = typeof Taeda

export type Tensor = InstanceType<Library["Tensor"]>
