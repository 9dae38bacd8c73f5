/** The minimal backend against the suite, held to the contract at the same time. */

import { strict } from "../src/decorators/strict.ts"
import { createMinimal } from "../src/minimal/backend.ts"
import { conformance } from "../src/vitest.ts"

await conformance({ backend: () => strict(createMinimal()) })
