/** Next: a component that trains on the server while the page is built, and one that trains in the browser. */
import { join } from "node:path"
import { installed } from "./npm.ts"
import { javascript } from "./programs.ts"
import { checkReport } from "./report.ts"
import type { Scenario } from "./scenario.ts"
import { reportOf, serveFolder } from "./site.ts"

const FILES = {
  "next.config.mjs": `export default { output: "export" }\n`,
  "app/train.mjs": javascript("train"),
  "app/layout.jsx": `
export const metadata = { title: "page" }
export default function Layout({ children }) {
  return <html lang="en"><head><link rel="icon" href="data:," /></head><body>{children}</body></html>
}`,
  "app/client.jsx": `
"use client"
import { useEffect } from "react"
import { train } from "./train.mjs"
export function Client({ server }) {
  useEffect(() => {
    train().then((client) => JSON.stringify({ server, client }), String).then((report) => {
      document.documentElement.dataset.report = report
    })
  }, [server])
  return <p>training</p>
}`,
  "app/page.jsx": `
import { Client } from "./client.jsx"
import { train } from "./train.mjs"
export default async function Page() {
  return <Client server={await train()} />
}`,
}

export const next: Scenario = {
  name: "Next 16.4.6, on the server and in the page",
  async run({ person, browser }) {
    const project = await installed(person, "next@16.4.6", "react@19.3.1", "react-dom@19.3.1")
    await project.write(FILES)
    await project.run("node", ["node_modules/next/dist/bin/next", "build"], { NEXT_TELEMETRY_DISABLED: "1", CI: "1" })
    await using site = await serveFolder(join(project.folder, "out"))
    const { server, client } = JSON.parse(await reportOf(await browser(), site.url)) as Record<string, unknown>
    for (const report of [server, client]) checkReport(JSON.stringify(report))
  },
}
