/** The versions of TypeScript whose users get the types. */
import typescript59 from "typescript-5.9"
import typescript60 from "typescript-6.0"
import { classic } from "./classic.ts"
import type { Compiler } from "./compiler.ts"
import { native } from "./native.ts"

export const COMPILERS: readonly Compiler[] = [
  // Its own types differ from 6.0's in nothing that is used here.
  classic("5.9", typescript59 as unknown as typeof typescript60),
  classic("6.0", typescript60),
  native("7.0"),
]

/** The one that the lengthier tests use: it is the fastest. */
export const FASTEST = COMPILERS[2]
