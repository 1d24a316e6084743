/**
 * Bursts within one program: what can be sent and received without waiting.
 *
 * Lives here: 64 messages into a buffer and out of it again, none awaited alone. Does not live
 * here: works that await each message (local.ts).
 *
 * Each contender has a buffer of 64, puts 64 numbers into it, takes them out, and adds them up.
 */
import type { Circuit } from './circuit.ts'
import type { Goal } from './goal.ts'
import type { Peers } from './peers.ts'
import { same, type Contender } from './timing.ts'

const BURST = 64
const LEAST_PER_SECOND = 20e6

export const BURST_NAME = `local burst: ${BURST} in, ${BURST} out, none awaited alone`

/** What is to be reached: of circuit's contenders the first is judged. */
export function burstGoals(ours: readonly Contender[], others: readonly Contender[]): Goal[] {
  const judged = ours[0]!.name
  const beside = others.map(({ name }) => name)
  return [
    {
      ours: judged, shown: beside, as_rate: true,
      target: '≥ 20 M messages/s', most_ns: 1e9 / LEAST_PER_SECOND
    },
    {
      row: 'the same, beside', ours: judged, beside, as_rate: true,
      target: '≥ 1.0× the fastest library', speed_least: 1
    }
  ]
}

/** What circuit has for bursts. */
export function circuitBursts(circuit: Circuit): Contender[] {
  return [listed(circuit), tried(circuit), windowed(circuit)]
}

function listed(circuit: Circuit): Contender {
  return {
    name: 'circuit, sendMany and receiveMany',
    async run(count) {
      const channel = circuit.channel<number>({ capacity: BURST })
      let sum = 0
      let received = 0
      const values: number[] = []
      for (let from = 1; from <= count; from += BURST) {
        const burst = Math.min(BURST, count - from + 1)
        values.length = burst
        for (let i = 0; i < burst; i++) values[i] = from + i
        await channel.sendMany(values)
        for (const value of await channel.receiveMany(BURST)) {
          received += 1
          sum += value
        }
      }
      same(received, count, 'messages that were received')
      same(sum, count * (count + 1) / 2, 'the sum of the messages')
    }
  }
}

function tried(circuit: Circuit): Contender {
  return {
    name: 'circuit, trySend and tryReceive',
    async run(count) {
      const channel = circuit.channel<number>({ capacity: BURST })
      const went: Promise<boolean>[] = []
      const came: Promise<{ value?: number } | undefined>[] = []
      let sum = 0
      let accepted = 0
      for (let from = 1; from <= count; from += BURST) {
        const burst = Math.min(BURST, count - from + 1)
        for (let i = 0; i < burst; i++) went[i] = channel.trySend(from + i)
        for (let i = 0; i < burst; i++) came[i] = channel.tryReceive()
        for (let i = 0; i < burst; i++) {
          if (await went[i]!) accepted += 1
          sum += (await came[i]!)!.value!
        }
      }
      same(accepted, count, 'messages that were accepted')
      same(sum, count * (count + 1) / 2, 'the sum of the messages')
    }
  }
}

function windowed(circuit: Circuit): Contender {
  return {
    name: `circuit, a writer and a reader with windows of ${BURST}`,
    async run(count) {
      const channel = circuit.channel<number>({ capacity: BURST })
      await using writer = channel.writer({ window: BURST })
      using reader = channel.reader({ prefetch: BURST })
      let sum = 0
      const sending = (async () => { for (let i = 1; i <= count; i++) await writer.send(i) })()
      for (let i = 1; i <= count; i++) sum += (await reader.receive()).value!
      await sending
      same(sum, count * (count + 1) / 2, 'the sum of the messages')
    }
  }
}

/** For libraries that have calls which do not wait. */
function offering(
  name: string, make: () => { offer(value: number): boolean, poll(): unknown }
): Contender {
  return {
    name: `${name}, offer and poll`,
    run(count) {
      const { offer, poll } = make()
      let sum = 0
      let accepted = 0
      for (let from = 1; from <= count; from += BURST) {
        const burst = Math.min(BURST, count - from + 1)
        for (let i = 0; i < burst; i++) if (offer(from + i)) accepted += 1
        for (let i = 0; i < burst; i++) sum += poll() as number
      }
      same(accepted, count, 'messages that were accepted')
      same(sum, count * (count + 1) / 2, 'the sum of the messages')
    }
  }
}

export function thingBurst({ thing }: Peers): Contender {
  return offering('@thi.ng/csp', () => {
    const channel = thing.channel(BURST)
    return { offer: (value) => channel.offer(value), poll: () => channel.poll() }
  })
}

export function cspBurst({ js_csp }: Peers): Contender {
  return offering('js-csp', () => {
    const channel = js_csp.chan(BURST)
    return { offer: (value) => js_csp.offer(channel, value), poll: () => js_csp.poll(channel) }
  })
}
