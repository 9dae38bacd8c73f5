/** The minimal backend against the suite, held to the contract at the same time. */

import { strict } from "../src/decorators/strict.ts"
import { createMinimal } from "../src/minimal/backend.ts"
import { conformance } from "../src/vitest.ts"

// It trains at a quarter of a second a step.
await conformance({ backend: () => strict(createMinimal()), steps: 4 })
