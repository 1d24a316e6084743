/**
 * The verbs about anchors and channels: ls, mkchan, send, recv, close, scrub, peek.
 *
 * Lives here: their words as requests. Does not live here: their work
 * (bindings/node/daemon-channels.ts).
 */
import { CAPACITY_MAX } from '../js/tables.ts'
import { ask } from './ask.ts'
import { eachLine, oneMessage } from './input.ts'
import { misuse, type Call } from './words.ts'

/** Does one of these verbs; gives its exit code. */
export async function run(call: Call): Promise<number> {
  const [path = '', capacity] = call.words
  const flag = (name: 'json' | 'lines' | 'try' | 'follow' | 'long') => call.flags.has(name)
  switch (call.name) {
    case 'ls': return ask(call, { path, long: flag('long'), json: flag('json') })
    case 'mkchan': {
      return ask(call, capacity === undefined ? { path } : { path, capacity: capacityOf(capacity) })
    }
    case 'send': {
      const input = flag('lines') ? eachLine(path, flag('json')) : oneMessage(path, flag('json'))
      return ask(call, { path, json: flag('json'), try: flag('try') }, input)
    }
    case 'recv': {
      const [json, lines, follow] = [flag('json'), flag('lines'), flag('follow')]
      return ask(call, { path, json, lines, follow, try: flag('try') })
    }
    default: return ask(call, { path })
  }
}

function capacityOf(text: string): number {
  const capacity = /^\d{1,7}$/.test(text) ? Number(text) : Infinity
  if (capacity <= CAPACITY_MAX) return capacity
  return misuse(`CAP is a whole number from 0 to ${CAPACITY_MAX}, not ${text}`)
}
