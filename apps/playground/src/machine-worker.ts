import * as torch from "taeda"
import type { Machine } from "./machine.ts"
import { workerScope } from "./worker-scope.ts"

const reports = await torch.devices()
workerScope<never, Machine>().postMessage(
  reports.map(({ choice, device, notes, reason }) => ({
    name: choice.name,
    works: device !== null,
    notes: [...notes],
    reason,
  })),
)
