import { conformanceInNode } from "./in-node.ts"

await conformanceInNode("cuda")
