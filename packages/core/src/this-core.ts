/**
 * Which copy of core this is. A program should have one: what another copy makes is strange here, and errors say so, since "must
 * be a tensor, got a tensor" helps nobody. Copies that never meet do no harm, so loading a second one is no error.
 */

/** A copy of core: known by identity, and by the version of its package, which a release writes here. */
export interface Core {
  readonly version: string
}

/** This copy of core: what another made has another. */
export const CORE: Core = { version: "0.0.0" }

/** For an error: whose copy made something; empty where this one did. */
export const strangeness = (core: Core | undefined): string =>
  core === CORE
    ? ""
    : ` of another copy of @taeda/core (${core?.version}, beside ${CORE.version}: \`npm ls @taeda/core\` shows both, \`npm dedupe\` leaves one)`
