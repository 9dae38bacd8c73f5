/** Option names as PyTorch's keys and back: `weightDecay` ↔ `weight_decay`, `expAvgSq` ↔ `exp_avg_sq`. */

export const toKey = (name: string): string =>
  name.replace(/[A-Z]/g, (c, at: number) => (at ? `_${c.toLowerCase()}` : c))
export const toName = (key: string): string => key.replace(/(?<=[a-zA-Z0-9])_(\w)/g, (_, c: string) => c.toUpperCase())

/** The same values under other names. */
export const renamed = (values: object, rename: (name: string) => string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [rename(name), value]))
