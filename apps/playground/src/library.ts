/** The library, as this page's workers load it: with the backend that is a package of its own, which the bundler has to see. */
import { registerBackend } from "taeda"

registerBackend("webgpu", async () => (await import("@taeda/backend-webgpu")).open())

export * from "taeda"
