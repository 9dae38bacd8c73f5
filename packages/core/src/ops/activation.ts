/** Activation functions. */

export interface ActivationMethods {}

export const activationMethods = {}
