/** PyTorch's own names, as its namespaces have them (tooling/golden/namespace.py, tooling/golden/docs.py). */
import { read } from "../repository.ts"

/** `log_softmax` as taeda spells it. */
export const camelCase = (name: string): string => name.replace(/(?<=.)_([a-z0-9])/g, (_, c: string) => c.toUpperCase())

const snakeCase = (name: string): string => name.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const namespaces = JSON.parse(read("packages/taeda/test/namespace.golden.json")) as Record<string, string>
const { Tensor } = JSON.parse(read("tooling/docs/test/spellings.golden.json")) as { readonly Tensor: string }

/** PyTorch's names of a namespace by taeda's, or undefined where the namespace was not asked for. */
function namesOf(path: string): ReadonlyMap<string, string> | undefined {
  const text = path === "Tensor" ? Tensor : namespaces[path === "" ? "torch" : path.split(".").map(snakeCase).join(".")]
  return text === undefined ? undefined : new Map(text.split(" ").map((name) => [camelCase(name), name]))
}

/** PyTorch's path of a name; undefined where it has none. */
export function pytorchName(path: string, name: string): string | undefined {
  const found = namesOf(path)?.get(name)
  if (found === undefined) return undefined
  return ["torch", ...(path === "" ? [] : path.split(".").map(snakeCase)), found].join(".")
}

/** What is callable in a namespace without being of it: what its modules import. */
const IMPORTED = new Set(
  "Any Callable Container Counter DType Literal Optional Optimizer ParamSpec Self SupportsFloat Tensor TypeVar TypedDict".split(
    " ",
  ),
)
const INTERNAL =
  /^(has_torch|handle_torch|boolean_dispatch|assert_|native_|Uninit|swap_in|factory_|partial$|ref$|cast$|wraps$|override$|bisect)/

/** Namespaces of which nearly every name is for users. */
const COMPLETE: ReadonlySet<string> = new Set([
  "nn",
  "nn.functional",
  "linalg",
  "special",
  "optim",
  "optim.lrScheduler",
])

/** PyTorch's names of a namespace that are not among `names`; none where PyTorch's namespace is mostly not for users. */
export function absent(path: string, names: ReadonlySet<string>): string[] {
  if (!COMPLETE.has(path)) return []
  return [...(namesOf(path) ?? [])]
    .filter(([ours, theirs]) => !names.has(ours) && !IMPORTED.has(theirs) && !INTERNAL.test(theirs))
    .map(([, theirs]) => theirs)
}
