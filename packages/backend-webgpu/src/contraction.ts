/**
 * Sums of products as shaders: out[z, m, n] = epilogue(Σ_k a(z, m, k)·b(z, k, n)) over `rows` m, `columns` n and a depth k that may
 * depend on the batch z. Where an element lies is a sum of what its indices contribute each for itself, so that an invocation takes
 * indices apart once, outside its loop. That covers matrix products, and convolutions without an unfolded copy of their input.
 *
 * Three shaders: tiles through workgroup memory; few rows, where an invocation has a column and a slice of the depth; and the sum of
 * the partial results where a long depth is split over workgroups (always in the same order: the result is deterministic).
 */
import { type DType, type Epilogue, result, substitute } from "@taeda/core"
import { elementOf, type Lane, laneOf, perWord } from "./elements.ts"
import { writeExpressions } from "./expression.ts"
import type { Launch } from "./launch.ts"
import { writeMeeting } from "./meeting.ts"
import { GROUP } from "./planner.ts"
import type { BufferRef } from "./program.ts"
import { bindInput, bindOutput, readElement, storedBits, type View, writeElement } from "./views.ts"
import { type Emitted, Writer } from "./writer.ts"

/** A launch with the numbers that texts mention by name. Of the scalars only those of the epilogue. */
export interface ContractionLaunch extends Launch {
  readonly numbers: Readonly<Record<string, number>>
}

/** The numbers of the launch in a shader's text. */
export interface Numbers {
  readonly u32: (name: string) => string
  readonly i32: (name: string) => string
}

const numbersOf = (w: Writer): Numbers => {
  const u32 = (name: string): string =>
    w.number(name, (launch) => {
      const value = (launch as ContractionLaunch).numbers[name]
      if (value === undefined) throw new Error(`webgpu: a launch lacks the number ${name}`)
      return value >>> 0
    })
  return { u32, i32: (name) => `bitcast<i32>(${u32(name)})` }
}

/** Statements, and what they define as expressions, in the order that each member of `ContractionText` states. */
export interface Body {
  readonly statements: string
  readonly values: readonly string[]
}

/** An index taken apart: `names` from the outermost on, with the sizes (u32) of all but the first, and expressions of them. */
export interface Parts {
  readonly names: readonly string[]
  readonly sizes: readonly string[]
  readonly values: readonly string[]
}

/** Statements that take an index apart. */
export function unravel(index: string, names: readonly string[], sizes: readonly string[]): string {
  const inner = sizes.map((size, d) => `  var ${names[d + 1]} = i32(rest % ${size}); rest /= ${size};`).reverse()
  return [`  var rest = u32(${index});`, ...inner, `  var ${names[0]} = i32(rest);`].join("\n")
}

/** Where elements are. All values are i32; `batch` is there in all bodies but its own, with the fields of `batchFields`. */
export interface ContractionText {
  /** What else later bodies need of a batch. */
  readonly batchFields: readonly string[]
  /** Of `z`: the depth, where a and b begin, `batchFields`, then where the output and the epilogue's inputs begin. */
  readonly batch: Body
  /** Of `m`: what it adds to the place in a. */
  readonly row: Body
  /** Of `n`: what it adds to the place in b, then to each checked coordinate of b. */
  readonly column: Body
  /** Of `k`: what it adds to the place in a and in b, then to each checked coordinate of b. */
  readonly depth: Parts
  /** Of `m`: what it adds to the places in the output and the inputs. */
  readonly rowPlace: Body
  /** Of `n`: the same, behind a bool that says whether such a column exists. */
  readonly columnPlace: Body
  /** The sizes of b's checked coordinates: b is 0 outside. */
  readonly checkedSizes: readonly string[]
}

/** What of a contraction is the same for all its shaders. */
export interface Contraction {
  readonly dtype: DType
  readonly epilogue: Epilogue | null
  readonly describe: (p: Numbers) => ContractionText
}

/** A tile's shape: invocations along rows and columns, vectors of four results per invocation along each, and the depth of a step. */
export interface Tile {
  readonly down: number
  readonly across: number
  readonly rowQuads: number
  readonly columnQuads: number
  readonly depth: number
}

export const tileRows = (t: Tile): number => 4 * t.down * t.rowQuads
export const tileColumns = (t: Tile): number => 4 * t.across * t.columnQuads
export const tileThreads = (t: Tile): number => t.down * t.across
/** A row of vectors in workgroup memory is one longer than it must be, against bank conflicts. */
const pitch = (elements: number): number => elements / 4 + 1
export const tileBytes = (t: Tile): number => 16 * t.depth * (pitch(tileRows(t)) + pitch(tileColumns(t)))

/** Along which index neighbours of a and b are read by neighbouring invocations. */
export interface Reading {
  readonly a: "row" | "depth"
  readonly b: "column" | "depth"
}

/** What sums of products of a type are kept in. */
const accumulatorOf = (dtype: DType): "float32" | "int32" => (laneOf(dtype) === "f32" ? "float32" : "int32")

export const lines = (count: number, line: (k: number) => string): string => list(count, line).join("\n")
export const list = (count: number, item: (k: number) => string): string[] =>
  Array.from({ length: count }, (_, k) => item(k))
const struct = (name: string, fields: readonly string[]): string => `struct ${name} { ${fields.join(", ")} }`
const i32s = (names: readonly string[]): string[] => names.map((name) => `${name}: i32`)

/** Declares a function; one that gives a struct gives it of the body's values in their order. */
function declareBody(w: Writer, name: string, parameters: string, type: string, { statements, values }: Body): void {
  const value = type === "i32" ? values[0] : `${type}(${values.join(", ")})`
  w.declare(name, `fn ${name}(${parameters}) -> ${type} {\n${statements}\n  return ${value};\n}`)
}

/** The shader being written, and what it knows of the contraction. */
export interface Writing {
  readonly w: Writer
  readonly p: Numbers
  readonly text: ContractionText
  readonly lane: Lane
}

/** Begins a shader: where batches and results are. */
function begin({ dtype, epilogue, describe }: Contraction): Writing {
  const w = new Writer()
  const p = numbersOf(w)
  const text = describe(p)
  const places = list(1 + (epilogue?.inputs.length ?? 0), (k) => `o${k}`)
  w.declare("Batch", struct("Batch", i32s(["depth", "a", "b", ...text.batchFields, ...places])))
  declareBody(w, "batch_of", "z: i32", "Batch", text.batch)
  w.declare("Place", struct("Place", i32s(places)))
  w.declare("ColumnPlace", struct("ColumnPlace", ["valid: bool", ...i32s(places)]))
  declareBody(w, "row_place", "batch: Batch, m: i32", "Place", text.rowPlace)
  declareBody(w, "column_place", "batch: Batch, n: i32", "ColumnPlace", text.columnPlace)
  return { w, p, text, lane: laneOf(dtype) }
}

/** Reading a and b, which are bound first. */
function declareLoads({ w, text, lane }: Writing, { dtype }: Contraction): void {
  const coordinates = list(text.checkedSizes.length, (d) => `c${d}`)
  w.declare("Column", struct("Column", i32s(["b", ...coordinates])))
  w.declare("Depth", struct("Depth", i32s(["a", "b", ...coordinates])))
  declareBody(w, "row_part", "batch: Batch, m: i32", "i32", text.row)
  declareBody(w, "column_part", "batch: Batch, n: i32", "Column", text.column)
  const { names, sizes, values } = text.depth
  declareBody(w, "depth_part", "batch: Batch, k: i32", "Depth", { statements: unravel("k", names, sizes), values })
  for (const [k, name] of ["a", "b"].entries()) {
    const view = bindInput(w, k, dtype)
    const body = (): void => {
      const value = readElement(w, view, "u32(at)")
      w.lines.push(`return ${value};`)
    }
    w.declare(`read_${name}`, w.function(`fn read_${name}(at: i32) -> ${lane}`, body))
  }
  const sums = coordinates.map((c) => `column.${c} + depth.${c}`)
  const value = checked("read_b(batch.b + column.b + depth.b)", lane, sums, text.checkedSizes)
  w.declare(
    "load",
    `fn load_a(batch: Batch, row: i32, depth: Depth) -> ${lane} {
  return read_a(batch.a + row + depth.a);
}
fn load_b(batch: Batch, column: Column, depth: Depth) -> ${lane} {
  return ${value};
}`,
  )
}

/** 0 outside of the sizes. Without a branch, which costs more than the reading. */
export const checked = (value: string, lane: Lane, coordinates: readonly string[], sizes: readonly string[]): string =>
  sizes.length
    ? `select(${value}, ${lane}(), ${sizes.map((size, d) => `(u32(${coordinates[d]}) >= ${size})`).join(" | ")})`
    : value

/** The epilogue and the stores: `write` for one result, `write_four` for neighbours along the columns. */
function declareResults({ w, lane }: Writing, { dtype, epilogue }: Contraction): void {
  const inputs = (epilogue?.inputs ?? []).map((input, k) => bindInput(w, 2 + k, input.dtype))
  const out = bindOutput(w, 2 + inputs.length, dtype)
  const place = (k: number, column = "column"): string => `u32(batch.o${k} + row.o${k} + ${column}.o${k})`
  w.declare(
    "finish",
    w.function(`fn finish(batch: Batch, row: Place, column: ColumnPlace, sum: ${lane}) -> ${lane}`, () => {
      if (!epilogue) {
        w.lines.push("return sum;")
        return
      }
      const values = inputs.map((view, k) => w.let(readElement(w, view, place(k + 1)), "input"))
      const sum = result(0, accumulatorOf(dtype))
      const body = substitute([epilogue.body], (node) => (node.op === "result" ? sum.cast(node.dtype) : undefined))
      const [value] = writeExpressions(w, body, (node) => {
        if (node.op === "result") return "sum"
        return node.op === "input" ? values[Number(node.value)] : w.scalar(Number(node.value), node.dtype)
      })
      w.lines.push(`return ${value};`)
    }),
  )
  w.declare(
    "write",
    w.function(`fn write(batch: Batch, row: Place, column: ColumnPlace, sum: ${lane})`, () => {
      w.lines.push("if (!column.valid) { return; }")
      const value = w.let("finish(batch, row, column, sum)")
      writeElement(w, out, place(0), value)
    }),
  )
  w.declare(
    "write_four",
    w.function(
      `fn write_four(batch: Batch, row: Place, columns: ptr<function, array<ColumnPlace, 4>>, sums: vec4<${lane}>)`,
      () => {
        if (perWord(dtype) > 1) writePacked(w, out)
        else w.lines.push("for (var j = 0; j < 4; j++) { write(batch, row, (*columns)[j], sums[j]); }")
      },
    ),
  )
}

/** Four results of a packed type: written as words where they fill words of their own, else bit by bit. */
function writePacked(w: Writer, { buffer, dtype }: View): void {
  const count = perWord(dtype)
  const width = 32 / count
  w.lines.push("var bits: array<u32, 4>;", "var whole = true;", "for (var j = 0; j < 4; j++) {")
  w.lines.push("let column = (*columns)[j];", "whole = whole && column.valid && column.o0 == (*columns)[0].o0 + j;")
  w.lines.push("if (column.valid) {")
  const value = storedBits(dtype, w.let("finish(batch, row, column, sums[j])"))
  w.lines.push(`bits[j] = ${value};`, "}", "}")
  const at = w.let("u32(batch.o0 + row.o0 + (*columns)[0].o0)")
  w.lines.push(`if (whole && ${at} % ${count}u == 0u) {`)
  for (let word = 0; word < 4 / count; word++) {
    const parts = list(count, (k) => `(bits[${word * count + k}] << ${k * width}u)`)
    w.lines.push(`atomicStore(&${buffer}[${at} / ${count}u + ${word}u], ${parts.join(" | ")});`)
  }
  w.lines.push("return;", "}", "for (var j = 0; j < 4; j++) {", "if ((*columns)[j].valid) {")
  w.lines.push("let place = u32(batch.o0 + row.o0 + (*columns)[j].o0);", `let shift = place % ${count}u * ${width}u;`)
  w.lines.push(`atomicAnd(&${buffer}[place / ${count}u], ~(${2 ** width - 1}u << shift));`)
  w.lines.push(`atomicOr(&${buffer}[place / ${count}u], bits[j] << shift);`, "}", "}")
}

/** Takes the number of the workgroup apart, the innermost first; workgroups that are too many do nothing. */
function writeWorkgroup({ w, p }: Writing, counts: Readonly<Record<string, string>>): void {
  w.lines.push(`if (group >= ${p.u32("workgroups")}) { return; }`, "let t = i32(lane);", "var rest = group;")
  for (const [name, count] of Object.entries(counts))
    w.lines.push(`let ${name} = i32(rest % ${p.u32(count)}); rest /= ${p.u32(count)};`)
}

/** The batch, and the part of its depth that this workgroup sums. */
function writeRange({ w, p }: Writing, split: boolean): void {
  const [first, last] = split
    ? [`split * ${p.i32("span")}`, `min(batch.depth, begin + ${p.i32("span")})`]
    : ["0", "batch.depth"]
  w.lines.push("let batch = batch_of(z);", `let begin = ${first};`, `let end = ${last};`)
}

/** The places of four neighbouring columns. */
const columnPlaces = (first: string): string =>
  `var columns: array<ColumnPlace, 4>;\nfor (var j = 0; j < 4; j++) { columns[j] = column_place(batch, ${first} + j); }`

/** Where a partial sum is kept. */
const partialPlace = (p: Numbers): string =>
  `((split * ${p.i32("batches")} + z) * ${p.i32("rows")} + m) * ${p.i32("columns")} + n`

const PARTIAL: BufferRef = { temporary: 0 }

/** Begins a shader that sums; for a split depth it writes partial sums to the array whose name this gives. */
function beginSums(c: Contraction, split: boolean): Writing & { readonly partial: string } {
  const writing = begin(c)
  declareLoads(writing, c)
  if (!split) declareResults(writing, c)
  return { ...writing, partial: split ? writing.w.bind(PARTIAL, elementOf(accumulatorOf(c.dtype)), "write") : "" }
}

/** One operand's part of a step of a tile: its way into workgroup memory. */
interface TileSide {
  readonly name: "a" | "b"
  /** Of the tile, along the operand's own index. */
  readonly elements: number
  readonly alongDepth: boolean
  /** What is known of an element before the loop. */
  readonly part: (index: string) => string
}

/** Declares the workgroup memory of an operand, writes what stands before the loop, and gives a step's statements. */
function tileSide({ w, lane }: Writing, tile: Tile, { name, elements, alongDepth, part }: TileSide): string[] {
  const { depth } = tile
  const threads = tileThreads(tile)
  const quads = elements / 4
  const each = (depth * quads) / threads
  const quad = (i: number): string => (alongDepth ? `(t / ${depth} + ${(i * threads) / depth})` : `(t % ${quads})`)
  const k = (i: number): string => (alongDepth ? `(t % ${depth})` : `(t / ${quads} + ${(i * threads) / quads})`)
  w.declare(`tile_${name}`, `var<workgroup> tile_${name}: array<vec4<${lane}>, ${depth * pitch(elements)}>;`)
  for (let i = 0; i < (alongDepth ? each : 1); i++)
    for (let j = 0; j < 4; j++) w.lines.push(`let ${name}${i}_${j} = ${part(`${quad(i)} * 4 + ${j}`)};`)
  return list(each, (i) => {
    const loads = list(4, (j) => `load_${name}(batch, ${name}${alongDepth ? i : 0}_${j}, d)`)
    return `{
let k = k0 + ${k(i)};
var v = vec4<${lane}>();
if (k < end) {
let d = depth_part(batch, k);
v = vec4<${lane}>(${loads.join(", ")});
}
tile_${name}[${k(i)} * ${pitch(elements)} + ${quad(i)}] = v;
}`
  })
}

/** Steps of the depth go through workgroup memory. */
function stagedLoop(writing: Writing, tile: Tile, reading: Reading, [a, b]: readonly [Part, Part]): TileLoop {
  const { down, across, rowQuads, columnQuads, depth } = tile
  const [rows, columns] = [tileRows(tile), tileColumns(tile)]
  const steps = [
    ...tileSide(writing, tile, { name: "a", elements: rows, alongDepth: reading.a === "depth", part: a }),
    ...tileSide(writing, tile, { name: "b", elements: columns, alongDepth: reading.b === "depth", part: b }),
  ]
  return (products) => `for (var k0 = begin; k0 < end; k0 += ${depth}) {
${steps.join("\n")}
workgroupBarrier();
for (var k = 0; k < ${depth}; k++) {
${lines(rowQuads, (r) => `let va${r} = tile_a[k * ${pitch(rows)} + down + ${r * down}];`)}
${lines(columnQuads, (q) => `let vb${q} = tile_b[k * ${pitch(columns)} + across + ${q * across}];`)}
${products}
}
workgroupBarrier();
}`
}

/** The loop over the depth around a step's products, which are of `va0`, ... and `vb0`, ... */
export type TileLoop = (products: string) => string

/** What is known of a row or column of the tile before the loop. */
export type Part = (index: string) => string

/** How operands reach registers, where it is not through workgroup memory. */
export type TileForm = (writing: Writing, c: Contraction, tile: Tile, parts: readonly [Part, Part]) => TileLoop

let direct: TileForm | undefined

export const provideDirect = (form: TileForm): void => {
  direct = form
}

/** Tiles of the result, one to a workgroup; steps of the depth go through workgroup memory if `staging`. */
export function tileShader(c: Contraction, tile: Tile, reading: Reading, split: boolean, staging: boolean): Emitted {
  const writing = beginSums(c, split)
  const { w, p, lane, partial } = writing
  const { down, across, rowQuads, columnQuads } = tile
  writeWorkgroup(writing, {
    tile_column: "tilesAcross",
    tile_row: "tilesDown",
    ...(split && { split: "splits" }),
    z: "batches",
  })
  writeRange(writing, split)
  w.lines.push(`let m0 = tile_row * ${tileRows(tile)};`, `let n0 = tile_column * ${tileColumns(tile)};`)
  w.lines.push(`let down = t / ${across};`, `let across = t % ${across};`)
  // Behind the last row and column the last one is read again, and not stored.
  const parts: readonly [Part, Part] = [
    (index) => `row_part(batch, min(m0 + ${index}, ${p.i32("rows")} - 1))`,
    (index) => `column_part(batch, min(n0 + ${index}, ${p.i32("columns")} - 1))`,
  ]
  const loop = staging ? stagedLoop(writing, tile, reading, parts) : direct!(writing, c, tile, parts)
  const each = (line: (r: number, i: number, q: number) => string): string =>
    lines(rowQuads, (r) => lines(4, (i) => lines(columnQuads, (q) => line(r, i, q))))
  w.lines.push(
    each((r, i, q) => `var s${r}_${i}_${q} = vec4<${lane}>();`),
    loop(each((r, i, q) => `s${r}_${i}_${q} += va${r}[${i}] * vb${q};`)),
  )
  // Loops, because a store written out for every sum is long to compile.
  const sums: string[] = []
  each((r, i, q) => {
    sums.push(`s${r}_${i}_${q}`)
    return ""
  })
  w.lines.push(
    `var sums = array<vec4<${lane}>, ${sums.length}>(${sums.join(", ")});`,
    `for (var q = 0; q < ${columnQuads}; q++) {`,
    `let first = n0 + (across + q * ${across}) * 4;`,
    split ? "" : columnPlaces("first"),
    `for (var i = 0; i < ${4 * rowQuads}; i++) {`,
    `let m = m0 + (down + i / 4 * ${down}) * 4 + i % 4;`,
    `if (m >= ${p.i32("rows")}) { continue; }`,
    `let four = sums[i * ${columnQuads} + q];`,
    split
      ? `for (var n = first; n < min(first + 4, ${p.i32("columns")}); n++) { ${partial}[${partialPlace(p)}] = four[n - first]; }`
      : "write_four(batch, row_place(batch, m), &columns, four);",
    "}",
    "}",
  )
  return w.finish(tileThreads(tile))
}

/** How the invocations of a workgroup share columns and depth where there are few rows. */
export interface Slices {
  /** The number of rows: all of them. */
  readonly rows: number
  /** Invocations per column, a power of two. */
  readonly slices: number
  /** Along which index neighbouring invocations read b. */
  readonly along: Reading["b"]
}

/** Few rows: every invocation sums a slice of the depth for one column, and the workgroup adds the slices up. */
export function sliceShader(
  c: Contraction,
  { rows, slices, along }: Slices,
  split: boolean,
  subgroups: boolean,
): Emitted {
  const writing = beginSums(c, split)
  const { w, p, lane, partial } = writing
  if (subgroups) w.useSubgroups()
  const columns = GROUP / slices
  const eachRow = (line: (r: number) => string): string => lines(rows, line)
  const [columnOf, slice] =
    along === "depth" ? [`t / ${slices}`, `t % ${slices}`] : [`t % ${columns}`, `t / ${columns}`]
  writeWorkgroup(writing, { tile_column: "tilesAcross", ...(split && { split: "splits" }), z: "batches" })
  writeRange(writing, split)
  w.lines.push(
    `let column_of = ${columnOf};`,
    `let slice = ${slice};`,
    `let n = tile_column * ${columns} + column_of;`,
    `let column = column_part(batch, min(n, ${p.i32("columns")} - 1));`,
    eachRow((r) => `let row${r} = row_part(batch, ${r});\nvar s${r} = ${lane}();`),
    `for (var k = begin + slice; k < end; k += ${slices}) {`,
    "let d = depth_part(batch, k);",
    "let x = load_b(batch, column, d);",
    eachRow((r) => `s${r} += load_a(batch, row${r}, d) * x;`),
    "}",
  )
  if (slices > 1) {
    const fields = list(rows, (r) => `s${r}`)
    w.declare(
      "Sums",
      struct(
        "Sums",
        fields.map((field) => `${field}: ${lane}`),
      ),
    )
    const sums = fields.map((field) => `l.${field} + r.${field}`)
    w.declare("add_sums", `fn add_sums(l: Sums, r: Sums) -> Sums { return Sums(${sums.join(", ")}); }`)
    w.lines.push(`var total = Sums(${fields.join(", ")});`)
    writeMeeting(
      w,
      {
        Acc: "Sums",
        combine: "add_sums",
        tuples: "sums",
        total: "total",
        fields: Object.fromEntries(fields.map((field) => [field, lane])),
      },
      { lanes: `${slices}u`, step: along === "depth" ? "1u" : `${columns}u` },
      GROUP,
      subgroups,
    )
    w.lines.push(...fields.map((field) => `${field} = total.${field};`))
  }
  w.lines.push("if (slice > 0) { return; }")
  if (split)
    w.lines.push(
      `if (n < ${p.i32("columns")}) {`,
      eachRow((r) => `{ let m = ${r}; ${partial}[${partialPlace(p)}] = s${r}; }`),
      "}",
    )
  else
    w.lines.push(
      "let place = column_place(batch, n);",
      eachRow((r) => `write(batch, row_place(batch, ${r}), place, s${r});`),
    )
  return w.finish(GROUP)
}

/** Adds up partial sums in their order, and stores what becomes of them: four neighbouring columns to an invocation. */
export function sumShader(c: Contraction): Emitted {
  const writing = begin(c)
  const { w, p, lane } = writing
  const partial = w.bind(PARTIAL, elementOf(accumulatorOf(c.dtype)), "read")
  declareResults(writing, c)
  writeWorkgroup(writing, {})
  const quads = `((${p.u32("columns")} + 3u) / 4u)`
  w.lines.push(
    `rest = rest * ${GROUP}u + lane;`,
    `let n0 = i32(rest % ${quads}) * 4; rest /= ${quads};`,
    `let m = i32(rest % ${p.u32("rows")}); rest /= ${p.u32("rows")};`,
    "let z = i32(rest);",
    `if (z >= ${p.i32("batches")}) { return; }`,
    `var sums = vec4<${lane}>();`,
    `for (var split = 0; split < ${p.i32("splits")}; split++) {`,
    lines(
      4,
      (j) => `{ let n = min(n0 + ${j}, ${p.i32("columns")} - 1); sums[${j}] += ${partial}[${partialPlace(p)}]; }`,
    ),
    "}",
    "let batch = batch_of(z);",
    columnPlaces("n0"),
    "write_four(batch, row_place(batch, m), &columns, sums);",
  )
  return w.finish(GROUP)
}
