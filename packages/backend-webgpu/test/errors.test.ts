/** What a device says later, on a device that only talks. */
import { HOW_TO_FREE, OutOfMemoryError } from "@taeda/core"
import { describe, expect, it } from "vitest"
import { DeviceErrors, WebGpuError } from "../src/errors.ts"
import { findAdapter, findGpu } from "../src/find-gpu.ts"
import type { GpuDevice, GpuErrorEvent } from "../src/gpu.ts"
import { createWebGpu } from "../src/index.ts"

interface Talk {
  readonly errors: DeviceErrors
  readonly lose: (info: { reason: string; message: string }) => Promise<void>
  readonly complain: (message: string) => void
}

/** A device whose error scopes end with the messages given, one after the other. */
function talking(...messages: readonly (string | null)[]): Talk {
  const said = [...messages]
  let resolve: (info: { reason: string; message: string }) => void = () => {}
  const lost = new Promise<{ reason: string; message: string }>((settle) => {
    resolve = settle
  })
  let complain: (event: GpuErrorEvent) => void = () => {}
  const device = {
    lost,
    pushErrorScope() {},
    popErrorScope: async () => {
      const message = said.shift()
      return message ? { message } : null
    },
    addEventListener: (_: string, listener: (event: GpuErrorEvent) => void) => {
      complain = listener
    },
  }
  const errors = new DeviceErrors(device as unknown as GpuDevice)
  return {
    errors,
    async lose(info) {
      resolve(info)
      await lost
      await Promise.resolve()
    },
    complain: (message) => complain({ error: { message } }),
  }
}

describe("errors of the device", () => {
  it("name the kernel that caused them, and are told once", async () => {
    const { errors } = talking("binding 3 is missing")
    expect(
      errors.scoped(
        "validation",
        () => "map of rank 1",
        () => 7,
      ),
    ).toBe(7)
    const error = await errors.settle().catch((e: unknown) => e)
    expect(error).toBeInstanceOf(WebGpuError)
    expect((error as Error).message).toBe("webgpu: map of rank 1 was refused: binding 3 is missing")
    await errors.settle()
  })

  it("keep the first of several, and rather what has a name than what came of it", async () => {
    const { errors, complain } = talking(null, "the first", "the second")
    complain("an invalid pipeline")
    for (const kernel of ["a", "b", "c"])
      errors.scoped(
        "validation",
        () => kernel,
        () => {},
      )
    await expect(errors.settle()).rejects.toThrow("b was refused: the first")
    await errors.settle()
    complain("an invalid pipeline")
    await expect(errors.settle()).rejects.toThrow("a command was refused: an invalid pipeline")
  })

  it("know memory that ran out", async () => {
    const { errors } = talking("no room")
    errors.scoped(
      "out-of-memory",
      () => "a buffer of 8 bytes",
      () => {},
    )
    const error = await errors.settle().catch((e: unknown) => e)
    expect(error).toBeInstanceOf(OutOfMemoryError)
    expect((error as Error).message).toBe(`webgpu: a buffer of 8 bytes found no memory: no room. ${HOW_TO_FREE}`)
  })

  it("say that the device was lost, at every use, and what to do", async () => {
    const { errors, lose } = talking()
    expect(errors.isLost).toBe(false)
    await lose({ reason: "unknown", message: "the driver was reset" })
    expect(errors.isLost).toBe(true)
    for (const _ of [1, 2]) expect(() => errors.checkPresent()).toThrow(/lost \(the driver was reset\).*Open a new one/)
    await expect(errors.settle()).rejects.toThrow("the driver was reset")
  })

  it("do not call a device lost that was destroyed on purpose", async () => {
    const { errors, lose } = talking()
    errors.close()
    await lose({ reason: "destroyed", message: "" })
    expect(errors.isLost).toBe(false)
    await expect(errors.settle()).rejects.toThrow("the backend was disposed before this was done")
  })

  it("wait for the device to be lost, where it refuses what is pending before it says so", async () => {
    const { errors, lose } = talking()
    const explained = errors.explain("reading", new DOMException("mapping was aborted", "AbortError"))
    await lose({ reason: "unknown", message: "the driver was reset" })
    expect((await explained).message).toContain("the device was lost (the driver was reset)")
  })

  it("say what was refused where nothing else is known", async () => {
    const { errors } = talking()
    const refusal = new DOMException("no", "OperationError")
    const error = await errors.explain("reading", refusal)
    expect([error.message, error.cause]).toEqual(["webgpu: reading was refused: no", refusal])
  })
})

describe("where there is no GPU", () => {
  it("the error says what to do", async () => {
    const none = { requestAdapter: async () => null }
    await expect(findAdapter(none)).rejects.toThrow(/there is no GPU that can be used.*"wasm" or "cpu"/)
    await expect(createWebGpu({ gpu: none })).rejects.toThrow("there is no GPU")
  })

  it("a preference is passed on", async () => {
    const asked: unknown[] = []
    const gpu = {
      requestAdapter: async (options?: object) => {
        asked.push(options)
        return null
      },
    }
    await findAdapter(gpu, "low-power").catch(() => {})
    await findAdapter(gpu).catch(() => {})
    expect(asked).toEqual([{ powerPreference: "low-power" }, undefined])
  })

  it("Node's comes from the package, and is the same each time", async () => {
    expect(await findGpu()).toBe(await findGpu())
  })
})
