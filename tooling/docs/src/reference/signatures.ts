/** How things are called: as the library itself says it. */
import * as torch from "taeda"

type Names = Readonly<Record<string, unknown>>

/** What stands at a path of the namespace: `nn.functional`. */
export const namespaceAt = (path: string): Names =>
  (path === "" ? [] : path.split(".")).reduce<Names>((names, part) => names[part] as Names, torch)

/** Ops under another name in the catalogue. */
const RENAMED: Readonly<Record<string, string>> = {
  "nn.functional.fold": "col2im",
  "nn.functional.unfold": "im2col",
  "linalg.cross": "linalgCross",
}

const full = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`)

const parameters = (text: string): string => text.slice(text.indexOf("("))

/** Written as text, for functions: `(input, dim?, keepdim?, *, dtype?)`. */
export function functionSignature(path: string, name: string): string | undefined {
  const found = namespaceAt(path)[name]
  if (typeof found !== "function") return undefined
  const signature = torch.CATALOGUE.get(RENAMED[full(path, name)] ?? found.name) ?? torch.CATALOGUE.get(name)
  return signature && parameters(signature.text)
}

/** Of a method, whose receiver is the first argument. */
export function methodSignature(name: string): string | undefined {
  const method: unknown = Object.getOwnPropertyDescriptor(torch.Tensor.prototype, name)?.value
  const signature = torch.CATALOGUE.get(name) ?? torch.CATALOGUE.get(typeof method === "function" ? method.name : "")
  return signature && parameters(signature.text).replace(/^\((?:input|self)(?:, )?/, "(")
}

/** Of a class: what it says when it is given too much. */
export function classSignature(path: string, name: string): string | undefined {
  const found = namespaceAt(path)[name] as new (...args: unknown[]) => unknown
  const weight = new torch.Parameter(torch.ones(1))
  const first: unknown[] = path === "optim" ? [[weight]] : path === "" ? [] : [1]
  try {
    new found(...first, ...new Array(40).fill(1))
  } catch (error) {
    const text = /were given: (\w+\(.*\))$/.exec((error as Error).message)?.[1]
    return text && parameters(text)
  }
  return undefined
}
