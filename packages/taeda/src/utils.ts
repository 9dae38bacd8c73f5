/** The namespace `utils`. */
export * as data from "@taeda/data"
