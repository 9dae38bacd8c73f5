/** Names as properties (camelCase) and as keys of state dicts (PyTorch's snake_case). */

const keys = new Map<string, string>()

/**
 * PyTorch's name of a property: `runningMean` → `running_mean`, `weightIhL0` → `weight_ih_l0`. Names that do not begin in
 * lower case stay as they are.
 */
export function keyOf(property: string): string {
  let key = keys.get(property)
  if (key === undefined) {
    key = /^[a-z_$]/.test(property) ? snake(property) : property
    keys.set(property, key)
  }
  return key
}

const snake = (name: string): string =>
  name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .toLowerCase()
