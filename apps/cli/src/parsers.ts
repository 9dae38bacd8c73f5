/** What a person types after an option, as a value; what is no such value is told with what was expected. */
import { InvalidArgumentError } from "commander"

export function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0 && Number.isFinite(value))) throw new InvalidArgumentError("Expected a number above zero.")
  return value
}

export function count(text: string): number {
  const value = Number(text)
  if (!(Number.isSafeInteger(value) && value > 0)) throw new InvalidArgumentError("Expected a whole number above zero.")
  return value
}

export function whole(text: string): number {
  const value = Number(text)
  if (text.trim() === "" || !Number.isSafeInteger(value)) throw new InvalidArgumentError("Expected a whole number.")
  return value
}

/** Of an option that may be given again: all of its values. */
export const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]
