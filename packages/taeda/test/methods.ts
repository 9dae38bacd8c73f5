/** The names of all methods, once they are installed. */
import "@taeda/core/methods"
import { namesOn } from "./prototype.ts"

export const methodNames = namesOn()
