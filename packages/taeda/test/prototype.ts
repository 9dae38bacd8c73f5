import { Tensor } from "@taeda/core"

/** The names of the methods that tensors have now. */
export const namesOn = (): string[] =>
  Object.entries(Object.getOwnPropertyDescriptors(Tensor.prototype)).flatMap(([name, { value }]) =>
    typeof value === "function" && name !== "constructor" ? [name] : [],
  )
