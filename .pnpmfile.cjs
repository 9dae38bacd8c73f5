/**
 * What pnpm is told of manifests: of others' when it installs, and of ours when it packs them.
 *
 * The packages that carry a Node binary state their platform as a bare string, which pnpm does not read, and the one that
 * carries a browser states none, so that every machine would download all of them. Here they get the form that pnpm reads;
 * the lockfile keeps it.
 */
"use strict"

const { relative, sep } = require("node:path")

const NODE_BINARY = /^node-(?:bin-)?(linux|darwin|win)-(x64|arm64)$/
const OS = { linux: "linux", darwin: "darwin", win: "win32" }

const BROWSER = "@sparticuz/chromium"

/** The platform of a package as fields of its manifest; none where the manifest is right as it is. */
const platformOf = (name) => {
  const match = NODE_BINARY.exec(name)
  if (match) return { os: [OS[match[1]]], cpu: [match[2]] }
  return name === BROWSER ? { os: ["linux"], cpu: ["x64"] } : {}
}

/** The condition under which this workspace reads sources, which are not published. */
const SOURCE = "@taeda/source"

const published = ({ [SOURCE]: _, ...conditions }) => conditions

/** Where provenance says that a package was built: a release's workflow knows, and nobody else has to. */
const repositoryOf = (folder) => {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env
  if (!server || !repository) return {}
  const directory = relative(__dirname, folder).split(sep).join("/")
  return { repository: { type: "git", url: `git+${server}/${repository}.git`, directory } }
}

module.exports = {
  hooks: {
    /** What people get of a manifest: nothing that leads to sources or tools which stay here. */
    beforePacking({ scripts: _scripts, devDependencies: _tools, ...manifest }, folder) {
      const { exports: entries, sideEffects } = manifest
      return {
        ...manifest,
        ...(entries && {
          exports: Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, published(entry)])),
        }),
        ...(Array.isArray(sideEffects) && { sideEffects: sideEffects.filter((file) => !file.startsWith("./src/")) }),
        ...repositoryOf(folder),
      }
    },

    readPackage(manifest) {
      return { ...manifest, ...platformOf(manifest.name) }
    },
  },
}
