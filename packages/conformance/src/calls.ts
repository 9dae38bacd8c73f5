/** A case's call, made with tensors of the library. */

import { slice, type Tensor, tensor } from "@taeda/core"
import type { Case, CaseArg } from "./cases.ts"
import { storageOf, type TensorInput } from "./inputs.ts"
import { functionAt, functionOf, methodNamed, signatureOf } from "./resolve.ts"
import type { Row } from "./row.ts"

export type Call = Pick<Case, "row" | "args" | "options" | "inputs">

/** A call with its tensors made: as arguments, and one by one in the order of the case's inputs. */
export interface Prepared {
  readonly row: Row
  readonly args: readonly unknown[]
  readonly options: Readonly<Record<string, unknown>>
  readonly tensors: readonly Tensor[]
}

const isInput = (arg: unknown): arg is TensorInput =>
  typeof arg === "object" && arg !== null && (arg as { spec?: unknown }).spec === "tensor"

/** The tensor of an input on the default device: a strided view of all of its storage. */
export function tensorOf(input: TensorInput, requiresGrad = false): Tensor {
  const whole = tensor(storageOf(input), { dtype: input.dtype })
  const view = whole.asStrided(input.shape, input.strides, input.offset).detach()
  return requiresGrad && input.requiresGrad ? view.requiresGrad_() : view
}

/** Fills the slots of a call with tensors, in the order of its inputs. */
function fill(call: Call, tensors: readonly Tensor[]): Prepared {
  let next = 0
  const visit = (arg: CaseArg): unknown => {
    if (Array.isArray(arg)) return arg.map(visit)
    if (isInput(arg)) return tensors[next++]
    if (typeof arg !== "object" || arg === null) return arg
    const { start, stop, step } = arg as Exclude<typeof arg, readonly CaseArg[] | TensorInput>
    return slice(start, stop, step)
  }
  const args = call.args.map(visit)
  const options = Object.fromEntries(Object.entries(call.options).map(([name, arg]) => [name, visit(arg)]))
  return { row: call.row, args, options, tensors }
}

/** Makes the tensors of a call. `requiresGrad`: those that the case differentiates with respect to are leaves. */
export const prepare = (call: Call, requiresGrad = false): Prepared =>
  fill(
    call,
    call.inputs.map((input) => tensorOf(input, requiresGrad)),
  )

/** The call with other tensors. */
export const withTensors = (call: Call, tensors: readonly Tensor[]): Prepared => fill(call, tensors)

/** Positional arguments and, where there are any, named options. */
const argumentsOf = ({ args, options }: Prepared): unknown[] =>
  Object.keys(options).length > 0 ? [...args, options] : [...args]

const firstTensor = ({ args }: Prepared): Tensor => args[0] as Tensor

/** Ways of calling an op, each giving what the op gives (a promise where the op is awaited). */
export const FORMS = {
  /** As the row says: the function, the method where there is only that, or the property. */
  plain(prepared: Prepared): unknown {
    const { row } = prepared
    if (!row.mutates) return functionOf(row)(...argumentsOf(prepared))
    const copy = firstTensor(prepared).clone()
    functionOf(row)(copy, ...argumentsOf(prepared).slice(1))
    return copy
  },
  method(prepared: Prepared): unknown {
    const method = methodNamed(prepared.row.name)
    if (!method) throw new Error(`there is no method ${prepared.row.name}`)
    return method(...argumentsOf(prepared))
  },
  /** Every argument by its name; of a method all but the tensor that has it. */
  named(prepared: Prepared): unknown {
    const { row, args, options } = prepared
    const signature = signatureOf(row)
    if (!signature) throw new Error("it has no signature")
    const kept = row.in === "Tensor" ? 1 : 0
    const { rest } = signature.parameters
    const flat = rest >= 0 && args.length > rest && !Array.isArray(args[rest])
    const given = flat ? [...args.slice(0, rest), args.slice(rest)] : args
    const named: Record<string, unknown> = { ...options }
    given.forEach((arg, i) => {
      if (i >= kept && arg !== undefined) named[signature.names[i]] = arg
    })
    return functionOf(row)(...given.slice(0, kept), named)
  },
  /** The twin that does not wait. */
  sync(prepared: Prepared): unknown {
    const name = `${prepared.row.name}Sync`
    const twin = methodNamed(name) ?? functionAt(name)
    if (!twin) throw new Error(`there is no ${name}`)
    return twin(...argumentsOf(prepared))
  },
  /** Changes the first argument. */
  inPlace(prepared: Prepared): unknown {
    const method = methodNamed(`${prepared.row.name}_`)
    if (!method) throw new Error(`there is no method ${prepared.row.name}_`)
    return method(...argumentsOf(prepared))
  },
} as const

export type Form = keyof typeof FORMS
