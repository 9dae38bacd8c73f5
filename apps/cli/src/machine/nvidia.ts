/** NVIDIA's driver and GPUs, as the machine tells of them before anything of taeda's is installed. */
import type { Sources } from "./sources.ts"

export interface NvidiaGpu {
  readonly name: string
  /** "8.9"; null where the driver is too old to tell. */
  readonly computeCapability: string | null
  /** In bytes. */
  readonly memory: number | null
}

export interface NvidiaFacts {
  /** The driver's version, "550.54.15"; null where none was found. */
  readonly driver: string | null
  readonly gpus: readonly NvidiaGpu[]
  /** Who told. */
  readonly source: "nvidia-smi" | "kernel" | null
  /** What nvidia-smi complained about, in its words. */
  readonly problem: string | null
}

const NONE: NvidiaFacts = { driver: null, gpus: [], source: null, problem: null }

/** Where nvidia-smi is, where the PATH does not know it: under WSL, and in old installations on Windows. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  linux: ["nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi"],
  win32: ["nvidia-smi.exe", "C:\\Program Files\\NVIDIA Corporation\\NVSMI\\nvidia-smi.exe"],
}

const FIELDS = ["driver_version", "name", "memory.total"]
/** Known to it since the drivers of 2021. */
const CAPABILITY = "compute_cap"
const MIB = 2 ** 20
/** It may have to wake a GPU. */
const PATIENCE = 20_000

const query = ({ run }: Sources, file: string, fields: readonly string[]) =>
  run(file, [`--query-gpu=${fields.join(",")}`, "--format=csv,noheader,nounits"], PATIENCE)

/** "[N/A]", "N/A", "[Not Supported]" and the like. */
const known = (text: string | undefined): string | null => (text && /^\d/.test(text) ? text : null)

/** The lines of nvidia-smi's table as facts. */
export function parseTable(stdout: string): NvidiaFacts {
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => line.split(",").map((cell) => cell.trim()))
    .filter((cells) => cells.length >= FIELDS.length && known(cells[0]) !== null)
  const gpus = rows.map(([, name, memory, capability]) => {
    const mebibytes = known(memory)
    return { name, computeCapability: known(capability), memory: mebibytes === null ? null : Number(mebibytes) * MIB }
  })
  return rows.length === 0 ? NONE : { driver: rows[0][0], gpus, source: "nvidia-smi", problem: null }
}

async function bySmi(sources: Sources): Promise<NvidiaFacts> {
  for (const file of PLACES[sources.platform] ?? []) {
    let ran = await query(sources, file, [...FIELDS, CAPABILITY])
    if (ran.failure === "absent") continue
    if (ran.failure === "failed" && ran.stdout.includes(CAPABILITY)) ran = await query(sources, file, FIELDS)
    const facts = ran.failure ? NONE : parseTable(ran.stdout)
    if (facts.driver) return facts
    const words = `${ran.stdout}\n${ran.stderr}`.trim().split("\n")[0]
    return {
      ...NONE,
      problem: ran.failure === "slow" ? "nvidia-smi does not answer" : words || "nvidia-smi says nothing",
    }
  }
  return NONE
}

const VERSION_FILE = "/proc/driver/nvidia/version"
const GPUS_FOLDER = "/proc/driver/nvidia/gpus"

/** What the kernel's module says: on Linux without nvidia-smi, as in many containers. */
async function byKernel({ read, list }: Sources): Promise<NvidiaFacts> {
  const driver = /Kernel Module.*?\s(\d+\.[\d.]+)/.exec((await read(VERSION_FILE)) ?? "")?.[1]
  if (!driver) return NONE
  const folders = await list(GPUS_FOLDER)
  const texts = await Promise.all(folders.map((name) => read(`${GPUS_FOLDER}/${name}/information`)))
  const names = texts.map((text) => /^Model:\s*(.+)$/m.exec(text ?? "")?.[1].trim() ?? "unknown")
  const gpus = names.map((name) => ({ name, computeCapability: null, memory: null }))
  return { driver, gpus, source: "kernel", problem: null }
}

export async function nvidiaFacts(sources: Sources): Promise<NvidiaFacts> {
  const told = await bySmi(sources)
  if (told.driver || sources.platform !== "linux") return told
  const seen = await byKernel(sources)
  return seen.driver ? { ...seen, problem: told.problem } : told
}
