/** Values as text: tensors as PyTorch prints them, the rest much as Node's prompt does. */
import { inspect } from "loupe"
import type * as Library from "./library.ts"
import { errorText } from "./worker-scope.ts"

/** Characters of a value that is no tensor. */
const MOST = 10_000

/** Null for undefined, which a prompt does not show. */
export async function shown(torch: typeof Library, value: unknown): Promise<string | null> {
  if (value === undefined) return null
  if (torch.isTensor(value)) return value.format()
  if (value instanceof torch.nn.Module) return String(value)
  if (value instanceof Error) return errorText(value)
  return inspect(value, { depth: 4, truncate: MOST })
}
