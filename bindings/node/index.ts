/**
 * What a program imports under Node.
 *
 * Lives here: names only. Does not live here: anything else.
 */
export * from '../js/index.ts'
export { join } from './join.ts'
export type { Discovery, JoinOptions } from './join.ts'
export { createProcesses } from './process.ts'
