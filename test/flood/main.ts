/**
 * `npm run flood`: how much longer others wait while a member floods. The bound is 3 times.
 */
import { loadavg } from 'node:os'
import { measure_flood, middle, told } from './flood.ts'

const ROUNDS = 7
const TRIPS = 1_000

console.log(`load of the machine: ${loadavg()[0]!.toFixed(1)}`)
const rounds = await measure_flood(ROUNDS, TRIPS)
for (const round of rounds) console.log(`  ${told(round)}`)
console.log(`the middle of ${ROUNDS} rounds: ${told(middle(rounds))}`)
