/**
 * Where a failed assertion ends.
 *
 * Lives here: the header of the door and the one function that traps. Does not live here: what the
 * host does then (bindings: it poisons the instance).
 *
 * Invariant: `fault` is the only way out of the core but a return.
 */
import {
  HEADER_FAULT_COLUMN, HEADER_FAULT_FILE_BYTES, HEADER_FAULT_FILE_PTR, HEADER_FAULT_LINE,
} from './tables'

/** Room for the header's cells; at least as many as the table has. */
export const header: usize = memory.data(128)

/** The compiler calls this where an assertion fails (`--use abort=core/fault/fault`). */
export function fault(message: usize, file: usize, line: u32, column: u32): void {
  store<u32>(header + HEADER_FAULT_LINE, line)
  store<u32>(header + HEADER_FAULT_COLUMN, column)
  if (file != 0) {
    store<u32>(header + HEADER_FAULT_FILE_PTR, <u32>file)
    // A compiler string has its length in bytes in the word before it.
    store<u32>(header + HEADER_FAULT_FILE_BYTES, load<u32>(file - 4))
  }
  unreachable()
}
