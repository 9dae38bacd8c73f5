/** Triangles and diagonals of matrices. */

export interface TriangularMethods {}

export const triangularMethods = {}
