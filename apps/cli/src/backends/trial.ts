/** A backend's trial: products and gradients on it whose numbers are known. It may crash; whoever asks runs it in a process of its own. */
import type { BackendChoice } from "@taeda/choices"
import type { Library, Tensor } from "@taeda/examples"

/** What a trial found. */
export interface Passed {
  readonly state: "passed"
  /** "cuda:0". */
  readonly device: string
  /** What the device is here: its GPU, its threads. */
  readonly notes: readonly string[]
  /** Whether the processor imitates it. */
  readonly software: boolean
  /** `a.matmul(b)` and `a.grad`, as they print. */
  readonly product: string
  readonly gradient: string
  /** Rows and columns of the large matrices. */
  readonly size: number
  /** How many numbers were compared with those computed here. */
  readonly compared: number
  /** Of the product of the large ones and its gradients. */
  readonly milliseconds: number
}

export interface Failed {
  readonly state: "failed"
  readonly message: string
}

/** The backend's package is not installed. */
export interface Absent {
  readonly state: "absent"
  readonly message: string
}

export type Trial = Passed | Failed | Absent

const SIZE = 256

/** Whole numbers from -2 to 2: sums of their products are exact in float32. */
const pattern = (factor: number): Float64Array =>
  Float64Array.from({ length: SIZE * SIZE }, (_, i) => (((i % SIZE) * factor + Math.floor(i / SIZE) * 3) % 5) - 2)

/** The product of matrices of SIZE rows and columns, in float64; `at` says where their elements lie. */
function productOf(a: Float64Array, b: Float64Array, at: { readonly a: Walk; readonly b: Walk }): Float64Array {
  const out = new Float64Array(SIZE * SIZE)
  for (let i = 0; i < SIZE; i++)
    for (let k = 0; k < SIZE; k++) {
      const left = a[i * at.a.row + k * at.a.column]
      for (let j = 0; j < SIZE; j++) out[i * SIZE + j] += left * b[k * at.b.row + j * at.b.column]
    }
  return out
}

interface Walk {
  readonly row: number
  readonly column: number
}

const PLAIN: Walk = { row: SIZE, column: 1 }
const TRANSPOSED: Walk = { row: 1, column: SIZE }

/** How many numbers were right, all of a square matrix. @throws Error that names the first that is wrong. */
async function compare(what: string, tensor: Tensor, expected: ArrayLike<number>): Promise<number> {
  const data = (await tensor.data()) as ArrayLike<number>
  const wrong = Array.prototype.findIndex.call(expected, (value, i) => data[i] !== value)
  if (data.length === expected.length && wrong < 0) return expected.length
  const columns = Math.sqrt(expected.length)
  const at = `[${Math.floor(wrong / columns)}, ${wrong % columns}]`
  throw new Error(`wrong numbers: ${what} has ${data[wrong]} at ${at}, where ${expected[wrong]} is right`)
}

async function small(torch: Library): Promise<{ product: string; gradient: string }> {
  const a = torch.tensor(
    [
      [1, 2],
      [3, 4],
    ],
    { requiresGrad: true },
  )
  const b = torch.tensor([
    [5, 6],
    [7, 8],
  ])
  const product = a.matmul(b)
  product.sum().backward()
  await compare("the product", product, [19, 22, 43, 50])
  await compare("the gradient", a.grad!, [11, 15, 11, 15])
  return { product: await product.format(), gradient: await a.grad!.format() }
}

async function large(torch: Library): Promise<{ compared: number; milliseconds: number }> {
  const [a, b, weights] = [pattern(7), pattern(11), pattern(13)]
  const make = (values: Float64Array): Tensor => torch.tensor(Float32Array.from(values)).reshape(SIZE, SIZE)
  const [left, right, weight] = [make(a).requiresGrad_(), make(b).requiresGrad_(), make(weights)]
  const step = async (): Promise<Tensor> => {
    left.grad = null
    right.grad = null
    const product = left.matmul(right)
    product.mul(weight).sum().backward()
    await right.grad!.data()
    return product
  }
  // Kernels are compiled at their first use.
  await step()
  const start = performance.now()
  const product = await step()
  const milliseconds = performance.now() - start
  const compared =
    (await compare("the product", product, productOf(a, b, { a: PLAIN, b: PLAIN }))) +
    (await compare("the left gradient", left.grad!, productOf(weights, b, { a: PLAIN, b: TRANSPOSED }))) +
    (await compare("the right gradient", right.grad!, productOf(a, weights, { a: TRANSPOSED, b: PLAIN })))
  return { compared, milliseconds }
}

/** Whether an error says that one of the packages could not be found. */
function isAbsence(error: unknown, packages: readonly string[]): boolean {
  const { cause } = error as { cause?: { code?: string; message?: string } }
  return cause?.code === "ERR_MODULE_NOT_FOUND" && packages.some((name) => cause.message?.includes(`'${name}'`))
}

/** Tries a backend of a library. Resolves to how it went; crashes where the backend does. */
export async function trial(torch: Library, backend: BackendChoice): Promise<Trial> {
  try {
    const device = await torch.setDefaultDevice(backend.device)
    const { notes, software = false } = device.backend.capabilities
    const shown = { ...(await small(torch)), size: SIZE, ...(await large(torch)) }
    return { state: "passed", device: device.name, notes, software, ...shown }
  } catch (error) {
    const packages = [backend.package, ...Object.values(backend.alongside ?? {}).flat()]
    const message = error instanceof Error ? error.message : String(error)
    return { state: isAbsence(error, packages) ? "absent" : "failed", message }
  }
}
