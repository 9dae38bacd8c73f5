import * as torch from "./library.ts"
import type { Machine } from "./machine.ts"
import { workerScope } from "./worker-scope.ts"

const reports = await torch.devices()
workerScope<never, Machine>().postMessage(
  reports.map(({ choice, device, notes, reason }) => ({
    name: choice.name,
    works: device !== null,
    software: device?.backend.capabilities.software ?? false,
    notes: [...notes],
    reason,
  })),
)
