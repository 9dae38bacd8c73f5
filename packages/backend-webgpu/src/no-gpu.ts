/** What to do where there is no WebGPU, or no GPU. */

export const noGpu = (why: string): Error =>
  new Error(`webgpu: there is no GPU that can be used: ${why}. Otherwise use the device "wasm" or "cpu".`)

/** In a page. */
export const noWebGpu = (secure: boolean): Error =>
  new Error(
    secure
      ? 'webgpu: this browser has no WebGPU. Chrome, Edge (113 and later), Safari (26) and Firefox (141) have it on most machines; on Linux it may need the flag --enable-unsafe-webgpu. Otherwise use the device "wasm", which every browser since 2023 has.'
      : "webgpu: browsers give WebGPU only to secure pages: serve this one from https:// or from localhost",
  )

/** Where WebGPU has no adapter. */
export const noAdapter = (inNode: boolean): Error =>
  noGpu(
    inNode
      ? "it needs a Vulkan, Metal or Direct3D 12 driver; on Linux, `vulkaninfo` shows what there is, and Mesa's lavapipe (package mesa-vulkan-drivers) is one without a GPU"
      : "the browser may have blocked its driver: look at chrome://gpu, update the driver, or turn on hardware acceleration",
  )
