/**
 * Arithmetic on sizes in the types, digit by digit as on paper. It holds for sizes that are non-negative integer literals;
 * with any other (`number`, a union, a named dimension) the result is `number`: not known.
 *
 * Inside, numbers are strings of digits, the last digit first: a template literal type takes a string apart from its front.
 */
import type { Dim } from "./shape.ts"

/** Tens and ones of row + column; row 10 is a 9 to which a carry has come. */
interface Sums {
  "0": ["00", "01", "02", "03", "04", "05", "06", "07", "08", "09"]
  "1": ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10"]
  "2": ["02", "03", "04", "05", "06", "07", "08", "09", "10", "11"]
  "3": ["03", "04", "05", "06", "07", "08", "09", "10", "11", "12"]
  "4": ["04", "05", "06", "07", "08", "09", "10", "11", "12", "13"]
  "5": ["05", "06", "07", "08", "09", "10", "11", "12", "13", "14"]
  "6": ["06", "07", "08", "09", "10", "11", "12", "13", "14", "15"]
  "7": ["07", "08", "09", "10", "11", "12", "13", "14", "15", "16"]
  "8": ["08", "09", "10", "11", "12", "13", "14", "15", "16", "17"]
  "9": ["09", "10", "11", "12", "13", "14", "15", "16", "17", "18"]
  "10": ["10", "11", "12", "13", "14", "15", "16", "17", "18", "19"]
}

/** Row - column: whether ten were borrowed, and the digit; column 10 is a 9 to which a borrow has come. */
interface Differences {
  "0": ["00", "19", "18", "17", "16", "15", "14", "13", "12", "11", "10"]
  "1": ["01", "00", "19", "18", "17", "16", "15", "14", "13", "12", "11"]
  "2": ["02", "01", "00", "19", "18", "17", "16", "15", "14", "13", "12"]
  "3": ["03", "02", "01", "00", "19", "18", "17", "16", "15", "14", "13"]
  "4": ["04", "03", "02", "01", "00", "19", "18", "17", "16", "15", "14"]
  "5": ["05", "04", "03", "02", "01", "00", "19", "18", "17", "16", "15"]
  "6": ["06", "05", "04", "03", "02", "01", "00", "19", "18", "17", "16"]
  "7": ["07", "06", "05", "04", "03", "02", "01", "00", "19", "18", "17"]
  "8": ["08", "07", "06", "05", "04", "03", "02", "01", "00", "19", "18"]
  "9": ["09", "08", "07", "06", "05", "04", "03", "02", "01", "00", "19"]
}

/** Tens and ones of row × column. */
interface Products {
  "0": ["00", "00", "00", "00", "00", "00", "00", "00", "00", "00"]
  "1": ["00", "01", "02", "03", "04", "05", "06", "07", "08", "09"]
  "2": ["00", "02", "04", "06", "08", "10", "12", "14", "16", "18"]
  "3": ["00", "03", "06", "09", "12", "15", "18", "21", "24", "27"]
  "4": ["00", "04", "08", "12", "16", "20", "24", "28", "32", "36"]
  "5": ["00", "05", "10", "15", "20", "25", "30", "35", "40", "45"]
  "6": ["00", "06", "12", "18", "24", "30", "36", "42", "48", "54"]
  "7": ["00", "07", "14", "21", "28", "35", "42", "49", "56", "63"]
  "8": ["00", "08", "16", "24", "32", "40", "48", "56", "64", "72"]
  "9": ["00", "09", "18", "27", "36", "45", "54", "63", "72", "81"]
}

interface Next {
  "0": "1"
  "1": "2"
  "2": "3"
  "3": "4"
  "4": "5"
  "5": "6"
  "6": "7"
  "7": "8"
  "8": "9"
  "9": "10"
}

type Cell<Table, Row, Column> = Row extends keyof Table
  ? Column extends keyof Table[Row]
    ? Table[Row][Column]
    : never
  : never

/** The digit, one more where there is a carry. */
type Carry<C, Digit> = C extends "1" ? (Digit extends keyof Next ? Next[Digit] : never) : Digit

type Reversed<S extends string, R extends string = ""> = S extends `${infer H}${infer T}` ? Reversed<T, `${H}${R}`> : R
type Digits<N extends number> = Reversed<`${N}`>

/** Without zeros in front; of nothing but zeros one stays. */
type Trimmed<S extends string> = S extends `0${infer T}` ? (T extends "" ? S : Trimmed<T>) : S
/** The number of its digits; `number` where JavaScript would not write it so. */
type NumberOf<S extends string> = Trimmed<Reversed<S>> extends `${infer N extends number}` ? N : number

type SumOf<
  A extends string,
  B extends string,
  C extends string = "0",
  R extends string = "",
> = A extends `${infer a}${infer x}`
  ? B extends `${infer b}${infer y}`
    ? Cell<Sums, Carry<C, a>, b> extends `${infer c}${infer d}`
      ? SumOf<x, y, c, `${R}${d}`>
      : never
    : C extends "0"
      ? `${R}${A}`
      : SumOf<A, "1", "0", R>
  : B extends ""
    ? C extends "0"
      ? R
      : `${R}1`
    : SumOf<B, "", C, R>

/** Null where the difference is negative. */
type DifferenceOf<
  A extends string,
  B extends string,
  C extends string = "0",
  R extends string = "",
> = A extends `${infer a}${infer x}`
  ? B extends `${infer b}${infer y}`
    ? Cell<Differences, a, Carry<C, b>> extends `${infer c}${infer d}`
      ? DifferenceOf<x, y, c, `${R}${d}`>
      : never
    : C extends "0"
      ? `${R}${A}`
      : DifferenceOf<A, "1", "0", R>
  : B extends ""
    ? C extends "0"
      ? R
      : null
    : B extends `0${infer y}`
      ? DifferenceOf<"", y, C, R>
      : null

/** The product with one digit: the ones of all products plus their tens one place up. */
type TimesDigit<
  A extends string,
  Digit,
  Ones extends string = "",
  Tens extends string = "0",
> = A extends `${infer a}${infer x}`
  ? Cell<Products, a, Digit> extends `${infer t}${infer o}`
    ? TimesDigit<x, Digit, `${Ones}${o}`, `${Tens}${t}`>
    : never
  : SumOf<Ones, Tens>

/** `B` has its first digit first: the product so far moves one place up for each. */
type ProductOf<A extends string, B extends string, R extends string = "0"> = B extends `${infer b}${infer y}`
  ? ProductOf<A, y, b extends "0" ? `0${R}` : SumOf<`0${R}`, TimesDigit<A, b>>>
  : R

/** How often `B` goes into `Rest`, at most nine times, and what is left. */
type DigitOf<Rest extends string, B extends string, Q extends string = "0"> =
  DifferenceOf<Rest, B> extends infer Less extends string
    ? Q extends keyof Next
      ? DigitOf<Less, B, Next[Q]>
      : never
    : [Q, Rest]

/** Long division; `A` has its first digit first. */
type QuotientOf<
  A extends string,
  B extends string,
  Rest extends string = "",
  Q extends string = "",
> = A extends `${infer a}${infer x}`
  ? DigitOf<`${a}${Rest}`, B> extends [infer q extends string, infer rest extends string]
    ? QuotientOf<x, B, rest, `${q}${Q}`>
    : never
  : [NumberOf<Q>, NumberOf<Rest>]

/** Whether a size is known: one non-negative integer. */
export type IsKnown<N, All = N> = N extends number
  ? number extends N
    ? false
    : [All] extends [N]
      ? N extends Dim<string>
        ? false
        : `${N}` extends `-${string}` | `${string}.${string}` | `${string}e${string}`
          ? false
          : true
      : false
  : false

type BothKnown<A, B> = IsKnown<A> extends true ? IsKnown<B> : false

/** A + B. */
export type Add<A extends number, B extends number> =
  BothKnown<A, B> extends true
    ? A extends 0
      ? B
      : B extends 0
        ? A
        : NumberOf<SumOf<Digits<A>, Digits<B>>>
    : A extends 0
      ? B
      : B extends 0
        ? A
        : number

/** A - B; never where that is negative. */
export type Sub<A extends number, B extends number> =
  BothKnown<A, B> extends true
    ? A extends B
      ? 0
      : B extends 0
        ? A
        : DifferenceOf<Digits<A>, Digits<B>> extends infer R extends string
          ? NumberOf<R>
          : never
    : B extends 0
      ? A
      : number

/** A × B. */
export type Mul<A extends number, B extends number> =
  BothKnown<A, B> extends true
    ? A extends 1
      ? B
      : B extends 1
        ? A
        : A extends 0
          ? 0
          : NumberOf<ProductOf<Digits<A>, `${B}`>>
    : A extends 1
      ? B
      : B extends 1
        ? A
        : number

/** Quotient (rounded down) and remainder of A / B; `[number, number]` where they are not known or B is 0. */
export type DivMod<A extends number, B extends number> =
  BothKnown<A, B> extends true
    ? B extends 0
      ? [number, number]
      : B extends 1
        ? [A, 0]
        : A extends B
          ? [1, 0]
          : QuotientOf<`${A}`, Digits<B>>
    : [B] extends [1]
      ? 0 extends 1 & B
        ? [number, number]
        : [A, 0]
      : [number, number]

/** A / B rounded up. */
export type CeilDiv<A extends number, B extends number> =
  DivMod<A, B> extends [infer Q extends number, infer R] ? (R extends 0 ? Q : Add<Q, 1>) : number

/** Whether A < B; boolean where that is not known. */
export type Less<A extends number, B extends number> =
  BothKnown<A, B> extends true ? ([Sub<A, B>] extends [never] ? true : false) : boolean

/** The smaller of A and B; `number` where that is not known. */
export type Min<A extends number, B extends number> =
  BothKnown<A, B> extends true ? ([Sub<A, B>] extends [never] ? A : B) : number

/** A - B, or 0 where that is negative. */
export type Excess<A extends number, B extends number> =
  BothKnown<A, B> extends true ? ([Sub<A, B>] extends [never] ? 0 : Sub<A, B>) : number

/** N of a literal -N; never for others. */
export type Negated<N> = N extends number ? (`${N}` extends `-${infer P extends number}` ? P : never) : never
