/**
 * The native part of the backend cuda, which counts what it gave and did not get back: `globalThis.cudaHeld`. The backend is told to
 * load this file instead; TAEDA_CUDA_ADDON names the real one.
 */
"use strict"

const addon = require(process.env.TAEDA_CUDA_ADDON)
const held = { pinnedBytes: 0, modules: 0 }
globalThis.cudaHeld = held

let counted = false

/** All contexts have their methods in common. */
function count(context) {
  if (counted) return
  counted = true
  const methods = Object.getPrototypeOf(context)
  const { allocatePinned, freePinned, loadModule, loadModuleAsync, unloadModule } = methods
  Object.assign(methods, {
    allocatePinned(bytes) {
      const pinned = allocatePinned.call(this, bytes)
      held.pinnedBytes += pinned.bytes.length
      return pinned
    },
    freePinned(pinned) {
      const { length } = pinned.bytes
      freePinned.call(this, pinned)
      held.pinnedBytes -= length
    },
    loadModule(ptx) {
      const module = loadModule.call(this, ptx)
      held.modules++
      return module
    },
    async loadModuleAsync(ptx, entry) {
      const module = await loadModuleAsync.call(this, ptx, entry)
      held.modules++
      return module
    },
    unloadModule(module) {
      unloadModule.call(this, module)
      held.modules--
    },
  })
}

module.exports = {
  load(libraries) {
    const driver = addon.load(libraries)
    const { open } = driver
    return Object.create(driver, {
      version: { get: () => driver.version },
      devices: { value: () => driver.devices() },
      open: {
        value: (index) => {
          const context = open.call(driver, index)
          count(context)
          return context
        },
      },
    })
  },
}
