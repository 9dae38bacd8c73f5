/**
 * The native part of the backend cuda, counting what it gave and did not get back, as `globalThis.cudaHeld`. It is loaded in the place
 * of the real one, which TAEDA_CUDA_ADDON names.
 */
"use strict"

const addon = require(process.env.TAEDA_CUDA_ADDON)
const held = { pinnedBytes: 0, modules: 0 }
globalThis.cudaHeld = held

/** The native objects' methods, which know their object. */
const methodsOf = (native) =>
  Object.fromEntries(
    Object.getOwnPropertyNames(native).map((name) => {
      const value = native[name]
      return [name, typeof value === "function" ? value.bind(native) : value]
    }),
  )

/** A method, followed by a change of the counts. */
const then = (method, count) => (first, second) => {
  const result = method(first, second)
  count(result)
  return result
}

function counting(context) {
  const methods = methodsOf(context)
  const loaded = () => {
    held.modules++
  }
  return {
    ...methods,
    allocatePinned: then(methods.allocatePinned, ({ bytes }) => {
      held.pinnedBytes += bytes.length
    }),
    freePinned(pinned) {
      const { length } = pinned.bytes
      methods.freePinned(pinned)
      held.pinnedBytes -= length
    },
    loadModule: then(methods.loadModule, loaded),
    loadModuleAsync: then(methods.loadModuleAsync, (module) => module.then(loaded, () => {})),
    unloadModule: then(methods.unloadModule, () => {
      held.modules--
    }),
  }
}

module.exports = {
  load(libraries) {
    const methods = methodsOf(addon.load(libraries))
    return { ...methods, open: (index) => counting(methods.open(index)) }
  },
}
