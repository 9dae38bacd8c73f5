/** The built page's content security policy, as a tag in its head, since a static host may not let one set headers. */
import type { Plugin } from "vite"

/**
 * Nothing from other hosts, no script but the page's files, and no generated code: the prompt evaluates what is typed in a
 * worker of its own, and a worker's policy is that of the answer which brought its file. Threads start from `blob:`.
 */
const POLICY = {
  "default-src": "'none'",
  "script-src": "'self' 'wasm-unsafe-eval'",
  "worker-src": "'self' blob:",
  "style-src": "'self'",
  "img-src": "'self' data:",
  "connect-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
}

const content = Object.entries(POLICY)
  .map(([directive, sources]) => `${directive} ${sources}`)
  .join("; ")

/** The development server's page has none: what reloads it puts styles and scripts inside. */
export const contentSecurityPolicy = (): Plugin => ({
  name: "content-security-policy",
  apply: "build",
  transformIndexHtml: () => [
    { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content }, injectTo: "head-prepend" },
  ],
})
