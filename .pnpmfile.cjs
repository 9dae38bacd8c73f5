/**
 * The packages that carry a Node binary state their platform as a bare string, which pnpm does not read, and the one that
 * carries a browser states none, so that every machine would download all of them. Here they get the form that pnpm reads;
 * the lockfile keeps it.
 */
"use strict"

const NODE_BINARY = /^node-(?:bin-)?(linux|darwin|win)-(x64|arm64)$/
const OS = { linux: "linux", darwin: "darwin", win: "win32" }

const BROWSER = "@sparticuz/chromium"

/** The platform of a package as fields of its manifest; none where the manifest is right as it is. */
const platformOf = (name) => {
  const match = NODE_BINARY.exec(name)
  if (match) return { os: [OS[match[1]]], cpu: [match[2]] }
  return name === BROWSER ? { os: ["linux"], cpu: ["x64"] } : {}
}

module.exports = {
  hooks: {
    readPackage(manifest) {
      return { ...manifest, ...platformOf(manifest.name) }
    },
  },
}
