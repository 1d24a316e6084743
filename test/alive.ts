/**
 * Whether a process still runs.
 *
 * Lives here: asking the kernel. Does not live here: ending processes (each test ends its own).
 */
import { readFileSync } from 'node:fs'

/** False once it has ended, also while nobody has yet asked for its exit status (a zombie). */
export function lives(process_id: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${process_id}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Waits until it has ended; whoever calls bounds the time. */
export async function over(process_id: number): Promise<void> {
  while (lives(process_id)) await new Promise((resolve) => setTimeout(resolve, 10))
}
