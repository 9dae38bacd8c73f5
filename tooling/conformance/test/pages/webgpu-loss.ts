import { open } from "@taeda/backend-webgpu"
import * as torch from "taeda"

/** What a page sees of a device that went away. */
export interface Loss {
  /** What reads and waits that were pending rejected with. */
  readonly pending: readonly string[]
  /** What uses of its tensors threw. */
  readonly uses: readonly string[]
  /** Computed on the device that was opened after it. */
  readonly after: readonly number[]
}

const messageOf = (error: unknown): string => (error as Error).message

function thrown(body: () => unknown): string {
  try {
    body()
  } catch (error) {
    return messageOf(error)
  }
  return "nothing"
}

interface Losable {
  destroy(): void
}

/** Takes hold of the devices that are opened from now on. */
function graspDevices(): readonly Losable[] {
  const devices: Losable[] = []
  const { prototype } = (
    globalThis as unknown as { GPUAdapter: { prototype: { requestDevice(d: object): Promise<Losable> } } }
  ).GPUAdapter
  const { requestDevice } = prototype
  prototype.requestDevice = async function (descriptor) {
    const device = await requestDevice.call(this, descriptor)
    devices.push(device)
    return device
  }
  return devices
}

export async function main(): Promise<Loss> {
  const devices = graspDevices()
  torch.registerBackend("webgpu", open)
  await torch.setDefaultDevice("webgpu")
  const old = torch.ones(300, 300)
  const waiting = [old.sum().item(), old.data(), torch.getDefaultDevice().backend.synchronize()]
  devices[0].destroy()
  const pending = await Promise.all(
    waiting.map((promise: Promise<unknown>) => promise.then(() => "nothing", messageOf)),
  )
  const uses = [
    thrown(() => old.add(1)),
    thrown(() => torch.ones(2)),
    await old.data().then(() => "nothing", messageOf),
  ]
  await torch.setDefaultDevice("webgpu")
  const after = (await torch.ones(2, 2).matmul(torch.ones(2, 2)).toArray()) as number[][]
  return { pending, uses: [...uses, thrown(() => old.add(1))], after: after.flat() }
}
