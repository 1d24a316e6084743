/**
 * The engine's settings for a peer that runs for days and mostly waits.
 *
 * Lives here: when V8 compiles. Does not live here: anything that a program which embeds a peer
 * would have (bindings/node): its engine is its own.
 */
import { setFlagsFromString } from 'node:v8'

/** The versions that were looked at: another may know no such flag and would print so. */
const KNOWN = /^13\./
/**
 * What V8 counts before it compiles: calls, and calls since it saw something new. What a waiting
 * peer does for each probe comes to its own numbers in the fourth minute, and a wake costs a third
 * more until then.
 */
const SOONER = ['--invocation-count-for-maglev=50', '--minimum-invocations-after-ic-update=20']
const USUAL = ['--invocation-count-for-maglev=400', '--minimum-invocations-after-ic-update=500']
/** By then it has all been done often enough. */
const SOONER_MS = 60_000

/**
 * Compiles what is called seldom, too, for `during_ms` from now on. Not longer: code of a busy peer
 * that was made so early is a fifth slower. Changes this whole process and keeps nothing alive.
 */
export function compileSooner(during_ms = SOONER_MS): void {
  if (!KNOWN.test(process.versions.v8)) return
  SOONER.forEach((flag) => setFlagsFromString(flag))
  setTimeout(() => USUAL.forEach((flag) => setFlagsFromString(flag)), during_ms).unref()
}
