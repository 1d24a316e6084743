/**
 * The far program on another road: counts or echoes, as its parent says.
 *
 * Run by brokers.ts: `brokers-far.ts SYSTEM PORT`.
 */
import { openRoad, type System } from './roads.ts'

/** How many messages will come, and whether they go back. */
export interface BrokerOrder { count: number, echo: boolean }

/** How many came, and the sum of their numbers. */
export interface BrokerTally { count: number, sum: number }

const [system, port] = process.argv.slice(2)
// Messages may overtake the order, which comes by another way: they are counted all the same.
let order: BrokerOrder | undefined
let early: Uint8Array[] = []
let count = 0
let sum = 0

const road = await openRoad(system as System, Number(port), 'far', (message) => {
  if (order === undefined) early.push(message)
  else take(message, order)
})
process.on('message', (next: BrokerOrder) => {
  order = next
  for (const message of early.splice(0)) take(message, next)
})
process.on('disconnect', () => process.exit())
process.send!('ready')

function take(message: Uint8Array, { count: wanted, echo }: BrokerOrder): void {
  count += 1
  sum += (message[0]! << 24 | message[1]! << 16 | message[2]! << 8 | message[3]!) >>> 0
  if (echo) {
    void road.send(message)
    void road.flush()
  }
  if (count < wanted) return
  process.send!({ count, sum } satisfies BrokerTally)
  order = undefined
  count = 0
  sum = 0
}
