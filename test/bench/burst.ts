/**
 * Bursts within one program: what can be sent and received without waiting.
 *
 * Lives here: 64 messages into a buffer and out of it again, none awaited alone. Does not live
 * here: works that await each message (local.ts).
 *
 * Each contender has a buffer of 64, puts 64 numbers into it, takes them out, and adds them up.
 */
import type { Circuit } from './circuit.ts'
import type { Peers } from './peers.ts'
import { same, type Contender, type Work } from './timing.ts'

const BURST = 64
const LEAST_PER_SECOND = 20e6

/** The work; without peers only circuit itself. */
export function burstWork(circuit: Circuit, peers: Peers | undefined): Work {
  const contenders: Contender[] = [listed(circuit), tried(circuit), windowed(circuit)]
  if (peers !== undefined) {
    contenders.push(...offered(peers))
  }
  const beside = contenders.slice(3).map(({ name }) => name)
  return {
    name: `local burst: ${BURST} in, ${BURST} out, none awaited alone`,
    unit: 'message', alone: true, contenders,
    goals: [
      {
        ours: contenders[0]!.name, shown: beside, as_rate: true,
        target: '≥ 20 M messages/s', most_ns: 1e9 / LEAST_PER_SECOND
      },
      {
        row: 'the same, beside', ours: contenders[0]!.name, beside, as_rate: true,
        target: '≥ 1.0× the fastest library', speed_least: 1
      }
    ]
  }
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

/** The libraries that have calls which do not wait. */
function offered({ thing, js_csp }: Peers): Contender[] {
  const offering = (
    name: string, make: () => { offer(value: number): boolean, poll(): unknown }
  ): Contender => ({
    name,
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
  })
  return [
    offering('@thi.ng/csp, offer and poll', () => {
      const channel = thing.channel(BURST)
      return { offer: (value) => channel.offer(value), poll: () => channel.poll() }
    }),
    offering('js-csp, offer and poll', () => {
      const channel = js_csp.chan(BURST)
      return {
        offer: (value) => js_csp.offer(channel, value), poll: () => js_csp.poll(channel)
      }
    })
  ]
}
