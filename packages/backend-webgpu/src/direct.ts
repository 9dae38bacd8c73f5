/** Tiles without workgroup memory, for GPUs where that is ordinary memory: no copies, no barriers. */
import { checked, lines, list, type Numbers, type Parts, type TileForm, unravel } from "./contraction.ts"

/** Statements that go on to the next index: no division. */
const advance = ({ names, sizes }: Parts): string =>
  sizes.reduce(
    (outer, size, d) => `${names[d + 1]}++;\nif (u32(${names[d + 1]}) == ${size}) { ${names[d + 1]} = 0; ${outer} }`,
    `${names[0]}++;`,
  )

/** Every invocation reads what it needs where it lies. All that the loop can do without is before it: not every compiler moves it. */
export const directLoop: TileForm = ({ w, p, lane }, c, tile, parts) => {
  const known = new Map<string, string>()
  const before = (of: keyof Numbers) => (name: string) => {
    const short = `${of}_${name.replace(".", "_")}`
    known.set(short, p[of](name))
    return short
  }
  const { depth, checkedSizes } = c.describe({ u32: before("u32"), i32: before("i32") })
  const loop = [...depth.sizes, ...depth.values, ...checkedSizes].join(" ")
  for (const [short, number] of known) if (loop.includes(short)) w.lines.push(`let ${short} = ${number};`)
  const coordinates = checkedSizes.map((_, d) => `c${d}`)
  const [as, bs] = [4 * tile.rowQuads, 4 * tile.columnQuads]
  for (let i = 0; i < as; i++)
    w.lines.push(`let a${i}_ = batch.a + ${parts[0](`(down + ${(i >> 2) * tile.down}) * 4 + ${i & 3}`)};`)
  for (let i = 0; i < bs; i++) {
    w.lines.push(`let b${i}_of = ${parts[1](`(across + ${(i >> 2) * tile.across}) * 4 + ${i & 3}`)};`)
    w.lines.push(`let b${i}_ = batch.b + b${i}_of.b;`)
    w.lines.push(...coordinates.map((c) => `let b${i}_${c} = b${i}_of.${c};`))
  }
  const vectors = (name: string, count: number, value: (i: number) => string): string =>
    lines(count / 4, (q) => `let v${name}${q} = vec4<${lane}>(${list(4, (j) => value(4 * q + j)).join(", ")});`)
  return (products) => `{
${unravel("begin", depth.names, depth.sizes)}
for (var k = begin; k < end; k++) {
${["a", "b", ...coordinates].map((name, i) => `let d_${name} = ${depth.values[i]};`).join("\n")}
${vectors("a", as, (i) => `read_a(a${i}_ + d_a)`)}
${vectors("b", bs, (i) => {
  const sums = coordinates.map((c) => `b${i}_${c} + d_${c}`)
  return checked(`read_b(b${i}_ + d_b)`, lane, sums, checkedSizes)
})}
${products}
${advance(depth)}
}
}`
}
