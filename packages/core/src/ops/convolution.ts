/** Convolutions. */

export {}
