/**
 * Channels within one program: circuit beside three libraries for the same.
 *
 * Lives here: the works with promises on one event loop. Does not live here: the core without
 * promises (door.ts), other processes (remote.ts).
 */
import { join, select, type Circuit, type Received } from './circuit.ts'
import type { Peers } from './peers.ts'
import { same, type Contender, type Work } from './timing.ts'

/** One end of a channel of numbers, whichever library it is of. */
interface Pipe<R> {
  send(value: number): Promise<unknown>
  receive(): Promise<R>
}

/** A library as these works see it; `select` receives from one of two. No promise is added. */
interface Library<R = any, S = any> {
  name: string
  pipe(capacity: number): Pipe<R>
  /** The number in what a receive gave. */
  read(received: R): number
  select?(): { first: Pipe<R>, second: Pipe<R>, either(): Promise<S>, read(chosen: S): number }
  notes?: Record<string, string>
}

const BUFFERED = 64

/** The works of this file, over a circuit of one. */
export async function localWorks(peers: Peers): Promise<{ works: Work[], end(): Promise<void> }> {
  const circuit = await join({ name: 'bench', transports: [] })
  const libraries = [circuitLibrary(circuit), asyncChannel(peers), medium(peers), thing(peers)]
  const each = (work: (library: Library) => (count: number) => Promise<void>, note: string) =>
    libraries.map((library) => withNote({ name: library.name, run: work(library) },
      library.notes?.[note]))
  const works: Work[] = [
    {
      name: `await send, await receive: capacity ${BUFFERED}`,
      unit: 'message',
      contenders: [...each((library) => stream(library, BUFFERED), 'buffer'), objects(circuit)]
    },
    {
      name: 'await send, await receive: capacity 0',
      unit: 'message',
      contenders: each((library) => stream(library, 0), 'rendezvous')
    },
    {
      name: 'ping-pong over two channels of capacity 0',
      unit: 'round trip',
      contenders: each(pingPong, 'rendezvous')
    },
    {
      name: 'select of two, a sender at each',
      unit: 'message',
      contenders: libraries.filter((library) => library.select !== undefined).map((library) =>
        withNote({ name: library.name, run: (count) => selecting(library, count) },
          library.notes?.['select']))
    }
  ]
  return { works, end: () => circuit.leave() }
}

const withNote = (contender: Contender, note: string | undefined): Contender =>
  note === undefined ? contender : { ...contender, note }

function stream(library: Library, capacity: number): (count: number) => Promise<void> {
  return async (count) => {
    const pipe = library.pipe(capacity)
    let sum = 0
    const sending = (async () => { for (let i = 1; i <= count; i++) await pipe.send(i) })()
    for (let i = 1; i <= count; i++) sum += library.read(await pipe.receive())
    await sending
    same(sum, count * (count + 1) / 2, 'the sum of the messages')
  }
}

function pingPong(library: Library): (count: number) => Promise<void> {
  return async (count) => {
    const there = library.pipe(0)
    const back = library.pipe(0)
    let sum = 0
    const echoing = (async () => {
      for (let i = 1; i <= count; i++) await back.send(library.read(await there.receive()))
    })()
    for (let i = 1; i <= count; i++) {
      await there.send(i)
      sum += library.read(await back.receive())
    }
    await echoing
    same(sum, count * (count + 1) / 2, 'the sum of the answers')
  }
}

async function selecting(library: Library, count: number): Promise<void> {
  const { first, second, either, read } = library.select!()
  const sending = [first, second].map(async (pipe, odd) => {
    for (let i = 1 + odd; i <= count; i += 2) await pipe.send(i)
  })
  let sum = 0
  for (let i = 1; i <= count; i++) sum += read(await either())
  await Promise.all(sending)
  same(sum, count * (count + 1) / 2, 'the sum of the messages')
}

function circuitLibrary(circuit: Circuit): Library<Received<number>, { value?: number }> {
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
    select() {
      const first = pipe(0)
      const second = pipe(0)
      return {
        first,
        second,
        either: () => select([first.channel.receiving(), second.channel.receiving()]),
        read: (chosen) => chosen.value!
      }
    }
  }
}

/** What a value costs that has to be written and read as CBOR. */
function objects(circuit: Circuit): Contender {
  return {
    name: 'circuit, { id, name, done } instead of a number',
    note: 'the object is copied, as CBOR',
    async run(count) {
      const channel = circuit.channel<{ id: number, name: string, done: boolean }>(
        { capacity: BUFFERED })
      let sum = 0
      const sending = (async () => {
        for (let i = 1; i <= count; i++) await channel.send({ id: i, name: 'job', done: false })
      })()
      for (let i = 1; i <= count; i++) sum += (await channel.receive()).value!.id
      await sending
      same(sum, count * (count + 1) / 2, 'the sum of the messages')
    }
  }
}

function asyncChannel({ async_channel }: Peers): Library<number> {
  return {
    name: 'async-channel',
    pipe(capacity) {
      const channel = new async_channel.BaseChannel(capacity)
      return { send: (value) => channel.push(value), receive: () => channel.get() }
    },
    read: (received) => received
  }
}

function medium({ medium: library }: Peers): Library<number, [number, object]> {
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
    select() {
      const first = pipe(0)
      const second = pipe(0)
      const either = () => library.any(first.channel, second.channel)
      return { first, second, either, read: ([value]) => value }
    }
  }
}

type Read = number | undefined

function thing({ thing: library }: Peers): Library<Read, [Read, unknown]> {
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
    select() {
      const first = pipe(0)
      const second = pipe(0)
      const either = () => library.select(first.channel, second.channel)
      return { first, second, either, read: ([value]) => value! }
    },
    notes: {
      buffer: 'its write ends when the value was read',
      rendezvous: 'a buffer of 1; its write ends when the value was read'
    }
  }
}
