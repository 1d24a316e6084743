/**
 * The door of a core for tests, and `check`.
 *
 * Lives here: the entry of the build that tests make, which asserts the invariants of all rooms on
 * demand. Does not live here: the entry of the core that is shipped (abi), the rooms' own asserts.
 */
import { session_check } from './intake'

export { init, run } from './abi'

/** Asserts what the charters call invariants; between two calls of `run`. */
export function check(): void {
  session_check()
}
