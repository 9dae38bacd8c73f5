/** Einstein summation. */

export {}
