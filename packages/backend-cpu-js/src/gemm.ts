/**
 * General matrix multiplication over strided typed arrays: C = A·B or C += A·B.
 *
 * Large float products are packed into panels of two rows (of A) or two columns (of B) in float64 scratch and
 * multiplied by a 2×2 register tile: in V8 that is the fastest tile (bigger ones spill registers), and float64 panels
 * save the conversion that every float32 load costs. Float32 products are thus summed in float64 and rounded when
 * stored.
 *
 * The hot loops are small functions on their own, because V8 compiles a function that is called often much better than
 * a long loop that it has to replace while it runs. Nothing here calls back into user code, so the scratch arrays of
 * the module are never used twice at the same time.
 */

/** The arrays whose products are sums of IEEE numbers. */
export type FloatArray = Float32Array | Float64Array

/** The arrays whose products wrap around modulo 2^bits. */
export type IntegerArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array

/** The arrays whose products wrap around modulo 2^64. */
export type BigIntegerArray = BigInt64Array | BigUint64Array

/** Every array that {@link gemm} multiplies. */
export type GemmArray = FloatArray | IntegerArray | BigIntegerArray

/** Longest stretch of the inner dimension that is packed at once: a panel of two columns then fills 8 KiB. */
export const MAX_DEPTH = 512
/** Products of at most this many multiplications, or of an inner dimension this short, are not worth packing. */
const SMALL_PRODUCT = 1024
const SMALL_DEPTH = 4
/** With this few rows or columns, packing the other operand costs more than it saves. */
const SKINNY = 3
/** Rows of a matrix-vector product that are summed at once when the matrix is stored by columns. */
const COLUMN_CHUNK = 4096

/** An array that grows on demand and is reused: its contents are whatever the last user left. */
export interface Scratch<T> {
  /** An array of at least `length` elements. The next call may return the same one. */
  take(length: number): T
}

export function scratch<T extends { readonly length: number }>(type: new (length: number) => T): Scratch<T> {
  let array: T | undefined
  return {
    take(length) {
      if (array === undefined || array.length < length) array = new type(2 ** Math.ceil(Math.log2(length + 8)))
      return array
    },
  }
}

const scratchVector = /* @__PURE__ */ scratch(Float64Array)
const scratchRows = /* @__PURE__ */ scratch(Float64Array)
const scratchSum = /* @__PURE__ */ scratch(Float64Array)
let engine: TileEngine | undefined

/**
 * C[m×n] = A[m×k]·B[k×n], or C += A·B if `accumulate`.
 *
 * Element (i, j) of a matrix stands at `offset + i*rowStride + j*colStride`; strides of A and B may be 0 or negative.
 * All three arrays have the same type, and C overlaps neither A nor B. Floats are summed in float64; integers wrap
 * around as they do in the array's type. An inner dimension of 0 gives zeros.
 */
export function gemm<T extends GemmArray>(
  m: number,
  n: number,
  k: number,
  a: T,
  aOffset: number,
  aRowStride: number,
  aColStride: number,
  b: T,
  bOffset: number,
  bRowStride: number,
  bColStride: number,
  c: T,
  cOffset: number,
  cRowStride: number,
  cColStride: number,
  accumulate: boolean,
): void
export function gemm(
  m: number,
  n: number,
  k: number,
  a: GemmArray,
  ao: number,
  ars: number,
  acs: number,
  b: GemmArray,
  bo: number,
  brs: number,
  bcs: number,
  c: GemmArray,
  co: number,
  crs: number,
  ccs: number,
  accumulate: boolean,
): void {
  if (m <= 0 || n <= 0) return
  if (isFloat(a) && isFloat(b) && isFloat(c)) {
    if (m * n * k <= SMALL_PRODUCT) {
      small(m, n, k, a, ao, ars, acs, b, bo, brs, bcs, c, co, crs, ccs, accumulate)
    } else if (m <= SKINNY && m <= n) {
      for (let i = 0; i < m; i++) {
        matrixVector(n, k, b, bo, bcs, brs, a, ao + i * ars, acs, c, co + i * crs, ccs, accumulate)
      }
    } else if (n <= SKINNY) {
      for (let j = 0; j < n; j++) {
        matrixVector(m, k, a, ao, ars, acs, b, bo + j * bcs, brs, c, co + j * ccs, crs, accumulate)
      }
    } else if (k <= SMALL_DEPTH) {
      small(m, n, k, a, ao, ars, acs, b, bo, brs, bcs, c, co, crs, ccs, accumulate)
    } else {
      blocked(m, n, k, a, ao, ars, acs, b, bo, brs, bcs, c, co, crs, ccs, accumulate)
    }
  } else if (isInteger(a) && isInteger(b) && isInteger(c)) {
    integers(m, n, k, a, ao, ars, acs, b, bo, brs, bcs, c, co, crs, ccs, accumulate)
  } else if (isBigInteger(a) && isBigInteger(b) && isBigInteger(c)) {
    bigIntegers(m, n, k, a, ao, ars, acs, b, bo, brs, bcs, c, co, crs, ccs, accumulate)
  } else {
    const names = [a, b, c].map((array: GemmArray) => array.constructor.name).join(", ")
    throw new TypeError(`gemm: the three arrays must have one number type, got ${names}; convert them first`)
  }
}

function isFloat(array: GemmArray): array is FloatArray {
  return array instanceof Float32Array || array instanceof Float64Array
}

function isBigInteger(array: GemmArray): array is BigIntegerArray {
  return array instanceof BigInt64Array || array instanceof BigUint64Array
}

function isInteger(array: GemmArray): array is IntegerArray {
  return !isFloat(array) && !isBigInteger(array)
}

/** The packed blocks that products are made of, and the tile that multiplies them. */
export interface TileEngine {
  /** Panels of rows of A: 256 KiB, which stay in the second-level cache. */
  readonly a: Float64Array
  /** Panels of columns of B: 1 MiB. */
  readonly b: Float64Array
  /** The last tile. */
  readonly sums: Float64Array
  /** sums[0..3] = the 2×2 product of the panels at these places of `a` and `b`; the depth is even. */
  multiply(depth: number, aAt: number, bAt: number): void
}

/** The one engine, made when it is first needed. */
export function tileEngine(): TileEngine {
  engine ??= makeTileEngine()
  return engine
}

/**
 * The panels are constants around the tile and not its arguments, because V8 then compiles their address and length
 * into it, which makes it a third faster or more. (Exported bindings and those that bundlers turn into `var` would not
 * do.)
 */
function makeTileEngine(): TileEngine {
  const a = new Float64Array(32768)
  const b = new Float64Array(131072)
  const sums = new Float64Array(4)

  function multiply(depth: number, aAt: number, bAt: number): void {
    let p = aAt | 0
    let q = bAt | 0
    let s00 = 0
    let s01 = 0
    let s10 = 0
    let s11 = 0
    const end = (p + 2 * depth) | 0
    while (p < end) {
      const a0 = a[p]
      const a1 = a[p + 1]
      const b0 = b[q]
      const b1 = b[q + 1]
      s00 += a0 * b0
      s01 += a0 * b1
      s10 += a1 * b0
      s11 += a1 * b1
      const a2 = a[p + 2]
      const a3 = a[p + 3]
      const b2 = b[q + 2]
      const b3 = b[q + 3]
      s00 += a2 * b2
      s01 += a2 * b3
      s10 += a3 * b2
      s11 += a3 * b3
      p = (p + 4) | 0
      q = (q + 4) | 0
    }
    sums[0] = s00
    sums[1] = s01
    sums[2] = s10
    sums[3] = s11
  }

  // V8 must see fractions before it compiles the tile: had it only seen whole numbers (a product of `ones`, say), it
  // would compile integer arithmetic, which is six times slower and stays until the first fraction.
  a[0] = b[0] = 0.5
  for (let i = 0; i < 64; i++) multiply(2, 0, 0)
  return { a, b, sums, multiply }
}

/** Any floats, through packed panels. */
function blocked(
  m: number,
  n: number,
  k: number,
  a: FloatArray,
  ao: number,
  ars: number,
  acs: number,
  b: FloatArray,
  bo: number,
  brs: number,
  bcs: number,
  c: FloatArray,
  co: number,
  crs: number,
  ccs: number,
  accumulate: boolean,
): void {
  const panels = tileEngine()
  const depth = even(Math.ceil(k / Math.ceil(k / MAX_DEPTH)))
  const rows = Math.floor(panels.a.length / depth) & ~1
  const columns = Math.floor(panels.b.length / depth) & ~1
  for (let l = 0; l < k; l += depth) {
    const d = Math.min(depth, k - l)
    for (let j = 0; j < n; j += columns) {
      const s = Math.min(columns, n - j)
      packPanels(s, d, b, bo + l * brs + j * bcs, bcs, brs, panels.b)
      for (let i = 0; i < m; i += rows) {
        const r = Math.min(rows, m - i)
        packPanels(r, d, a, ao + i * ars + l * acs, ars, acs, panels.a)
        multiplyPanels(r, s, d, c, co + i * crs + j * ccs, crs, ccs, accumulate || l > 0)
      }
    }
  }
}

/** The next even number. */
export function even(x: number): number {
  return x + (x & 1)
}

/**
 * Packs `count` vectors of `length` elements into panels of two: panel v holds v0[0], v1[0], v0[1], v1[1], ...
 * An odd count or length is filled up with zeros, so that a panel takes `2 * even(length)` elements.
 */
export function packPanels(
  count: number,
  length: number,
  source: FloatArray,
  offset: number,
  vectorStride: number,
  stride: number,
  panels: Float64Array,
): void {
  const size = 2 * even(length)
  for (let v = 0, at = 0; v < count; v += 2, at += size) {
    const first = offset + v * vectorStride
    if (v + 1 < count) packPair(length, source, first, first + vectorStride, stride, panels, at)
    else packSingle(length, source, first, stride, panels, at)
  }
}

function packPair(
  length: number,
  source: FloatArray,
  first: number,
  second: number,
  stride: number,
  panels: Float64Array,
  at: number,
): void {
  let p = first | 0
  let q = second | 0
  let w = at | 0
  for (let l = 0; l < length; l++) {
    panels[w] = source[p]
    panels[w + 1] = source[q]
    p = (p + stride) | 0
    q = (q + stride) | 0
    w = (w + 2) | 0
  }
  if (length & 1) {
    panels[w] = 0
    panels[w + 1] = 0
  }
}

function packSingle(
  length: number,
  source: FloatArray,
  first: number,
  stride: number,
  panels: Float64Array,
  at: number,
): void {
  const end = at + 2 * even(length)
  let p = first
  for (let w = at; w < end; w += 2, p += stride) {
    panels[w] = w < at + 2 * length ? source[p] : 0
    panels[w + 1] = 0
  }
}

/**
 * C[m×n] (+)= A·B, with the rows of A and the columns of B in the panels of the {@link tileEngine}, each of `depth`
 * elements and packed by {@link packPanels}.
 */
export function multiplyPanels(
  m: number,
  n: number,
  depth: number,
  c: FloatArray,
  offset: number,
  rowStride: number,
  colStride: number,
  accumulate: boolean,
): void {
  for (let j = 0; j < n; j += 2) {
    multiplyColumns(m, Math.min(2, n - j), even(depth), j, c, offset + j * colStride, rowStride, colStride, accumulate)
  }
}

/** The tiles of all rows of A with the panel of B that begins at column j. */
function multiplyColumns(
  m: number,
  columns: number,
  depth: number,
  j: number,
  c: FloatArray,
  offset: number,
  rowStride: number,
  colStride: number,
  accumulate: boolean,
): void {
  const { sums, multiply } = tileEngine()
  for (let i = 0; i < m; i += 2) {
    multiply(depth, i * depth, j * depth)
    const p = (offset + i * rowStride) | 0
    const q = (p + rowStride) | 0
    if (i + 1 < m && columns === 2) {
      if (accumulate) {
        c[p] += sums[0]
        c[p + colStride] += sums[1]
        c[q] += sums[2]
        c[q + colStride] += sums[3]
      } else {
        c[p] = sums[0]
        c[p + colStride] = sums[1]
        c[q] = sums[2]
        c[q + colStride] = sums[3]
      }
    } else {
      c[p] = sums[0] + (accumulate ? c[p] : 0)
      if (columns === 2) c[p + colStride] = sums[1] + (accumulate ? c[p + colStride] : 0)
      else if (i + 1 < m) c[q] = sums[2] + (accumulate ? c[q] : 0)
    }
  }
}

/** Floats without packing: 2×2 tiles straight from the operands. */
function small(
  m: number,
  n: number,
  k: number,
  a: FloatArray,
  ao: number,
  ars: number,
  acs: number,
  b: FloatArray,
  bo: number,
  brs: number,
  bcs: number,
  c: FloatArray,
  co: number,
  crs: number,
  ccs: number,
  accumulate: boolean,
): void {
  for (let i = 0; i < m; i += 2) {
    // A missing second row or column is read as a copy of the first and not stored.
    const below = i + 1 < m ? ars : 0
    for (let j = 0; j < n; j += 2) {
      const right = j + 1 < n ? bcs : 0
      let p = (ao + i * ars) | 0
      let q = (bo + j * bcs) | 0
      let s00 = 0
      let s01 = 0
      let s10 = 0
      let s11 = 0
      for (let l = 0; l < k; l++) {
        const a0 = a[p]
        const a1 = a[p + below]
        const b0 = b[q]
        const b1 = b[q + right]
        s00 += a0 * b0
        s01 += a0 * b1
        s10 += a1 * b0
        s11 += a1 * b1
        p = (p + acs) | 0
        q = (q + brs) | 0
      }
      const r = (co + i * crs + j * ccs) | 0
      const s = (r + crs) | 0
      c[r] = accumulate ? c[r] + s00 : s00
      if (j + 1 < n) c[r + ccs] = accumulate ? c[r + ccs] + s01 : s01
      if (i + 1 < m) {
        c[s] = accumulate ? c[s] + s10 : s10
        if (j + 1 < n) c[s + ccs] = accumulate ? c[s + ccs] + s11 : s11
      }
    }
  }
}

/** y[m] (+)= A[m×k]·x[k], reading A once in the order in which it is stored. */
function matrixVector(
  m: number,
  k: number,
  a: FloatArray,
  ao: number,
  ars: number,
  acs: number,
  x: FloatArray,
  xo: number,
  xs: number,
  y: FloatArray,
  yo: number,
  ys: number,
  accumulate: boolean,
): void {
  if (m === 1) {
    const product = dot(k, a, ao, acs, x, xo, xs)
    y[yo] = accumulate ? y[yo] + product : product
    return
  }
  const vector = scratchVector.take(k)
  for (let l = 0; l < k; l++) vector[l] = x[xo + l * xs]
  const byRows = Math.abs(acs) <= Math.abs(ars)
  const chunk = byRows ? 4 : COLUMN_CHUNK
  const sum = byRows ? scratchRows.take(4) : scratchSum.take(COLUMN_CHUNK)
  for (let i = 0; i < m; i += chunk) {
    const rows = Math.min(chunk, m - i)
    const at = ao + i * ars
    if (byRows) {
      // Missing rows are read as copies of the last one and not stored.
      const second = at + Math.min(1, rows - 1) * ars
      const third = at + Math.min(2, rows - 1) * ars
      dotRows(k, a, at, second, third, at + (rows - 1) * ars, acs, vector, sum)
    } else {
      sum.fill(0, 0, rows)
      let l = 0
      for (; l + 3 < k; l += 4) addColumns(rows, a, at + l * acs, acs, ars, vector, l, sum)
      for (; l < k; l++) addColumn(rows, a, at + l * acs, ars, vector[l], sum)
    }
    for (let r = 0, p = yo + i * ys; r < rows; r++, p += ys) y[p] = accumulate ? y[p] + sum[r] : sum[r]
  }
}

function dot(
  k: number,
  a: FloatArray,
  ao: number,
  aStride: number,
  x: FloatArray,
  xo: number,
  xStride: number,
): number {
  let p = ao | 0
  let q = xo | 0
  let even = 0
  let odd = 0
  let l = 0
  for (; l + 1 < k; l += 2) {
    even += a[p] * x[q]
    odd += a[p + aStride] * x[q + xStride]
    p = (p + 2 * aStride) | 0
    q = (q + 2 * xStride) | 0
  }
  return l < k ? even + odd + a[p] * x[q] : even + odd
}

/** sums[r] = the product of row r of four with the vector. */
function dotRows(
  k: number,
  a: FloatArray,
  row0: number,
  row1: number,
  row2: number,
  row3: number,
  stride: number,
  vector: Float64Array,
  sums: Float64Array,
): void {
  let p0 = row0 | 0
  let p1 = row1 | 0
  let p2 = row2 | 0
  let p3 = row3 | 0
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  for (let l = 0; l < k; l++) {
    const x = vector[l]
    s0 += a[p0] * x
    s1 += a[p1] * x
    s2 += a[p2] * x
    s3 += a[p3] * x
    p0 = (p0 + stride) | 0
    p1 = (p1 + stride) | 0
    p2 = (p2 + stride) | 0
    p3 = (p3 + stride) | 0
  }
  sums[0] = s0
  sums[1] = s1
  sums[2] = s2
  sums[3] = s3
}

/** sum[r] += four columns, from `first` on, times the four elements of the vector from `l` on. */
function addColumns(
  rows: number,
  a: FloatArray,
  first: number,
  colStride: number,
  rowStride: number,
  vector: Float64Array,
  l: number,
  sum: Float64Array,
): void {
  const x0 = vector[l]
  const x1 = vector[l + 1]
  const x2 = vector[l + 2]
  const x3 = vector[l + 3]
  let p0 = first | 0
  let p1 = (p0 + colStride) | 0
  let p2 = (p1 + colStride) | 0
  let p3 = (p2 + colStride) | 0
  for (let r = 0; r < rows; r++) {
    sum[r] += a[p0] * x0 + a[p1] * x1 + (a[p2] * x2 + a[p3] * x3)
    p0 = (p0 + rowStride) | 0
    p1 = (p1 + rowStride) | 0
    p2 = (p2 + rowStride) | 0
    p3 = (p3 + rowStride) | 0
  }
}

function addColumn(rows: number, a: FloatArray, first: number, rowStride: number, x: number, sum: Float64Array): void {
  for (let r = 0, p = first; r < rows; r++, p += rowStride) sum[r] += a[p] * x
}

/** The sum modulo 2^32; storing it wraps it to the array's own width. */
function integers(
  m: number,
  n: number,
  k: number,
  a: IntegerArray,
  ao: number,
  ars: number,
  acs: number,
  b: IntegerArray,
  bo: number,
  brs: number,
  bcs: number,
  c: IntegerArray,
  co: number,
  crs: number,
  ccs: number,
  accumulate: boolean,
): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let p = (ao + i * ars) | 0
      let q = (bo + j * bcs) | 0
      const r = co + i * crs + j * ccs
      let sum = accumulate ? c[r] | 0 : 0
      for (let l = 0; l < k; l++) {
        sum = (sum + Math.imul(a[p], b[q])) | 0
        p = (p + acs) | 0
        q = (q + brs) | 0
      }
      c[r] = sum
    }
  }
}

/** As `integers`, modulo 2^64. */
function bigIntegers(
  m: number,
  n: number,
  k: number,
  a: BigIntegerArray,
  ao: number,
  ars: number,
  acs: number,
  b: BigIntegerArray,
  bo: number,
  brs: number,
  bcs: number,
  c: BigIntegerArray,
  co: number,
  crs: number,
  ccs: number,
  accumulate: boolean,
): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const r = co + i * crs + j * ccs
      let sum = accumulate ? c[r] : 0n
      // Wrapping at every step keeps V8 in 64-bit registers.
      for (let l = 0, p = ao + i * ars, q = bo + j * bcs; l < k; l++, p += acs, q += brs) {
        sum = BigInt.asIntN(64, sum + BigInt.asIntN(64, a[p] * b[q]))
      }
      c[r] = sum
    }
  }
}
