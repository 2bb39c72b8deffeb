/** Does work on the database; where it fails, that is a problem of the store, and the answer is `otherwise`. */
export type Guarded = <T>(what: string, otherwise: T, work: () => T) => T;
