import { chmodSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { BACKENDS, installCommand, PACKAGE_MANAGERS } from "@taeda/choices"
import { afterEach, describe, expect, test } from "vitest"
import { type Behaviour, Stand } from "./stand-ins.ts"

const stands: Stand[] = []
afterEach(() => {
  for (const stand of stands.splice(0)) stand.remove()
})

function made(manifest?: object | null): Stand {
  const stand = new Stand(manifest)
  stands.push(stand)
  return stand
}

/** What nvidia-smi says of a GPU that cuda runs on. */
const TURING = ["535.183.01, Tesla T4, 15360, 7.5"]

describe("install", () => {
  test("--yes installs what is recommended with the project's manager, tries it, and shows what it computed", async () => {
    const stand = made()
    stand.write("pnpm-lock.yaml", "lockfileVersion: '9.0'\n")
    const { code, stdout, stderr } = await stand.run(["install", "--yes"])
    expect([code, stderr]).toEqual([0, ""])
    expect(stand.asked()).toEqual([["pnpm", "add", "taeda"]])
    expect(JSON.parse(readFileSync(join(stand.project, "package.json"), "utf8"))).toMatchObject({
      dependencies: { taeda: "^0.0.0" },
    })
    expect(stdout).toMatch(/^ {2}✓ wasm-simd {2}works here: /m)
    expect(stdout).toContain("tensor([[19., 22.],\n          [43., 50.]], grad_fn=<MmBackward0>)")
    expect(stdout).toContain("tensor([[11., 15.],\n          [11., 15.]])")
    expect(stdout).toMatch(/256 × 256, product and gradients: [\d.]+ ms; all 196608 numbers are right/)
    expect(stdout).toContain('await torch.setDefaultDevice("wasm")')
    // Nobody watches: no colours and nothing that moves.
    for (const character of ["\u001b", "\r"]) expect(stdout).not.toContain(character)
  })

  test.each([
    ["npm", "cpu", ["npm", "install", "taeda"]],
    ["yarn", "cpu-js", ["yarn", "add", "taeda"]],
    ["bun", "wasm", ["bun", "add", "taeda"]],
    ["deno", "cpu", ["deno", "add", "npm:taeda"]],
  ])("with %s and %s as the flags say, as JSON", async (manager, backend, asked) => {
    const stand = made()
    const { code, stdout, stderr } = await stand.run(
      ["install", "--package-manager", manager, "--backend", backend, "--yes", "--json"],
      {},
    )
    expect([code, stderr]).toEqual([0, ""])
    expect(stand.asked()).toEqual([asked])
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({
      command: asked.join(" "),
      packageManager: manager,
      packages: ["taeda"],
      runtime: "node",
      recommended: "wasm-simd",
      installed: true,
      trial: { device: backend === "wasm" ? "wasm" : "cpu", size: 256, compared: 196608 },
      error: null,
    })
    expect(result.backends.map(({ name }: { name: string }) => name)).toEqual(["cuda", "webgpu", "wasm-simd", "cpu-js"])
  })

  test("a folder without a project gets one, of ES modules", async () => {
    const stand = made(null)
    const { code, stdout } = await stand.run(["install", "--backend", "cpu", "--yes"])
    expect(code).toBe(0)
    expect(JSON.parse(readFileSync(join(stand.project, "package.json"), "utf8"))).toMatchObject({
      private: true,
      type: "module",
      dependencies: { taeda: "^0.0.0" },
    })
    expect(stdout).toContain("package.json is new: its .js files are ES modules")
  })

  test("in a folder inside of a project, the project is what changes", async () => {
    const stand = made({ name: "mine" })
    const inside = join(stand.project, "src", "deep")
    mkdirSync(inside, { recursive: true })
    const { code, stdout } = await stand.run(["install", "--backend", "cpu", "--yes"], { cwd: inside })
    expect(code).toBe(0)
    expect(stand.contents()).toHaveProperty(["package-lock.json"])
    // CommonJS, as a manifest that says nothing means.
    expect(stdout).toContain("in a file that ends in .mjs")
  })

  test.each([
    ["pnpm", { "pnpm-workspace.yaml": "packages:\n  - a\n" }, {}, ["pnpm", "add", "-w", "taeda"]],
    ["pnpm", { "pnpm-workspace.yaml": "nodeLinker: hoisted\n" }, {}, ["pnpm", "add", "taeda"]],
    ["yarn", {}, { workspaces: ["a"] }, ["yarn", "add", "-W", "taeda"]],
    ["npm", {}, { workspaces: ["a"] }, ["npm", "install", "taeda"]],
  ])("at the root of a workspace %s is told so (%j, %j)", async (manager, files, more, asked) => {
    const stand = made({ name: "root", private: true, ...more })
    for (const [name, text] of Object.entries(files)) stand.write(name, text)
    const { code } = await stand.run([
      ...["install", "--package-manager", manager, "--backend", "cpu", "--yes", "--no-check"],
    ])
    expect(code).toBe(0)
    expect(stand.asked()).toEqual([asked])
  })

  test("--dry-run and --json change nothing and say what would be done", async () => {
    const stand = made()
    stand.write("yarn.lock", "")
    const before = stand.contents()
    const dry = await stand.run(["install", "--dry-run"])
    expect([dry.code, dry.stderr]).toEqual([0, ""])
    expect(dry.stdout).toMatch(/^For wasm-simd, recommended\n {2}yarn add taeda\n/m)
    const json = await stand.run(["install", "--json", "--backend", "cpu"])
    expect(json.code).toBe(0)
    expect(JSON.parse(json.stdout)).toMatchObject({ command: "yarn add taeda", installed: false, trial: null })
    expect([stand.contents(), stand.asked()]).toEqual([before, []])
  })

  test("an NVIDIA GPU that is seen before anything is installed makes cuda the recommended one", async () => {
    const stand = made()
    stand.nvidiaSmi(TURING)
    const { code, stdout } = await stand.run(["install", "--dry-run", "--json"])
    expect(code).toBe(0)
    const { recommended, command, backends } = JSON.parse(stdout)
    // On a Mac there is no cuda, whatever a command says.
    if (process.platform === "darwin") return expect(recommended).not.toBe("cuda")
    expect([recommended, command]).toEqual(["cuda", "npm install taeda @taeda/backend-cuda"])
    expect(backends[0]).toMatchObject({
      name: "cuda",
      status: "ready",
      evidence: "Tesla T4 (compute capability 7.5), driver 535.183.01",
    })
  })

  test("pages get a command and a line that registers the backend, and nothing is tried", async () => {
    const stand = made()
    const { code, stdout } = await stand.run(["install", "--runtime", "browser", "--backend", "webgpu", "--yes"])
    expect(code).toBe(0)
    expect(stand.asked()).toEqual([["npm", "install", "taeda", "@taeda/backend-webgpu"]])
    expect(stdout).toContain('torch.registerBackend("webgpu"')
    expect(stdout).toContain("Not tried.")
  })
})

describe("install for another machine prints just its command", () => {
  test.each([
    [["--os", "windows", "--cuda", "none"], "npm install taeda"],
    [["--os", "windows", "--cuda", "12.4"], "npm install taeda @taeda/backend-cuda"],
    [["--os", "linux", "--arch", "x64", "--cuda", "10.2"], "npm install taeda"],
    [["--os", "linux", "--libc", "musl", "--arch", "arm64", "--cuda", "12.4"], "npm install taeda"],
    [["--os", "macos"], "npm install taeda @taeda/backend-webgpu webgpu"],
    [["--os", "macos", "--runtime", "browser"], "npm install taeda"],
    [["--os", "macos", "--runtime", "bun"], "bun add taeda"],
    [["--os", "linux", "--runtime", "deno"], "deno add npm:taeda"],
    [
      ["--os", "linux", "--backend", "webgpu", "--package-manager", "yarn"],
      "yarn add taeda @taeda/backend-webgpu webgpu",
    ],
  ])("%j: %s", async (args, command) => {
    const stand = made(null)
    const { code, stdout, stderr } = await stand.run(["install", ...args])
    expect([code, stdout]).toEqual([0, `${command}\n`])
    for (const { name } of BACKENDS) expect(stderr).toMatch(new RegExp(`^[✓?·] ${name} `, "m"))
    expect(stand.contents()).toEqual({})
  })

  test("for every manager and backend that command is the table's", async () => {
    const stand = made(null)
    for (const { name: manager } of PACKAGE_MANAGERS) {
      const { stdout } = await stand.run([
        "install",
        "--os",
        "windows",
        "--arch",
        "x64",
        "--backend",
        "cuda",
        "--package-manager",
        manager,
      ])
      expect(stdout).toBe(`${installCommand(BACKENDS.find(({ name }) => name === "cuda")!, manager, "node")}\n`)
    }
  })

  test("what cannot run there is refused with the reason", async () => {
    const { code, stdout, stderr } = await made().run(["install", "--os", "macos", "--backend", "cuda"])
    expect([code, stdout]).toEqual([1, ""])
    expect(stderr).toBe(
      "taeda: cuda cannot run there (NVIDIA GPUs through the driver: only on Linux or Windows). Take another: --backend webgpu\n",
    )
  })
})

describe("install leaves the project as it was", () => {
  /** A project that has been installed into before. */
  function grown(): Stand {
    const stand = made({ name: "mine", type: "module", dependencies: { "left-pad": "1.3.0" } })
    stand.write("package-lock.json", '{ "lockfileVersion": 3 }')
    chmodSync(join(stand.project, "package.json"), 0o640)
    return stand
  }

  async function fails(stand: Stand, args: readonly string[], behaviour?: Behaviour): Promise<string> {
    const before = stand.contents()
    const { code, stderr } = await stand.run(["install", ...args], { behaviour })
    expect(code).toBe(1)
    expect(stand.contents()).toEqual(before)
    expect(stderr).not.toMatch(/^ {4}at /m)
    return stderr
  }

  test.each([
    [["--backend", "tpu"], "Allowed choices are auto, cuda, webgpu, wasm-simd, wasm, cpu-js, cpu."],
    [["--package-manager", "pip"], "Allowed choices are npm, pnpm, yarn, bun, deno."],
    [["--runtime", "python"], "Allowed choices are node, browser, bun, deno."],
    [["--cuda", "many"], 'Expected none, or the version that nvidia-smi shows as "CUDA Version"'],
    [["--os", "beos"], "Allowed choices are linux, macos, windows, other."],
    [["--backnd", "cpu"], "(Did you mean --backend?)"],
    [["now"], "too many arguments"],
  ])("wrong flags: %j", async (args, message) => {
    const stand = grown()
    expect(await fails(stand, args)).toContain(message)
    expect(stand.asked()).toEqual([])
  })

  test("nobody to ask", async () => {
    const stand = grown()
    expect(await fails(stand, [])).toContain("taeda: nothing was changed. There is nobody to ask here: --yes installs")
    expect(stand.asked()).toEqual([])
  })

  test("no network", async () => {
    const stderr = await fails(grown(), ["--yes", "--backend", "cpu"], "offline")
    expect(stderr).toContain("npm error FetchError")
    expect(stderr).toContain("taeda: npm could not reach the registry (ECONNREFUSED). Check the connection")
    expect(stderr).toContain("The project is as it was\n")
  })

  test("no network and nothing before: nothing is left", async () => {
    const stand = made(null)
    await fails(stand, ["--yes", "--backend", "cpu"], "offline")
    expect(stand.contents()).toEqual({})
  })

  test("as JSON", async () => {
    const stand = grown()
    const before = stand.contents()
    const { code, stdout, stderr } = await stand.run(["install", "--yes", "--backend", "cpu", "--json"], {
      behaviour: "offline",
    })
    expect([code, stderr]).toEqual([1, ""])
    expect(JSON.parse(stdout)).toMatchObject({
      installed: false,
      error: { reason: "network", message: expect.stringContaining("ECONNREFUSED") },
    })
    expect(stand.contents()).toEqual(before)
  })

  test("a manager that is not there", async () => {
    const stand = grown()
    stand.without("npm")
    const { code, stderr } = await stand.run(["install", "--yes", "--backend", "cpu"], {
      env: { PATH: join(stand.folder, "bin") },
    })
    expect([code, stderr]).toEqual([
      1,
      "taeda: npm is not on this machine (it was chosen by package-lock.json): install it, or take another with --package-manager\n",
    ])
  })

  test.runIf(process.getuid)("a folder that may not be written to", async () => {
    const stand = grown()
    const before = stand.contents()
    // Root may write everywhere: somebody else tries.
    const uid = process.getuid!() === 0 ? 65_534 : undefined
    chmodSync(stand.folder, 0o755)
    chmodSync(stand.project, 0o555)
    chmodSync(join(stand.project, "package.json"), 0o644)
    const { code, stderr } = await stand.run(["install", "--yes", "--backend", "cpu"], { uid })
    chmodSync(stand.project, 0o755)
    expect([code, stderr]).toEqual([1, `taeda: ${stand.project} cannot be written to (EACCES): nothing was changed\n`])
    expect(Object.keys(stand.contents())).toEqual(Object.keys(before))
    expect(stand.asked()).toEqual([])
  })

  test("a manifest that is no JSON", async () => {
    const stand = grown()
    stand.write("package.json", "{ name: ")
    const { code, stdout } = await stand.run(["install", "--json"])
    expect([code, JSON.parse(stdout).error.message]).toEqual([1, expect.stringContaining("is no JSON")])
    expect(await fails(stand, ["--yes"])).toMatch(/^taeda: .*package\.json is no JSON \(.*\): repair it first\n$/)
  })

  test("a backend that this machine lacks", async () => {
    const stand = grown()
    const stderr = await fails(stand, ["--yes", "--backend", "cuda"])
    expect(stderr).toMatch(/^taeda: cuda (cannot work here: no NVIDIA GPU|cannot run there)/)
    expect(stand.asked()).toEqual([])
  })

  test("a driver that is too old, and one that is out of order", async () => {
    const stand = grown()
    if (process.platform === "darwin") return
    stand.nvidiaSmi(["440.33.01, Tesla V100-SXM2-16GB, 16160, 7.0"])
    expect(await fails(stand, ["--yes", "--backend", "cuda"])).toMatch(
      /cuda cannot work here: NVIDIA's driver 440\.33\.01 is too old: 4\d\d\.\d+ is needed \(CUDA 11\.0\)\. Install NVIDIA's driver/,
    )
    stand.nvidiaSmi(["550.54.15, Tesla V100-SXM2-16GB, 16160, 7.0"])
    expect(await fails(stand, ["--yes", "--backend", "cuda"])).toContain(
      ": 7.5 is needed, which GPUs have since 2018 (Turing)",
    )
    stand.nvidiaSmi(["Failed to initialize NVML: Driver/library version mismatch"], true)
    expect(await fails(stand, ["--yes", "--backend", "cuda"])).toContain(
      "cuda cannot work here: nvidia-smi says: Failed to initialize NVML: Driver/library version mismatch. Repair NVIDIA's driver",
    )
    expect(stand.asked()).toEqual([])
  })

  test("a native part that does not load", async () => {
    const stand = grown()
    if (process.platform === "darwin") return
    stand.nvidiaSmi(TURING)
    const stderr = await fails(stand, ["--yes", "--backend", "cuda"], "installs-broken")
    expect(stderr).toMatch(
      /^taeda: cuda was installed, but does not work: cuda: the native part does not load on this machine \(.*broken\.node.*\)\. Delete node_modules and install again\. --backend wasm-simd takes another\. The project is as it was\n$/,
    )
  })

  test("wrong numbers", async () => {
    expect(await fails(grown(), ["--yes", "--backend", "cpu"], "installs-wrong")).toContain(
      "cpu-js was installed, but does not work: wrong numbers: the product has 20 at [0, 0], where 19 is right.",
    )
  })

  test("a backend that takes its process down; what was installed before is put right", async () => {
    const stand = grown()
    mkdirSync(join(stand.project, "node_modules"))
    const before = stand.contents()
    const { code, stderr } = await stand.run(["install", "--yes", "--backend", "cpu"], {
      behaviour: "installs-crashing",
    })
    expect(code).toBe(1)
    expect(stderr).toContain("it took down the process in which it was tried (SIGKILL)")
    for (const [name, text] of Object.entries(before)) expect(stand.contents()[name]).toBe(text)
    // It is the manager that knows what to take away.
    expect(stand.asked()).toEqual([
      ["npm", "install", "taeda"],
      ["npm", "install"],
    ])
  })

  test.runIf(process.platform !== "win32").each<[NodeJS.Signals, number]>([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ])("%s while the manager works", async (signal, expected) => {
    const stand = grown()
    const before = stand.contents()
    const { code, stderr } = await stand.run(["install", "--yes", "--backend", "cpu"], {
      behaviour: "hangs",
      while: async (child) => {
        await stand.hanging()
        child.kill(signal)
      },
    })
    expect([code, stderr]).toEqual([expected, "taeda: stopped: the project is as it was\n"])
    expect(stand.contents()).toEqual(before)
  })

  test.runIf(process.platform !== "win32")(
    "a second Ctrl-C does not wait for a manager that does not listen",
    async () => {
      const stand = grown()
      const before = stand.contents()
      const { code } = await stand.run(["install", "--yes"], {
        behaviour: "hangs-on",
        while: async (child) => {
          await stand.hanging()
          // One that comes before the last was seen is lost in it.
          for (; child.exitCode === null; await new Promise((resolve) => setTimeout(resolve, 300))) child.kill("SIGINT")
        },
      })
      expect(code).toBe(130)
      // It is ended before the files are put back: otherwise it would go on writing.
      await new Promise((resolve) => setTimeout(resolve, 500))
      expect(stand.contents()).toEqual(before)
    },
  )
})

const [DOWN, ENTER, CTRL_C] = ["\u001b[B", "\r", "\u0003"]

describe("install at a terminal", () => {
  test("asks for a backend, a package manager and whether to go on", async () => {
    const stand = made()
    stand.write("bun.lock", "{}")
    const { code, stdout } = await stand.run(["install"], {
      types: [
        // One further than what is recommended.
        ["Which backend?", `${DOWN}${ENTER}`],
        ["Which package manager?", ENTER],
        ["Run bun add taeda and try the backend cpu-js?", ENTER],
      ],
    })
    expect(code).toBe(0)
    expect(stand.asked()).toEqual([["bun", "add", "taeda"]])
    expect(stdout).toContain("wasm-simd: WebAssembly with SIMD and threads (works here, recommended)")
    expect(stdout).toContain("bun (bun.lock)")
    expect(stdout).toContain("cpu-js works")
  })

  test("what flags say is not asked", async () => {
    const stand = made()
    const { code, stdout } = await stand.run(["install", "--backend", "cpu", "--package-manager", "yarn"], {
      types: [["Run yarn add taeda", "n"]],
    })
    expect(code).toBe(130)
    expect(stdout).not.toContain("Which")
    expect(stdout).toContain("nothing was changed")
    expect(stand.asked()).toEqual([])
  })

  test("Ctrl-C at a question ends it", async () => {
    const stand = made()
    const before = stand.contents()
    const { code, stdout } = await stand.run(["install"], { types: [["Which backend?", CTRL_C]] })
    expect(code).toBe(130)
    expect(stdout).toContain("stopped: nothing was changed")
    expect([stand.contents(), stand.asked()]).toEqual([before, []])
  })
})
