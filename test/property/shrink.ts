/**
 * Makes a failing list smaller.
 *
 * Lives here: leaving out ever smaller parts while the rest still fails. Does not live here: what
 * failing means.
 */

/** The shortest list found that still fails, by leaving parts out; `tries` bounds the work. */
export function shrink<T>(
  list: readonly T[], fails: (list: readonly T[]) => boolean, tries = 2000
): T[] {
  let best = [...list]
  let part = Math.max(1, best.length >> 1)
  let left = tries
  for (;;) {
    let shorter = false
    for (let at = 0; at < best.length && left > 0;) {
      const candidate = [...best.slice(0, at), ...best.slice(at + part)]
      left--
      if (fails(candidate)) {
        best = candidate
        shorter = true
      } else at += part
    }
    if (left <= 0) return best
    if (part > 1) part = part >> 1
    else if (!shorter) return best
  }
}
