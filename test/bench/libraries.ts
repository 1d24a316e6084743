/**
 * Channel libraries with promises, as the local works see them: circuit and three others.
 *
 * Lives here: one adapter for each, that adds no promise of its own. Does not live here: the works
 * (local.ts, burst.ts), js-csp, whose processes are generators (csp.ts).
 */
import { select, type Circuit, type Received } from './circuit.ts'
import type { Peers } from './peers.ts'

/** One end of a channel of numbers, whichever library it is of. */
export interface Pipe<R = any> {
  send(value: number): Promise<unknown>
  receive(): Promise<R>
}

/** Channels of which one is received from. */
export interface Choice<R = any, S = any> {
  pipes: Pipe<R>[]
  choose(): Promise<S>
  read(chosen: S): number
}

/** A library; `read` gives the number in what a receive gave. */
export interface Library<R = any> {
  name: string
  pipe(capacity: number): Pipe<R>
  read(received: R): number
  choice?(channels: number): Choice<R>
  notes?: Record<string, string>
}

export function circuitLibrary(circuit: Circuit): Library<Received<number>> {
  const pipe = (capacity: number) => {
    const channel = circuit.channel<number>({ capacity })
    return {
      channel,
      send: (value: number) => channel.send(value),
      receive: () => channel.receive()
    }
  }
  return {
    name: 'circuit',
    pipe,
    read: (received) => received.value!,
    choice(channels) {
      const pipes = Array.from({ length: channels }, () => pipe(0))
      const cases = pipes.map(({ channel }) => channel.receiving())
      return {
        pipes,
        choose: () => select(cases),
        read: (chosen: { value?: number }) => chosen.value!
      }
    }
  }
}

export function asyncChannel({ async_channel }: Peers): Library<number> {
  return {
    name: 'async-channel',
    pipe(capacity) {
      const channel = new async_channel.BaseChannel(capacity)
      return { send: (value) => channel.push(value), receive: () => channel.get() }
    },
    read: (received) => received
  }
}

export function medium({ medium: library }: Peers): Library<number> {
  const pipe = (capacity: number) => {
    const channel = capacity === 0 ? library.chan() : library.chan(capacity)
    return {
      channel,
      send: (value: number) => library.put(channel, value),
      receive: () => library.take(channel)
    }
  }
  return {
    name: 'medium',
    pipe,
    read: (received) => received,
    choice(channels) {
      const pipes = Array.from({ length: channels }, () => pipe(0))
      const ends = pipes.map(({ channel }) => channel)
      return {
        pipes,
        choose: () => library.any(...ends),
        read: ([value]: [number, object]) => value
      }
    }
  }
}

type Read = number | undefined

export function thing({ thing: library }: Peers): Library<Read> {
  const pipe = (capacity: number) => {
    const channel = library.channel(Math.max(1, capacity))
    return {
      channel,
      send: (value: number) => channel.write(value),
      receive: () => channel.read()
    }
  }
  return {
    name: '@thi.ng/csp',
    pipe,
    read: (received) => received!,
    choice(channels) {
      const pipes = Array.from({ length: channels }, () => pipe(0))
      const [first, ...more] = pipes.map(({ channel }) => channel)
      return {
        pipes,
        choose: () => library.select(first!, ...more),
        read: ([value]: [Read, unknown]) => value!
      }
    },
    notes: {
      buffer: 'its write ends when the value was read',
      rendezvous: 'a buffer of 1; its write ends when the value was read'
    }
  }
}
