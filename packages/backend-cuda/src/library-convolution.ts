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
  private readonly tf32: boolean
  private readonly prepared = new Remembered<PreparedConvolution | null>()

  constructor(kernel: ConvKernel & { readonly dtype: FloatType }, limits: DeviceLimits, libraries: NativeLibraries) {
    this.kernel = kernel
    this.libraries = libraries
    this.finish = new Finish(kernel, kernel.spatial + 2, kernel.dtype)
    this.tf32 = mayRound(kernel, limits)
  }

  /** Null where our own kernels are for it. @throws LibraryError */
  plan(launch: Launch): Plan | null {
    if (!this.libraries.isThere("cudnn")) return null
    const { kernel } = this
    const plan = this.run(launch)
    if (!plan || !kernel.epilogue) return plan
    const view = launch.operands[launch.operands.length - 1]
    const scalars = launch.scalars.slice(3 * kernel.spatial + 1)
    const rest = this.finish.launches({ ...launch, scalars }, { inPlace: true, view })
    return { ...plan, launches: [...plan.launches, ...rest] }
  }

  /** The convolution alone; null where the library has none. */
  private run({ operands, scalars }: Launch): Plan | null {
    const { pass, spatial, dtype } = this.kernel
    const given = (from: number): number[] => scalars.slice(from * spatial, (from + 1) * spatial).map(Number)
    const geometry: Geometry = { stride: given(0), padding: given(1), dilation: given(2) }
    const last = operands.length - 1
    const views = [operands[0], operands[1], operands[last]]
    const tensors: Partial<Record<Role, LibraryTensor>> = {}
    const places: Partial<Record<Role, BufferRef>> = {}
    let bytes = 0
    for (const [k, role] of ROLES[pass].entries()) {
      const strides = stridesOf(views[k])
      const count = countOf(views[k].sizes)
      if (!strides || count === 0 || count >= MOST) return null
      tensors[role] = { ...widened(views[k].sizes, strides), alignment: alignmentOf(views[k], bytesOf(dtype)) }
      places[role] = { operand: k === 2 ? last : k }
      bytes += bytesOf(dtype) * count
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
      tf32: this.tf32,
      x: tensors.x!,
      w: tensors.w!,
      y: tensors.y!,
      stride: padded(geometry.stride, 1),
      padding: padded(geometry.padding, 0),
      dilation: padded(geometry.dilation, 1),
      // For tensor cores tensors are laid out anew, with more channels than there are.
      workspaceBytes: WORKSPACE_BYTES + 2 * bytes,
    }
    const convolution = this.prepared.get(keyOf(spec), () => this.libraries.prepareConvolution(spec))
    if (!convolution) return null
    const { workspaceBytes } = convolution
    const workspace = workspaceBytes ? { temporary: 0 } : null
    const launch: ConvolutionLaunch = { convolution, buffers: [places.x!, places.w!, places.y!, workspace] }
    return { launches: [launch], temporaries: workspaceBytes ? [workspaceBytes] : [] }
  }
}

const keyOf = ({ x, w, y, stride, padding, dilation }: ConvolutionSpec): string =>
  [
    ...[x, w, y].map(({ sizes, strides, alignment }) => `${sizes.join()};${strides.join()};${alignment}`),
    stride.join(),
    padding.join(),
    dilation.join(),
  ].join("/")

/**
 * The convolutions of a kernel, where the library has such. It has no sums wider than the result: half types would be rounded
 * before an epilogue, and after it again.
 */
export function libraryConvolutionOf(
  kernel: ConvKernel,
  limits: DeviceLimits,
  libraries: NativeLibraries,
): LibraryConvolution | undefined {
  const { dtype, epilogue } = kernel
  const isRounded = epilogue !== null && computeType(dtype) !== dtype
  return isFloatType(dtype) && !isRounded ? new LibraryConvolution({ ...kernel, dtype }, limits, libraries) : undefined
}
