/** A registry on this machine alone: it has this workspace's packages as they would be published, and passes on others'. */
import { mkdtemp, rm } from "node:fs/promises"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runServer } from "verdaccio"
import { command } from "./command.ts"
import { pnpmVersion, ROOT } from "./places.ts"

export interface Registry extends AsyncDisposable {
  readonly url: string
}

export interface RegistryOptions {
  /** Where others' packages are kept; by default nowhere, and nothing is asked of another registry. */
  readonly cache?: string
}

const OURS = ["taeda", "@taeda/*"]

/** Anybody on this machine may publish ours. */
const OWN = { access: "$all", publish: "$all" }

/** The registry that this machine's npm uses. */
const upstream = async (): Promise<string> =>
  (await command("npm", ["config", "get", "registry"], { cwd: tmpdir(), env: process.env })).trim()

async function configuration(storage: string, cache: string | undefined): Promise<object> {
  const others = cache === undefined ? {} : { "**": { access: "$all", proxy: "upstream" } }
  return {
    // Paths that are relative start here.
    configPath: join(storage, "config.yaml"),
    self_path: join(storage, "config.yaml"),
    storage: cache ?? storage,
    uplinks: cache === undefined ? {} : { upstream: { url: await upstream(), timeout: "60s", maxage: "1d" } },
    packages: { ...Object.fromEntries(OURS.map((name) => [name, OWN])), ...others },
    web: { enable: false },
    max_body_size: "50mb",
    log: { type: "stdout", format: "pretty", level: "fatal" },
  }
}

const listening = (server: Server): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => resolve(server.address() as AddressInfo))
  })

/**
 * Publishes every package of the workspace, as a release does, from what is built; less the native parts of the backend cuda,
 * whose packages hold nothing here: building them takes minutes, and tooling/conformance tests them as they are packed.
 */
const publishAll = (url: string): Promise<string> =>
  command(
    "npx",
    [
      "--yes",
      pnpmVersion(),
      "--recursive",
      "--filter=./packages/**",
      "publish",
      `--registry=${url}`,
      "--no-git-checks",
      "--ignore-scripts",
    ],
    { cwd: ROOT, env: process.env },
  )

/** Starts a registry on a free port of the loopback interface and publishes to it. The packages must be built. */
export async function openRegistry({ cache }: RegistryOptions = {}): Promise<Registry> {
  const storage = await mkdtemp(join(tmpdir(), "taeda-registry-"))
  // What an earlier run published is out of date.
  if (cache) for (const name of ["taeda", "@taeda"]) await rm(join(cache, name), { recursive: true, force: true })
  const server = (await runServer((await configuration(storage, cache)) as never)) as Server
  const { port } = await listening(server)
  const url = `http://127.0.0.1:${port}/`
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await rm(storage, { recursive: true, force: true })
  }
  try {
    await publishAll(url)
  } catch (error) {
    await close()
    throw error
  }
  return { url, [Symbol.asyncDispose]: close }
}
