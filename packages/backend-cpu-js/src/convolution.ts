/**
 * Convolutions of 1, 2 and 3 dimensions over contiguous arrays: the output, and the gradients of the input and the
 * weights.
 *
 * All three are one problem. A tap is one element of the kernel in space; a column of the product belongs to a pixel
 * and holds, for every channel and tap, the element of the source that the tap sees from that pixel. The columns are
 * never stored as a whole: block by block, the part of the source that a block of pixels sees is copied with its
 * padding to a float64 window, gathered from there into packed panels, and multiplied (see gemm.ts).
 *
 * The gradient of the input is the same with the taps reversed, once for every residue of the input's coordinates
 * modulo the stride, so that no multiplication is spent on the zeros between strides. Where there are many more inputs
 * than outputs, products for the outputs are spread over the inputs instead.
 */
import { even, type FloatArray, MAX_DEPTH, multiplyPanels, packPanels, scratch, tileEngine } from "./gemm.ts"

/** Depth, height and width; a convolution of fewer dimensions has size 1, stride 1 and padding 0 in the first ones. */
export type Triple = readonly [depth: number, height: number, width: number]

/**
 * The shape of a convolution. Input [batch, inChannels, ...inSize], weights [outChannels, inChannels / groups,
 * ...kernel] and output [batch, outChannels, ...outSize] are contiguous; `padding` is the number of zeros before each
 * dimension, and those behind it follow from `outSize`.
 */
export interface ConvGeometry {
  readonly batch: number
  readonly groups: number
  readonly inChannels: number
  readonly outChannels: number
  readonly inSize: Triple
  readonly kernel: Triple
  readonly outSize: Triple
  readonly stride: Triple
  readonly padding: Triple
  readonly dilation: Triple
}

/** Products of this few rows (depthwise convolutions above all) are summed without panels. */
const FEW_ROWS = 2
/** Most pixels of a block: it bounds the window where the inner dimension is short. */
const MAX_PIXELS = 4096
/** From this many inputs per output and stride on, the gradient of the input is spread and not gathered. */
const SPREAD_RATIO = 1.2
/** Float64 elements of a block of products that is spread over the pixels (512 KiB). */
const MAX_SPREAD = 65536

const windowScratch = /* @__PURE__ */ scratch(Float64Array)
const sumScratch = /* @__PURE__ */ scratch(Float64Array)
const rowScratch = /* @__PURE__ */ scratch(Float64Array)
const tapScratch = /* @__PURE__ */ scratch(Int32Array)
const pixelScratch = /* @__PURE__ */ scratch(Int32Array)
const dots = /* @__PURE__ */ new Float64Array(4)

/** The output: out = conv(x, w) + bias, where the bias has one element per output channel. `out` is overwritten. */
export function convForward<T extends FloatArray>(
  geometry: ConvGeometry,
  x: T,
  xOffset: number,
  w: T,
  wOffset: number,
  out: T,
  outOffset: number,
  bias?: { readonly data: T; readonly offset: number; readonly stride: number },
): void {
  const { batch, groups, outChannels, outSize } = geometry
  const { columns, rows, imageSize, sourceSize } = forwardColumns(geometry)
  const pixels = volume(outSize)
  const depth = columns.channels * volume(geometry.kernel)
  if (bias !== undefined) {
    for (let row = 0, at = outOffset; row < batch * outChannels; row++, at += pixels) {
      out.fill(bias.data[bias.offset + (row % outChannels) * bias.stride], at, at + pixels)
    }
  }
  const table = Int32Array.from({ length: depth }, (_, k) => k)
  for (let group = 0; group < groups; group++) {
    correlate(
      { columns, batch, data: x, offset: xOffset + group * sourceSize, imageStride: imageSize },
      { data: w, offset: wOffset + group * rows * depth, rowStride: depth, table },
      {
        data: out,
        rows,
        offset: outOffset + group * rows * pixels,
        imageStride: outChannels * pixels,
        rowStride: pixels,
        strides: contiguous(outSize),
      },
      bias !== undefined,
    )
  }
}

/** The gradient of the input: dx from the gradient g of the output and the weights. `dx` is overwritten. */
export function convInputGrad<T extends FloatArray>(
  geometry: ConvGeometry,
  g: T,
  gOffset: number,
  w: T,
  wOffset: number,
  dx: T,
  dxOffset: number,
): void {
  const { batch, groups, inChannels, outChannels, inSize, outSize, kernel, stride } = geometry
  const [rows, channels] = [inChannels / groups, outChannels / groups]
  const [inPixels, outPixels, taps] = [volume(inSize), volume(outSize), volume(kernel)]
  const strides = contiguous(inSize)
  const inOffset = (group: number) => dxOffset + group * rows * inPixels
  const outOffset = (group: number) => gOffset + group * channels * outPixels
  const weightsOffset = (group: number) => wOffset + group * channels * rows * taps
  // Where the stride exceeds the kernel, no tap reaches some of the input.
  dx.fill(0, dxOffset, dxOffset + batch * inChannels * inPixels)
  if (channels > FEW_ROWS && inPixels > SPREAD_RATIO * volume(stride) * outPixels) {
    const { columns } = forwardColumns(geometry)
    for (let group = 0; group < groups; group++) {
      const from = { data: g, offset: outOffset(group), imageStride: outChannels * outPixels }
      const to = { data: dx, offset: inOffset(group), imageStride: inChannels * inPixels }
      spread(columns, batch, channels, from, w, weightsOffset(group), to)
    }
    return
  }
  forEachTriple(stride, (residue) => {
    const reach = residue.map((r, d) => reachingTaps(geometry, r, d))
    const columns: Columns = {
      channels,
      size: outSize,
      taps: triple((d) => reach[d].map(([, offset]) => offset)),
      step: [1, 1, 1],
      pixels: triple((d) => Math.max(0, Math.ceil((inSize[d] - residue[d]) / stride[d]))),
    }
    const tapAt: number[] = []
    for (const [z] of reach[0]) {
      for (const [y] of reach[1]) {
        for (const [x] of reach[2]) tapAt.push((z * kernel[1] + y) * kernel[2] + x)
      }
    }
    const table = new Int32Array(channels * tapAt.length)
    for (let k = 0; k < table.length; k++) {
      table[k] = Math.floor(k / tapAt.length) * rows * taps + tapAt[k % tapAt.length]
    }
    for (let group = 0; group < groups; group++) {
      correlate(
        {
          columns,
          batch,
          data: g,
          offset: outOffset(group),
          imageStride: outChannels * outPixels,
        },
        { data: w, offset: weightsOffset(group), rowStride: taps, table },
        {
          data: dx,
          rows,
          offset: inOffset(group) + dot3(residue, strides),
          imageStride: inChannels * inPixels,
          rowStride: inPixels,
          strides: triple((d) => strides[d] * stride[d]),
        },
        false,
      )
    }
  })
}

/** The gradient of the weights: dw from the input and the gradient g of the output. `dw` is overwritten. */
export function convWeightGrad<T extends FloatArray>(
  geometry: ConvGeometry,
  x: T,
  xOffset: number,
  g: T,
  gOffset: number,
  dw: T,
  dwOffset: number,
): void {
  const { batch, groups, outChannels, outSize } = geometry
  const { columns, rows, imageSize, sourceSize } = forwardColumns(geometry)
  const pixels = volume(outSize)
  for (let group = 0; group < groups; group++) {
    sumOverPixels(
      { columns, batch, data: x, offset: xOffset + group * sourceSize, imageStride: imageSize },
      { data: g, offset: gOffset + group * rows * pixels, imageStride: outChannels * pixels },
      dw,
      dwOffset + group * rows * columns.channels * volume(geometry.kernel),
      rows,
    )
  }
}

/** What the columns of a product hold: from pixel p, channel c and tap t, the source at [c, p * step + taps[t]]. */
interface Columns {
  readonly channels: number
  /** Spatial size of the source. */
  readonly size: Triple
  /** Offsets of the taps along each dimension. */
  readonly taps: readonly [readonly number[], readonly number[], readonly number[]]
  readonly step: Triple
  /** Size of the grid of pixels. */
  readonly pixels: Triple
}

/** One group of a batch of images, from which columns are taken. */
interface Source {
  readonly columns: Columns
  readonly batch: number
  readonly data: FloatArray
  readonly offset: number
  readonly imageStride: number
}

/** A matrix whose element (i, k) stands at `offset + i*rowStride + table[k]`. */
interface Weights {
  readonly data: FloatArray
  readonly offset: number
  readonly rowStride: number
  readonly table: Int32Array
}

/** One group of a batch of images of `rows` channels, whose pixels are `strides` apart. */
interface Target {
  readonly data: FloatArray
  readonly rows: number
  readonly offset: number
  readonly imageStride: number
  readonly rowStride: number
  readonly strides: Triple
}

/** Pixels that are worked on at once: `count` rows of `width`, complete unless count is 1. */
interface Block {
  readonly depth: number
  readonly row: number
  readonly count: number
  readonly column: number
  readonly width: number
  /** Number of the first pixel, and of pixels. */
  readonly first: number
  readonly size: number
}

function forwardColumns(geometry: ConvGeometry) {
  const { groups, inChannels, outChannels, inSize, kernel, outSize, stride, padding, dilation } = geometry
  const channels = inChannels / groups
  const columns: Columns = {
    channels,
    size: inSize,
    taps: triple((d) => Array.from({ length: kernel[d] }, (_, t) => t * dilation[d] - padding[d])),
    step: stride,
    pixels: outSize,
  }
  const pixels = volume(inSize)
  return { columns, rows: outChannels / groups, imageSize: inChannels * pixels, sourceSize: channels * pixels }
}

/** The taps that reach inputs p*stride + residue along dimension d, and the offset from p of their output. */
function reachingTaps({ kernel, stride, padding, dilation }: ConvGeometry, residue: number, d: number) {
  const reach: [tap: number, offset: number][] = []
  for (let t = 0; t < kernel[d]; t++) {
    const distance = residue + padding[d] - t * dilation[d]
    if (distance % stride[d] === 0) reach.push([t, distance / stride[d]])
  }
  return reach
}

/** target (+)= weights · columns of the source. */
function correlate(source: Source, weights: Weights, target: Target, accumulate: boolean): void {
  const { columns } = source
  const { rows } = target
  const length = weights.table.length
  const [depth, limit] = blocking(length)
  const few = rows <= FEW_ROWS
  const maxRows = few ? FEW_ROWS : Math.floor(tileEngine().a.length / depth) & ~1
  const dense = isDense(target.strides, columns.pixels)
  for (let k = 0; k < length; k += depth) {
    const d = Math.min(depth, length - k)
    if (few) copyWeights(weights, rows, k, d)
    else if (rows <= maxRows) packWeights(weights, 0, rows, k, d)
    const add = accumulate || k > 0
    for (let image = 0; image < source.batch; image++) {
      const sourceAt = source.offset + image * source.imageStride
      const targetAt = target.offset + image * target.imageStride
      forEachBlock(columns.pixels, limit, (block) => {
        const n = block.size
        if (few) {
          const pitch = sumColumns(source, sourceAt, rows, k, d, block)
          addBlock(rows, block, pitch, target, targetAt, add)
          return
        }
        packColumns(source, sourceAt, k, d, block)
        const sums = dense ? target.data : sumScratch.take(rows * n)
        const [at, rowStride] = dense ? [targetAt + block.first, target.rowStride] : [0, n]
        for (let i = 0; i < rows; i += maxRows) {
          const r = Math.min(maxRows, rows - i)
          if (rows > maxRows) packWeights(weights, i, r, k, d)
          multiplyPanels(r, n, d, sums, at + i * rowStride, rowStride, 1, dense && add)
        }
        if (!dense) addBlock(rows, block, block.width, target, targetAt, add)
      })
    }
  }
}

/**
 * dx += the transposed weights · g, spread over the pixels that the taps see. Against {@link correlate} with the taps
 * reversed, it multiplies for every output and not for every input.
 */
function spread(
  columns: Columns,
  batch: number,
  outputs: number,
  g: { readonly data: FloatArray; readonly offset: number; readonly imageStride: number },
  w: FloatArray,
  wOffset: number,
  dx: { readonly data: FloatArray; readonly offset: number; readonly imageStride: number },
): void {
  const pixels = volume(columns.pixels)
  const length = columnLength(columns)
  const [depth, limit] = blocking(outputs)
  const most = Math.floor(tileEngine().a.length / depth) & ~1
  const rows = even(parts(length, most))
  for (let k = 0; k < length; k += rows) {
    const r = Math.min(rows, length - k)
    const whole = outputs <= depth
    if (whole) packPanels(r, outputs, w, wOffset + k, 1, length, tileEngine().a)
    for (let image = 0; image < batch; image++) {
      const gAt = g.offset + image * g.imageStride
      const dxAt = dx.offset + image * dx.imageStride
      forEachBlock(columns.pixels, Math.min(limit, Math.max(2, Math.floor(MAX_SPREAD / r))), (block) => {
        const n = block.size
        const sums = sumScratch.take(r * n)
        for (let l = 0; l < outputs; l += depth) {
          const d = Math.min(depth, outputs - l)
          if (!whole) packPanels(r, d, w, wOffset + k + l * length, 1, length, tileEngine().a)
          packPanels(n, d, g.data, gAt + l * pixels + block.first, 1, pixels, tileEngine().b)
          multiplyPanels(r, n, d, sums, 0, n, 1, l > 0)
        }
        const layout = layoutOf(columns, k, r, block)
        const window = windowScratch.take(layout.size).fill(0, 0, layout.size)
        for (let i = 0; i < r; i++) addScattered(n, sums, i * n, window, layout.taps[i], layout.pixels)
        forEachRow(layout, columns.size, (row, from) => {
          const { begin, extent } = layout
          if (row >= 0) addToRow(extent[2], dx.data, dxAt + row, begin[2], columns.size[2], window, from)
        })
      })
    }
  }
}

/** window[at + table[p]] += sums[from + p] */
function addScattered(
  length: number,
  sums: Float64Array,
  from: number,
  window: Float64Array,
  at: number,
  table: Int32Array,
): void {
  for (let p = 0; p < length; p++) window[at + table[p]] += sums[from + p]
}

function columnLength({ channels, taps }: Columns): number {
  return taps.reduce((product, offsets) => product * offsets.length, channels)
}

/** The even length of the stretches of an inner dimension, and how many columns of it are packed at once. */
function blocking(length: number): [depth: number, columns: number] {
  const depth = even(parts(length, MAX_DEPTH))
  return [depth, Math.min(MAX_PIXELS, Math.floor(tileEngine().b.length / depth) & ~1)]
}

/** target[rows, k] = the sum over images and pixels of factor · columns; the factor's rows are contiguous pixels. */
function sumOverPixels(
  source: Source,
  factor: { readonly data: FloatArray; readonly offset: number; readonly imageStride: number },
  target: FloatArray,
  targetAt: number,
  rows: number,
): void {
  const { columns } = source
  const pixels = volume(columns.pixels)
  const length = columnLength(columns)
  const most = Math.floor(tileEngine().b.length / MAX_DEPTH)
  const width = even(parts(length, most))
  const few = rows <= FEW_ROWS
  for (let k = 0; k < length; k += width) {
    const w = Math.min(width, length - k)
    const sums = sumScratch.take(rows * w).fill(0, 0, rows * w)
    for (let image = 0; image < source.batch; image++) {
      const sourceAt = source.offset + image * source.imageStride
      const factorAt = factor.offset + image * factor.imageStride
      forEachBlock(columns.pixels, MAX_DEPTH, (block) => {
        const n = block.size
        const at = factorAt + block.first
        if (few) {
          dotPixels(source, sourceAt, factor.data, at, pixels, rows, k, w, block, sums)
          return
        }
        packPixels(source, sourceAt, k, w, block)
        const maxRows = Math.floor(tileEngine().a.length / even(n)) & ~1
        for (let i = 0; i < rows; i += maxRows) {
          const r = Math.min(maxRows, rows - i)
          packPanels(r, n, factor.data, at + i * pixels, pixels, 1, tileEngine().a)
          multiplyPanels(r, w, n, sums, i * w, w, 1, true)
        }
      })
    }
    for (let i = 0, s = 0; i < rows; i++) {
      for (let j = 0, t = targetAt + i * length + k; j < w; j++) target[t++] = sums[s++]
    }
  }
}

/** Packs the block's columns, elements k to k + depth of each, into the panels of B. */
function packColumns(source: Source, at: number, k: number, depth: number, block: Block): void {
  const { columns } = source
  if (isPointwise(columns)) {
    const size = volume(columns.size)
    packPanels(block.size, depth, source.data, at + k * size + block.first, 1, size, tileEngine().b)
    return
  }
  const layout = layoutOf(columns, k, depth, block)
  gatherPanels(block.size, layout.pixels, depth, layout.taps, openWindow(source, at, layout))
}

/** Packs rows k to k + count of the columns, each over the pixels of the block, into the panels of B. */
function packPixels(source: Source, at: number, k: number, count: number, block: Block): void {
  const { columns } = source
  if (isPointwise(columns)) {
    const size = volume(columns.size)
    packPanels(count, block.size, source.data, at + k * size + block.first, size, 1, tileEngine().b)
    return
  }
  const layout = layoutOf(columns, k, count, block)
  gatherPanels(count, layout.taps, block.size, layout.pixels, openWindow(source, at, layout))
}

/** Sums the rows in `rowScratch` with the block's columns into `sumScratch`, and returns the pitch of its rows. */
function sumColumns(source: Source, at: number, rows: number, k: number, depth: number, block: Block): number {
  const { step } = source.columns
  const layout = layoutOf(source.columns, k, depth, block)
  const { taps, extent } = layout
  const window = openWindow(source, at, layout)
  const factors = rowScratch.take(rows * depth)
  // Without strides, all rows of pixels are one run with the window's pitch; what lies between them is not stored.
  const oneRun = step[1] === 1 && step[2] === 1
  const pitch = oneRun ? extent[2] : block.width
  const runs = oneRun ? 1 : block.count
  const length = oneRun ? (block.count - 1) * pitch + block.width : block.width
  const sums = sumScratch.take(rows * block.count * pitch)
  for (let i = 0; i < rows; i++) {
    for (let run = 0; run < runs; run++) {
      const to = (i * block.count + run) * pitch
      const from = run * step[1] * extent[2]
      sums.fill(0, to, to + length)
      for (let l = 0; l < depth; l += 4) {
        addTaps(length, depth - l, factors, i * depth + l, taps, l, window, from, step[2], sums, to)
      }
    }
  }
  return pitch
}

/** sums[to + x] += up to four factors times the window's elements `stride` apart that their taps see. */
function addTaps(
  length: number,
  count: number,
  factors: Float64Array,
  f: number,
  taps: Int32Array,
  l: number,
  window: Float64Array,
  from: number,
  stride: number,
  sums: Float64Array,
  to: number,
): void {
  if (count < 4) {
    for (let q = 0; q < count; q++) addTap(length, factors[f + q], window, from + taps[l + q], stride, sums, to)
    return
  }
  const f0 = factors[f]
  const f1 = factors[f + 1]
  const f2 = factors[f + 2]
  const f3 = factors[f + 3]
  let p0 = (from + taps[l]) | 0
  let p1 = (from + taps[l + 1]) | 0
  let p2 = (from + taps[l + 2]) | 0
  let p3 = (from + taps[l + 3]) | 0
  for (let x = 0; x < length; x++) {
    sums[to + x] += f0 * window[p0] + f1 * window[p1] + (f2 * window[p2] + f3 * window[p3])
    p0 = (p0 + stride) | 0
    p1 = (p1 + stride) | 0
    p2 = (p2 + stride) | 0
    p3 = (p3 + stride) | 0
  }
}

function addTap(
  length: number,
  factor: number,
  window: Float64Array,
  from: number,
  stride: number,
  sums: Float64Array,
  to: number,
): void {
  let p = from | 0
  for (let x = 0; x < length; x++) {
    sums[to + x] += factor * window[p]
    p = (p + stride) | 0
  }
}

/** Adds the products of the rows of the factor with rows k to k + count of the columns to `sums`. */
function dotPixels(
  source: Source,
  at: number,
  factor: FloatArray,
  factorAt: number,
  factorStride: number,
  rows: number,
  k: number,
  count: number,
  block: Block,
  sums: Float64Array,
): void {
  const layout = layoutOf(source.columns, k, count, block)
  const { taps, pixels } = layout
  const window = openWindow(source, at, layout)
  const factors = rowScratch.take(block.size)
  for (let i = 0; i < rows; i++) {
    for (let p = 0, f = factorAt + i * factorStride; p < block.size; p++) factors[p] = factor[f++]
    for (let t = 0; t < count; t += 4) {
      dotGathered(block.size, factors, 0, pixels, window, taps, t, count)
      const last = Math.min(4, count - t)
      for (let q = 0; q < last; q++) sums[i * count + t + q] += dots[q]
    }
  }
}

/** target (+)= the block's sums in `sumScratch`, whose rows of pixels are `pitch` apart. */
function addBlock(rows: number, block: Block, pitch: number, target: Target, at: number, accumulate: boolean): void {
  const { data, strides } = target
  const sums = sumScratch.take(rows * block.count * pitch)
  const first = at + block.depth * strides[0] + block.row * strides[1] + block.column * strides[2]
  for (let i = 0, s = 0; i < rows; i++) {
    for (let y = 0; y < block.count; y++, s += pitch) {
      const t = first + i * target.rowStride + y * strides[1]
      if (accumulate) addRow(block.width, sums, s, data, t, strides[2])
      else storeRow(block.width, sums, s, data, t, strides[2])
    }
  }
}

function storeRow(width: number, sums: Float64Array, s: number, data: FloatArray, at: number, stride: number): void {
  for (let x = 0, t = at | 0; x < width; x++, t = (t + stride) | 0) data[t] = sums[s + x]
}

function addRow(width: number, sums: Float64Array, s: number, data: FloatArray, at: number, stride: number): void {
  for (let x = 0, t = at | 0; x < width; x++, t = (t + stride) | 0) data[t] += sums[s + x]
}

/** Rows of the weights, elements k to k + depth of each, in `rowScratch`. */
function copyWeights(weights: Weights, rows: number, k: number, depth: number): void {
  const { data, table } = weights
  const factors = rowScratch.take(rows * depth)
  for (let i = 0; i < rows; i++) {
    const at = weights.offset + i * weights.rowStride
    for (let l = 0; l < depth; l++) factors[i * depth + l] = data[at + table[k + l]]
  }
}

/** Packs elements k to k + depth of `count` rows from `row` on into the panels of A. */
function packWeights(weights: Weights, row: number, count: number, k: number, depth: number): void {
  const size = 2 * even(depth)
  for (let i = 0, at = 0; i < count; i += 2, at += size) {
    const first = weights.offset + (row + i) * weights.rowStride
    // The second row of the last panel may be missing; its products are not stored.
    const second = i + 1 < count ? first + weights.rowStride : first
    packWeightPair(depth, weights.data, first, second, weights.table, k, tileEngine().a, at)
  }
}

function packWeightPair(
  depth: number,
  data: FloatArray,
  first: number,
  second: number,
  table: Int32Array,
  k: number,
  panels: Float64Array,
  at: number,
): void {
  let w = at | 0
  for (let l = 0; l < depth; l++) {
    const o = table[k + l]
    panels[w] = data[first + o]
    panels[w + 1] = data[second + o]
    w = (w + 2) | 0
  }
  if (depth & 1) panels[w] = panels[w + 1] = 0
}

/** Packs `count` vectors of `length` elements: element j of vector i is window[starts[i] + table[j]]. */
function gatherPanels(
  count: number,
  starts: Int32Array,
  length: number,
  table: Int32Array,
  window: Float64Array,
): void {
  const size = 2 * even(length)
  for (let i = 0, at = 0; i < count; i += 2, at += size) {
    const second = starts[Math.min(i + 1, count - 1)]
    gatherPair(length, table, window, starts[i], second, tileEngine().b, at)
  }
}

function gatherPair(
  length: number,
  table: Int32Array,
  window: Float64Array,
  first: number,
  second: number,
  panels: Float64Array,
  at: number,
): void {
  let w = at | 0
  for (let l = 0; l < length; l++) {
    const o = table[l]
    panels[w] = window[first + o]
    panels[w + 1] = window[second + o]
    w = (w + 2) | 0
  }
  if (length & 1) panels[w] = panels[w + 1] = 0
}

/** dots[q] = the product of the factors with window[starts[i + q] + table[...]], for four q or as many as there are. */
function dotGathered(
  length: number,
  factors: Float64Array,
  at: number,
  table: Int32Array,
  window: Float64Array,
  starts: Int32Array,
  i: number,
  count: number,
): void {
  const p0 = starts[i]
  const p1 = starts[Math.min(i + 1, count - 1)]
  const p2 = starts[Math.min(i + 2, count - 1)]
  const p3 = starts[Math.min(i + 3, count - 1)]
  let s0 = 0
  let s1 = 0
  let s2 = 0
  let s3 = 0
  for (let l = 0; l < length; l++) {
    const f = factors[at + l]
    const o = table[l]
    s0 += f * window[p0 + o]
    s1 += f * window[p1 + o]
    s2 += f * window[p2 + o]
    s3 += f * window[p3 + o]
  }
  dots[0] = s0
  dots[1] = s1
  dots[2] = s2
  dots[3] = s3
}

/** The window of a block, what its pixels see of the channels of some elements of the columns: where things stand. */
interface Layout {
  /** First channel, their number, and where the window of each begins in the source and how far it extends. */
  readonly channel: number
  readonly channels: number
  readonly begin: Triple
  readonly extent: Triple
  /** Element k + l of the column of the block's pixel p is window[pixels[p] + taps[l]]. */
  readonly taps: Int32Array
  readonly pixels: Int32Array
  readonly size: number
}

/** The layout for elements k to k + depth of the columns of the block. */
function layoutOf({ taps, step }: Columns, k: number, depth: number, block: Block): Layout {
  const [, high, wide] = taps
  const tapCount = taps[0].length * high.length * wide.length
  const channel = Math.floor(k / tapCount)
  const channels = Math.floor((k + depth - 1) / tapCount) - channel + 1
  const lowest = triple((d) => Math.min(...taps[d]))
  const pixel: Triple = [block.depth, block.row, block.column]
  const count: Triple = [1, block.count, block.width]
  const begin = triple((d) => pixel[d] * step[d] + lowest[d])
  const extent = triple((d) => (count[d] - 1) * step[d] + Math.max(...taps[d]) - lowest[d] + 1)
  const strides = contiguous(extent)
  const perChannel = volume(extent)

  const tapAt = tapScratch.take(depth)
  for (let l = 0, c = 0, tap = k % tapCount; l < depth; l++) {
    const line = Math.floor(tap / wide.length)
    const z = taps[0][Math.floor(line / high.length)] - lowest[0]
    const y = high[line % high.length] - lowest[1]
    const x = wide[tap % wide.length] - lowest[2]
    tapAt[l] = c * perChannel + z * strides[0] + y * strides[1] + x
    if (++tap === tapCount) {
      tap = 0
      c++
    }
  }
  const pixelAt = pixelScratch.take(block.size)
  for (let y = 0, p = 0; y < block.count; y++) {
    for (let x = 0; x < block.width; x++, p++) pixelAt[p] = y * step[1] * strides[1] + x * step[2]
  }
  return { channel, channels, begin, extent, taps: tapAt, pixels: pixelAt, size: channels * perChannel }
}

/** The window of the layout, filled from an image of the source, with zeros where it sticks out. */
function openWindow({ columns, data }: Source, at: number, layout: Layout): Float64Array {
  const width = layout.extent[2]
  const window = windowScratch.take(layout.size)
  forEachRow(layout, columns.size, (row, to) => {
    if (row >= 0) copyRow(width, data, at + row, layout.begin[2], columns.size[2], window, to)
    else window.fill(0, to, to + width)
  })
  return window
}

/** Visits the rows of a window: where each begins in the image (-1 if it is outside) and in the window. */
function forEachRow(layout: Layout, size: Triple, visit: (row: number, to: number) => void): void {
  const { channel, channels, begin, extent } = layout
  for (let c = 0, to = 0; c < channels; c++) {
    for (let z = begin[0]; z < begin[0] + extent[0]; z++) {
      const plane = (channel + c) * size[0] + z
      for (let y = begin[1]; y < begin[1] + extent[1]; y++, to += extent[2]) {
        const inside = z >= 0 && z < size[0] && y >= 0 && y < size[1]
        visit(inside ? (plane * size[1] + y) * size[2] : -1, to)
      }
    }
  }
}

/** window[to + x] = element begin + x of the row at `row`, or zero where that is not one of its `size` elements. */
function copyRow(
  width: number,
  data: FloatArray,
  row: number,
  begin: number,
  size: number,
  window: Float64Array,
  to: number,
): void {
  const first = Math.min(width, Math.max(0, -begin)) | 0
  const last = Math.max(first, Math.min(width, size - begin)) | 0
  const from = (row + begin) | 0
  for (let x = 0; x < first; x++) window[to + x] = 0
  for (let x = first; x < last; x++) window[to + x] = data[from + x]
  for (let x = last; x < width; x++) window[to + x] = 0
}

/** The reverse of {@link copyRow}: adds what lies inside the row to it. */
function addToRow(
  width: number,
  data: FloatArray,
  row: number,
  begin: number,
  size: number,
  window: Float64Array,
  to: number,
): void {
  const last = Math.min(width, size - begin)
  for (let x = Math.max(0, -begin); x < last; x++) data[row + begin + x] += window[to + x]
}

/** Cuts a grid into blocks of at most `limit` pixels, of about the same size. */
function forEachBlock(grid: Triple, limit: number, visit: (block: Block) => void): void {
  const [depths, rows, columns] = grid
  if (volume(grid) === 0) return
  const width = parts(columns, limit)
  const count = width < columns ? 1 : parts(rows, Math.floor(limit / columns))
  for (let depth = 0; depth < depths; depth++) {
    for (let row = 0; row < rows; row += count) {
      for (let column = 0; column < columns; column += width) {
        const [c, w] = [Math.min(count, rows - row), Math.min(width, columns - column)]
        const first = (depth * rows + row) * columns + column
        visit({ depth, row, count: c, column, width: w, first, size: c * w })
      }
    }
  }
}

/** The size of equal parts of at most `limit`. */
function parts(total: number, limit: number): number {
  return Math.ceil(total / Math.ceil(total / limit))
}

/** Whether a column is one element of each channel, at the pixel itself. */
function isPointwise({ taps, step, size, pixels }: Columns): boolean {
  return taps.every((t, d) => t.length === 1 && t[0] === 0 && step[d] === 1 && size[d] === pixels[d])
}

function isDense(strides: Triple, size: Triple): boolean {
  return contiguous(size).every((stride, d) => stride === strides[d] || size[d] === 1)
}

function forEachTriple(bounds: Triple, visit: (index: Triple) => void): void {
  for (let z = 0; z < bounds[0]; z++) {
    for (let y = 0; y < bounds[1]; y++) {
      for (let x = 0; x < bounds[2]; x++) visit([z, y, x])
    }
  }
}

function triple<T>(of: (d: number) => T): [T, T, T] {
  return [of(0), of(1), of(2)]
}

function volume([depth, height, width]: Triple): number {
  return depth * height * width
}

function contiguous([, height, width]: Triple): Triple {
  return [height * width, width, 1]
}

function dot3(a: Triple, b: Triple): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
