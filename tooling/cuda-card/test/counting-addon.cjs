/** The native part of the backend cuda, counting the calls of its context's methods, by their names, in `calls`. */
"use strict"

const addon = require(process.env.TAEDA_CUDA_ADDON)
const calls = {}

/** What a native object has, its methods passed through `wrap`, with the object that they know. */
const like = (native, wrap) =>
  Object.fromEntries(
    Object.getOwnPropertyNames(native).map((name) => {
      const value = native[name]
      return [name, typeof value === "function" ? wrap(name, value.bind(native)) : value]
    }),
  )

const counted =
  (name, method) =>
  (...args) => {
    calls[name] = (calls[name] ?? 0) + 1
    return method(...args)
  }

module.exports = {
  calls,
  load: (files) =>
    like(addon.load(files), (name, method) => (name === "open" ? (index) => like(method(index), counted) : method)),
}
