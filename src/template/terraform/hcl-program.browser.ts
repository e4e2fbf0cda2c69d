/** Go's loader of WebAssembly, as text: it has to run in a worker. The build puts it here (`tsup.config.ts`). */
export declare const loader: string

/** The parser of `@cdktn/hcl2json`, gzipped WebAssembly. The build puts it here. */
export declare const program: Uint8Array
