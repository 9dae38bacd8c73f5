/**
 * Numbers as Python writes them: `%.{p}f`, `%.{p}e` and `repr`.
 *
 * JavaScript's `toFixed` and `toExponential` are exact too, but take the larger of two equally near results where
 * Python takes the even one, switch to an exponent at 1e21, drop the sign of -0 and write exponents of one digit.
 */

/** Python's text of a double that is not finite. */
const nonFinite = (x: number): string => (Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf")

const sign = (x: number): string => (x < 0 || Object.is(x, -0) ? "-" : "")

/**
 * Whether `x` (not negative) lies exactly halfway between two decimals with `places` digits after the point; with
 * negative `places`, between two multiples of 10^-places.
 */
function isTie(x: number, places: number): boolean {
  // x·2·10^places is an odd integer exactly when x·2·2^places is, as x is dyadic; scaling by 2^k is exact.
  if (places >= 0) return (x * 2 ** (places + 1)) % 2 === 1
  if (!Number.isInteger(x)) return false
  const unit = 10n ** BigInt(-places)
  return BigInt(x) % unit === unit / 2n
}

/** Lowers the last digit if it is odd: the step from a tie rounded up to the even neighbour, which never borrows. */
function toEven(digits: string): string {
  const last = Number(digits.at(-1))
  return last % 2 ? digits.slice(0, -1) + (last - 1) : digits
}

/** Digits and JavaScript's exponent (`+7`) as Python joins them (`1.5e+07`). */
const withExponent = (digits: string, exponent: string): string =>
  `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`

/** Python's `"%.{precision}f" % x` for a precision of 0 to 100. */
export function formatFixed(x: number, precision: number): string {
  if (!Number.isFinite(x)) return nonFinite(x)
  const size = Math.abs(x)
  if (size >= 1e21) return `${sign(x)}${BigInt(size)}${precision ? `.${"0".repeat(precision)}` : ""}`
  const text = size.toFixed(precision)
  return sign(x) + (isTie(size, precision) ? toEven(text) : text)
}

/** Python's `"%.{precision}e" % x` for a precision of 0 to 100. */
export function formatExponent(x: number, precision: number): string {
  if (!Number.isFinite(x)) return nonFinite(x)
  const size = Math.abs(x)
  const [digits, exponent] = size.toExponential(precision).split("e")
  const rounded = isTie(size, precision - Number(exponent)) ? toEven(digits) : digits
  return sign(x) + withExponent(rounded, exponent)
}

/** Python's `repr(x)` of a float: the shortest digits that read back as `x`; an exponent below 1e-4 and from 1e16. */
export function formatRepr(x: number): string {
  if (!Number.isFinite(x)) return nonFinite(x)
  const size = Math.abs(x)
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits, exponent] = size.toExponential().split("e")
    return sign(x) + withExponent(digits, exponent)
  }
  const text = String(size)
  return sign(x) + (text.includes(".") ? text : `${text}.0`)
}
