/** Why the driver cannot be used, in words, with what to do. */
import type { DeviceInfo, LoadCode } from "./driver.ts"

/** What went wrong when the driver was tried. */
export interface Failure {
  /** A LoadCode, or the driver's own name of an error. */
  readonly code?: string
  readonly message: string
  /** The driver's version, where that is known: 10020 for CUDA 10.2. */
  readonly version?: number
}

/** What the words depend on besides. */
export interface Circumstances {
  readonly platform: string
  readonly libc?: "gnu" | "musl"
  /** CUDA_VISIBLE_DEVICES. */
  readonly visibleDevices?: string
}

/** The oldest compute capability that kernels are compiled for: Turing. */
export const OLDEST_CAPABILITY: readonly [number, number] = [7, 5]

const OTHERWISE = 'Otherwise use the device "webgpu", "wasm" or "cpu".'

/** 12040 as "12.4". */
export const versionText = (version: number): string =>
  `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`

const INSTALL = {
  linux:
    'Install it from your distribution ("sudo ubuntu-drivers install" on Ubuntu, the package nvidia-driver on Debian) or from nvidia.com/drivers; a container must be started with --gpus all (NVIDIA Container Toolkit), and under WSL the driver belongs into Windows. "nvidia-smi" shows whether it is there.',
  win32: 'Install it from nvidia.com/drivers. "nvidia-smi" shows whether it is there.',
}

const installFor = (platform: string): string => (platform === "win32" ? INSTALL.win32 : INSTALL.linux)

function hidden({ visibleDevices }: Circumstances): string {
  if (visibleDevices === undefined) return ""
  return ` CUDA_VISIBLE_DEVICES is ${JSON.stringify(visibleDevices)}, which says which GPUs this process sees: unset it, or name one that there is.`
}

/** Why no file loads: the places that have none would only hide the one whose file is no good. */
function whyNoneLoads(message: string): string {
  const reasons = message.split("; ")
  const others = reasons.filter((reason) => !/No such file or directory$/.test(reason))
  return others.join("; ") || `${reasons[0].split(":")[0]} is nowhere to be found`
}

type Words = (failure: Failure, circumstances: Circumstances) => string

const noGpu: Words = (_, circumstances) =>
  `NVIDIA's driver is there, but it has no GPU for this process.${hidden(circumstances)} "nvidia-smi" shows those of the machine; a container gets them by --gpus all.`

const WORDS: Readonly<Record<LoadCode | "CUDA_ERROR_NO_DEVICE" | "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", Words>> = {
  ERR_CUDA_LIBRARY: ({ message }, { platform, libc }) =>
    libc === "musl"
      ? `NVIDIA's driver does not load (${message}). It is made for glibc, and this system has musl, as Alpine does: use one with glibc, such as the image node:22-bookworm-slim.`
      : `there is no NVIDIA driver here (${whyNoneLoads(message)}). ${installFor(platform)}`,
  ERR_CUDA_OLD: ({ version = 0 }, { platform }) =>
    `NVIDIA's driver is too old: it is for CUDA ${versionText(version)}, and 11.0 is needed, which is driver ${platform === "win32" ? "451.48" : "450.36"} or newer. Update it: nvidia.com/drivers has the newest.`,
  ERR_CUDA_SYMBOL: ({ message, version = 0 }) =>
    `${message}${version ? ` (it says that it is for CUDA ${versionText(version)})` : ""}: it is no driver of NVIDIA's, or a damaged one. Install it again: nvidia.com/drivers.`,
  CUDA_ERROR_NO_DEVICE: noGpu,
  CUDA_ERROR_SYSTEM_DRIVER_MISMATCH: () =>
    "the parts of NVIDIA's driver are of different versions, as they are when it was just updated: restart the machine.",
}

const others: Words = ({ message }) =>
  `NVIDIA's driver does not start (${message}). "nvidia-smi" may say more; restarting the machine helps where the driver was just updated, or the machine slept.`

/** The error for a driver that cannot be used. */
export function driverError(failure: Failure, circumstances: Circumstances): Error {
  const { code = "" } = failure
  const words = Object.hasOwn(WORDS, code) ? WORDS[code as keyof typeof WORDS] : others
  return new Error(`cuda: ${words(failure, circumstances)} ${OTHERWISE}`)
}

export const capabilityText = ([major, minor]: readonly [number, number]): string => `${major}.${minor}`

const isTooOld = ({ computeCapability: [major, minor] }: DeviceInfo): boolean =>
  major < OLDEST_CAPABILITY[0] || (major === OLDEST_CAPABILITY[0] && minor < OLDEST_CAPABILITY[1])

/**
 * The device of that number.
 *
 * @throws Error where there is none, or it is too old.
 */
export function chooseDevice(devices: readonly DeviceInfo[], index: number, circumstances: Circumstances): DeviceInfo {
  if (devices.length === 0) throw new Error(`cuda: ${noGpu({ message: "" }, circumstances)} ${OTHERWISE}`)
  const device = devices[index]
  if (!device) {
    const there = devices.map(({ name }, i) => `cuda:${i} (${name})`).join(", ")
    throw new RangeError(`cuda: there is no cuda:${index}; there is ${there}.${hidden(circumstances)}`)
  }
  if (isTooOld(device))
    throw new Error(
      `cuda: cuda:${index} (${device.name}) has compute capability ${capabilityText(device.computeCapability)}, and ${capabilityText(OLDEST_CAPABILITY)} is needed: a GPU of 2018 (Turing: RTX 20, GTX 16, T4) or later. Use the device "webgpu", which works with older ones.`,
    )
  return device
}
