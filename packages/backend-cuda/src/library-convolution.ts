/** Convolutions and their gradients by cuDNN. */
import { type ConvKernel, computeType } from "@taeda/core"
import type { ConvolutionSpec, LibraryTensor, PreparedConvolution } from "./driver.ts"
import { bytesOf, type FloatType, isFloatType } from "./elements.ts"
import { countOf, isDense, type Launch } from "./launch.ts"
import { Finish } from "./library-finish.ts"
import {
  alignmentOf,
  denseOf,
  mayRound,
  type NativeLibraries,
  Remembered,
  WORKSPACE_BYTES,
} from "./native-libraries.ts"
import type { BufferRef, ConvolutionLaunch, DeviceLimits, PlacedOperand, Plan } from "./program.ts"

/** Tensors have fewer elements. */
const MOST = 2 ** 31
/** The library has no convolutions of fewer dims. */
const LEAST_SPATIAL = 2

type Role = "x" | "w" | "y"
/** Which part in a convolution each operand has: the two factors, and the result. */
const ROLES: Readonly<Record<ConvKernel["pass"], readonly [Role, Role, Role]>> = {
  forward: ["x", "w", "y"],
  input: ["y", "w", "x"],
  weight: ["x", "y", "w"],
}

interface Geometry {
  readonly stride: readonly number[]
  readonly padding: readonly number[]
  readonly dilation: readonly number[]
}

/** Strides of a view whose elements lie densely, the channels outermost or innermost; null where it is neither. */
function stridesOf(view: PlacedOperand): readonly number[] | null {
  const { sizes } = view
  if (isDense(view)) return denseOf(sizes).strides
  const channelsLast = <T>(list: readonly T[]): T[] => [list[0], ...list.slice(2), list[1]]
  const turned = { ...view, sizes: channelsLast(sizes), strides: channelsLast(view.strides) }
  if (!isDense(turned)) return null
  const [first, ...rest] = denseOf(turned.sizes).strides
  return [first, rest[rest.length - 1], ...rest.slice(0, -1)]
}

/** Whether a convolution of x by w has y's sizes. */
const fits = ({ stride, padding, dilation }: Geometry, x: PlacedOperand, w: PlacedOperand, y: PlacedOperand): boolean =>
  stride.every((step, d) => {
    const reach = x.sizes[d + 2] + 2 * padding[d] - dilation[d] * (w.sizes[d + 2] - 1) - 1
    return reach >= 0 && Math.floor(reach / step) + 1 === y.sizes[d + 2]
  })

/** With dims of size 1 before the spatial ones, so that there are enough for the library. */
function widened(sizes: readonly number[], strides: readonly number[]): Pick<LibraryTensor, "sizes" | "strides"> {
  const missing = Math.max(0, LEAST_SPATIAL + 2 - sizes.length)
  const ones = new Array<number>(missing).fill(1)
  const step = new Array<number>(missing).fill(sizes[2] * strides[2])
  return {
    sizes: [...sizes.slice(0, 2), ...ones, ...sizes.slice(2)],
    strides: [...strides.slice(0, 2), ...step, ...strides.slice(2)],
  }
}

class LibraryConvolution {
  private readonly kernel: ConvKernel & { readonly dtype: FloatType }
  private readonly libraries: NativeLibraries
  private readonly finish: Finish
  private readonly sums: FloatType
  private readonly tf32: boolean
  private readonly prepared = new Remembered<PreparedConvolution | null>()

  constructor(kernel: ConvKernel & { readonly dtype: FloatType }, limits: DeviceLimits, libraries: NativeLibraries) {
    this.kernel = kernel
    this.libraries = libraries
    this.finish = new Finish(kernel, kernel.spatial + 2)
    this.sums = computeType(kernel.dtype) as FloatType
    this.tf32 = mayRound(kernel, limits)
  }

  /** Null where our own kernels are for it. @throws LibraryError */
  plan(launch: Launch): Plan | null {
    if (!this.libraries.isThere("cudnn")) return null
    const { kernel, sums } = this
    const { operands, scalars } = launch
    const out = operands[operands.length - 1]
    if (!kernel.epilogue) return this.run(launch, out, { operand: operands.length - 1 }, kernel.dtype)
    const inPlace = sums === kernel.dtype && stridesOf(out) !== null
    const view = inPlace ? out : denseOf(out.sizes)
    const into = inPlace ? { operand: operands.length - 1 } : { temporary: 0 }
    const plan = this.run(launch, view, into, sums)
    if (!plan) return null
    const own = scalars.slice(3 * kernel.spatial + 1)
    return {
      ...plan,
      launches: [...plan.launches, ...this.finish.launches({ ...launch, scalars: own }, { inPlace, view })],
    }
  }

  /** The convolution alone, into a view of the result's sizes; null where the library has none. */
  private run({ operands, scalars }: Launch, out: PlacedOperand, into: BufferRef, result: FloatType): Plan | null {
    const { pass, spatial, dtype } = this.kernel
    const given = (from: number): number[] => scalars.slice(from * spatial, (from + 1) * spatial).map(Number)
    const geometry: Geometry = { stride: given(0), padding: given(1), dilation: given(2) }
    const views: PlacedOperand[] = [operands[0], operands[1], out]
    const types = [dtype, dtype, result]
    const tensors: Partial<Record<Role, LibraryTensor>> = {}
    const places: Partial<Record<Role, BufferRef>> = {}
    for (const [k, role] of ROLES[pass].entries()) {
      const strides = stridesOf(views[k])
      const count = countOf(views[k].sizes)
      if (!strides || count === 0 || count >= MOST) return null
      tensors[role] = { ...widened(views[k].sizes, strides), alignment: alignmentOf(views[k], bytesOf(types[k])) }
      places[role] = k === 2 ? into : { operand: k }
    }
    const [x, w, y] = (["x", "w", "y"] as const).map((role) => views[ROLES[pass].indexOf(role)])
    if (!fits(geometry, x, w, y)) return null
    /** With a number for each of the dims that are added. */
    const padded = (numbers: readonly number[], added: number): number[] => [
      ...new Array<number>(Math.max(0, LEAST_SPATIAL - spatial)).fill(added),
      ...numbers,
    ]
    const spec: ConvolutionSpec = {
      pass,
      type: dtype,
      result,
      tf32: this.tf32,
      x: tensors.x!,
      w: tensors.w!,
      y: tensors.y!,
      stride: padded(geometry.stride, 1),
      padding: padded(geometry.padding, 0),
      dilation: padded(geometry.dilation, 1),
      workspaceBytes: WORKSPACE_BYTES,
    }
    const convolution = this.prepared.get(keyOf(spec), () => this.libraries.prepareConvolution(spec))
    if (!convolution) return null
    const temporaries = "temporary" in into ? [bytesOf(result) * countOf(out.sizes)] : []
    const { workspaceBytes } = convolution
    const workspace = workspaceBytes ? { temporary: temporaries.length } : null
    const launch: ConvolutionLaunch = { convolution, buffers: [places.x!, places.w!, places.y!, workspace] }
    return { launches: [launch], temporaries: workspaceBytes ? [...temporaries, workspaceBytes] : temporaries }
  }
}

const keyOf = ({ result, x, w, y, stride, padding, dilation }: ConvolutionSpec): string =>
  [
    result,
    ...[x, w, y].map(({ sizes, strides, alignment }) => `${sizes.join()};${strides.join()};${alignment}`),
    stride.join(),
    padding.join(),
    dilation.join(),
  ].join("/")

/** The convolutions of a kernel, where the library has such. */
export function libraryConvolutionOf(
  kernel: ConvKernel,
  limits: DeviceLimits,
  libraries: NativeLibraries,
): LibraryConvolution | undefined {
  const { dtype } = kernel
  return isFloatType(dtype) ? new LibraryConvolution({ ...kernel, dtype }, limits, libraries) : undefined
}
