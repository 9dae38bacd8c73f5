import * as torch from "taeda"
import { describe, expect, test } from "vitest"
import { programs, refusals } from "./python.ts"

const {
  autograd,
  enableGrad,
  inferenceMode,
  isGradEnabled,
  isInferenceModeEnabled,
  noGrad,
  ones,
  setGradEnabled,
  slice,
  tensor,
} = torch
const G = { requiresGrad: true }

describe("noGrad, enableGrad, setGradEnabled", () => {
  programs({
    nested: [
      () => {
        const x = ones(1, G)
        const out: boolean[] = []
        noGrad(() => {
          out.push(x.mul(2).requiresGrad)
          enableGrad(() => out.push(x.mul(2).requiresGrad))
          out.push(isGradEnabled())
        })
        out.push(isGradEnabled())
        setGradEnabled(false, () => out.push(isGradEnabled()))
        out.push(isGradEnabled())
        setGradEnabled(false, () => setGradEnabled(true, () => out.push(isGradEnabled())))
        return out
      },
      "(False, True, False, True, False, True, True)",
    ],
    "factories keep requiresGrad, and leaves may change": [
      () => {
        const [x, y] = noGrad(() => {
          const a = ones(2, G)
          const b = a.mul(2)
          a.add_(1)
          return [a, b]
        })
        return [x, y, x.version]
      },
      "(tensor([2., 2.], requires_grad=True), tensor([2., 2.]), 1)",
    ],
    "setGradEnabled for good": [
      () => {
        const x = ones(1, G)
        setGradEnabled(false)
        const a = x.mul(2).requiresGrad
        setGradEnabled(true)
        return [a, x.mul(2).requiresGrad]
      },
      "(False, True)",
    ],
    "a block restores what was before it": [
      () => {
        noGrad(() => void setGradEnabled(true))
        return isGradEnabled()
      },
      "True",
    ],
    "backward works inside": [
      () => {
        const x = ones(2, G)
        const y = x.mul(x).sum()
        noGrad(() => y.backward())
        return [x.grad, x.grad!.requiresGrad]
      },
      "(tensor([2., 2.]), False)",
    ],
    "results are constants": [
      () => {
        const x = tensor([1, 2], G)
        const c = noGrad(() => x.mul(10))
        x.mul(c).sum().backward()
        return [c.requiresGrad, x.grad]
      },
      "(False, tensor([10., 20.]))",
    ],
  })

  test("a callback's value comes back, and its error ends the mode", () => {
    expect(noGrad(() => 7)).toBe(7)
    expect(() =>
      noGrad(() => {
        throw new Error("mine")
      }),
    ).toThrow("mine")
    expect(isGradEnabled()).toBe(true)
  })

  test("an async callback has the mode until it settles", async () => {
    const seen: boolean[] = []
    const result = noGrad(async () => {
      seen.push(isGradEnabled())
      await Promise.resolve()
      seen.push(isGradEnabled())
      return "done"
    })
    expect(isGradEnabled()).toBe(false)
    expect(await result).toBe("done")
    expect([...seen, isGradEnabled()]).toEqual([false, false, true])
    await expect(noGrad(async () => Promise.reject(new Error("mine")))).rejects.toThrow("mine")
    expect(isGradEnabled()).toBe(true)
  })

  test("using", () => {
    {
      using _ = noGrad()
      expect(isGradEnabled()).toBe(false)
      {
        using _inner = enableGrad()
        expect(isGradEnabled()).toBe(true)
        using _last = setGradEnabled(false)
        expect(isGradEnabled()).toBe(false)
      }
      expect(isGradEnabled()).toBe(false)
    }
    expect(isGradEnabled()).toBe(true)
  })
})

describe("inferenceMode", () => {
  programs({
    "tensors made inside": [
      () => {
        const [a, x, y] = inferenceMode(() => {
          const leaf = ones(2, G)
          const result = leaf.mul(2)
          result.add_(1)
          return [isInferenceModeEnabled(), leaf, result] as const
        })
        return [a, isInferenceModeEnabled(), x.isInference, y.isInference, x.requiresGrad, y.requiresGrad, y]
      },
      "(True, False, True, True, True, False, tensor([3., 3.]))",
    ],
    "overrules enableGrad": [
      () =>
        inferenceMode(() => {
          const x = ones(1, G)
          return enableGrad(() => [x.mul(2).requiresGrad, isGradEnabled(), isInferenceModeEnabled()])
        }),
      "(False, True, True)",
    ],
    "inferenceMode(false) leaves it": [
      () =>
        inferenceMode(() => [
          isInferenceModeEnabled(),
          inferenceMode(false, () => [isInferenceModeEnabled(), isGradEnabled(), ones(1).isInference]),
        ]),
      "(True, (False, True, False))",
    ],
    "outside, a clone takes part": [
      () => {
        const x = inferenceMode(() => ones(2))
        const w = ones(2, G)
        const [y, c] = [w.add(x), x.clone()]
        w.mul(c).sum().backward()
        return [x.isInference, y.isInference, c.isInference, w.grad, x.mul(2).isInference]
      },
      "(True, False, False, tensor([1., 1.]), False)",
    ],
    "views and changes of ordinary tensors": [
      () => {
        const [x, w] = [ones(2), ones(2, G)]
        const [v, u] = inferenceMode(() => {
          const views = [x.at(slice(0, 1)), w.at(slice(0, 1))] as const
          x.add_(1)
          return views
        })
        return [v.isInference, v, x, u.requiresGrad]
      },
      "(False, tensor([2.]), tensor([2., 2.]), True)",
    ],
    "views of inference tensors": [
      () => {
        const x = inferenceMode(() => ones(2))
        return [x.at(slice(0, 1)).isInference, x.detach().isInference]
      },
      "(True, True)",
    ],
  })

  refusals({
    "saving for backward": [
      () => ones(2, G).mul(inferenceMode(() => ones(2))),
      "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by autograd.",
    ],
    "in-place changes outside": [
      () => inferenceMode(() => ones(2)).add_(1),
      "Inplace update to inference tensor outside InferenceMode is not allowed.",
    ],
    "requiring a gradient outside": [
      () => inferenceMode(() => ones(2)).requiresGrad_(),
      "Setting requiresGrad: true on inference tensor outside InferenceMode is not allowed.",
    ],
    "changing a view made inside": [
      () => {
        const y = ones(2, G).add(1)
        return inferenceMode(() => y.at(slice(0, 1))).add_(1)
      },
      "A view was created in inference mode and is being modified inplace in normal mode.",
    ],
    "backward from what was made inside": [
      () =>
        inferenceMode(() => ones(2, G).mul(2))
          .sum()
          .backward(),
      "does not require grad",
    ],
  })

  test("using", () => {
    {
      using _ = inferenceMode()
      expect([isInferenceModeEnabled(), isGradEnabled()]).toEqual([true, false])
      using _inner = inferenceMode(false)
      expect([isInferenceModeEnabled(), isGradEnabled()]).toEqual([false, true])
    }
    expect([isInferenceModeEnabled(), isGradEnabled()]).toEqual([false, true])
  })
})

/** The message of what `body` throws. */
function messageOf(body: () => void): string {
  try {
    body()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error("nothing was thrown")
}

describe("detectAnomaly", () => {
  programs({
    "a NaN gradient is silent without it": [
      () => {
        const x = tensor([0], G)
        x.sqrt().mul(0).sum().backward()
        return x.grad
      },
      "tensor([nan])",
    ],
  })

  function forwardOfRoot(x: torch.Tensor): torch.Tensor {
    return x.sqrt()
  }

  test("names the node and the forward line of a NaN", () => {
    const x = tensor([-1, 4], G)
    const message = messageOf(() => autograd.detectAnomaly(() => forwardOfRoot(x).sum().backward()))
    expect(message).toContain("Function 'SqrtBackward0' returned nan values in its 0th output.")
    expect(message).toMatch(/forwardOfRoot.*modes\.test\.ts/)
    expect(x.grad).toBeNull()
  })

  test("names the forward line of a changed tensor", () => {
    const message = messageOf(() =>
      autograd.detectAnomaly(() => {
        const y = forwardOfRoot(tensor([1, 4], G))
        y.add_(1)
        y.sum().backward()
      }),
    )
    expect(message).toContain(
      "which is output 0 of Sqrt, is at version 1; expected version 0 instead. Hint: the forward call",
    )
    expect(message).toMatch(/forwardOfRoot.*modes\.test\.ts/)
  })

  test("names the forward line of an error in a custom function", () => {
    class Fails extends autograd.Function {
      static override forward(_ctx: torch.autograd.FunctionContext, x: torch.Tensor) {
        return x.mul(2)
      }
      static override backward(): null {
        throw new Error("mine")
      }
    }
    const callFails = (x: torch.Tensor): torch.Tensor => Fails.apply(x)
    const message = messageOf(() => autograd.detectAnomaly(() => callFails(ones(1, G)).backward()))
    expect(message).toMatch(/^mine\nThe forward call of FailsBackward was here:/)
    expect(message).toMatch(/callFails.*modes\.test\.ts/)
  })

  test("ends with its block, and passes what is right", () => {
    const x = tensor([1, 4], G)
    autograd.detectAnomaly(() => forwardOfRoot(x).sum().backward())
    expect(String(x.grad)).toBe("tensor([0.5000, 0.2500])")
    const y = tensor([-1], G)
    forwardOfRoot(y).backward()
    expect(String(y.grad)).toBe("tensor([nan])")
  })
})
