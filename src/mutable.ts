/** For what is built field by field, and handed out as it is declared. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] }
