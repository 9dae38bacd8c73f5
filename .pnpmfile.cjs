/**
 * The packages that carry a Node binary state their platform as a bare string, which pnpm does not read, so that
 * every machine would download all of them. Here it gets the form it reads; the lockfile keeps it.
 */
"use strict"

const NODE_BINARY = /^node-(?:bin-)?(linux|darwin|win)-(x64|arm64)$/
const OS = { linux: "linux", darwin: "darwin", win: "win32" }

module.exports = {
  hooks: {
    readPackage(manifest) {
      const match = NODE_BINARY.exec(manifest.name)
      return match ? { ...manifest, os: [OS[match[1]]], cpu: [match[2]] } : manifest
    },
  },
}
