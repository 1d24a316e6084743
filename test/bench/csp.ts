/**
 * The local works with js-csp, whose processes are generators.
 *
 * Lives here: the same works as in local.ts, the sums checked in the same way. Does not live here:
 * the works' names and goals.
 */
import type { LocalWorks } from './local.ts'
import type { JsCsp } from './peers.ts'
import { quotas, same } from './timing.ts'

type Process = () => Generator<any, void, any>

/** Runs processes until all have ended. */
function all(csp: JsCsp, processes: Process[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let running = processes.length
    for (const process of processes) {
      csp.go(function* () {
        try {
          yield* process()
        } catch (error) {
          reject(error)
        }
        running -= 1
        if (running === 0) resolve()
      })
    }
  })
}

const total = (count: number) => count * (count + 1) / 2

/** The works by name. */
export function cspWorks(csp: JsCsp): LocalWorks {
  const channel = (capacity: number) => capacity === 0 ? csp.chan() : csp.chan(capacity)
  return {
    name: 'js-csp',
    stream: (capacity) => async (count) => {
      const through = channel(capacity)
      let sum = 0
      await all(csp, [
        function* () { for (let i = 1; i <= count; i++) yield csp.put(through, i) },
        function* () { for (let i = 1; i <= count; i++) sum += yield csp.take(through) }
      ])
      same(sum, total(count), 'the sum of the messages')
    },
    pingPong: async (count) => {
      const there = channel(0)
      const back = channel(0)
      let sum = 0
      await all(csp, [
        function* () {
          for (let i = 1; i <= count; i++) yield csp.put(back, yield csp.take(there))
        },
        function* () {
          for (let i = 1; i <= count; i++) {
            yield csp.put(there, i)
            sum += yield csp.take(back)
          }
        }
      ])
      same(sum, total(count), 'the sum of the answers')
    },
    ...selects(csp),
    crowd: (senders, receivers, capacity) => async (count) => {
      const through = channel(capacity)
      let next = 0
      let sum = 0
      await all(csp, [
        ...quotas(count, receivers).map((quota) => function* () {
          // In two steps: the sum may change while this one waits.
          for (let i = 0; i < quota; i++) {
            const value: number = yield csp.take(through)
            sum += value
          }
        }),
        ...quotas(count, senders).map((quota) => function* () {
          for (let i = 0; i < quota; i++) yield csp.put(through, ++next)
        })
      ])
      same(sum, total(count), 'the sum of the messages')
    }
  }
}

function selects(csp: JsCsp): Pick<LocalWorks, 'choosing' | 'waiting'> {
  return {
    choosing: (channels) => async (count) => {
      const ends = Array.from({ length: channels }, () => csp.chan())
      let sum = 0
      const senders = ends.map((end, at) => function* () {
        for (let i = 1 + at; i <= count; i += channels) yield csp.put(end, i)
      })
      await all(csp, [...senders, function* () {
        for (let i = 1; i <= count; i++) {
          const { value }: { value: number } = yield csp.alts(ends)
          sum += value
        }
      }])
      same(sum, total(count), 'the sum of the messages')
    },
    waiting: (channels) => async (count) => {
      const ends = Array.from({ length: channels }, () => csp.chan())
      const turns = csp.chan()
      let sum = 0
      await all(csp, [
        function* () {
          for (let i = 1; i <= count; i++) {
            const { value }: { value: number } = yield csp.alts(ends)
            sum += value
            yield csp.put(turns, i)
          }
        },
        function* () {
          for (let i = 1; i <= count; i++) {
            yield csp.put(ends[i % channels]!, i)
            yield csp.take(turns)
          }
        }
      ])
      same(sum, total(count), 'the sum of the messages')
    }
  }
}
