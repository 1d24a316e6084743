/**
 * What else carries messages between two programs: NATS, Redis, ZeroMQ, by their clients for Node.
 *
 * Lives here: one end of a road, the same for both programs: bytes out, bytes in. Does not live
 * here: servers (servers.ts), what is measured on a road (brokers.ts), the other program
 * (brokers-far.ts).
 *
 * Bytes are copied where the client keeps what it is given, since the sender uses them again.
 * Each is used as its users would for throughput: NATS publishes and looks after each 4,096 that
 * the server has them; Redis publishes in pipelines of 256, two under way; ZeroMQ waits when its
 * queue says so.
 */
import { loadPeer } from './peers.ts'

export type System = 'NATS' | 'Redis' | 'ZeroMQ'
export type End = 'near' | 'far'

/** One end. */
export interface Road {
  /** Sends; a promise when the sender is to wait. The bytes may be used again at once. */
  send(message: Uint8Array): Promise<unknown> | undefined
  /** Lets everything go that was gathered; resolves when the road has it. */
  flush(): Promise<unknown> | undefined
  end(): Promise<unknown> | void
}

type Listen = (message: Uint8Array) => void

const FLUSH_MESSAGES = 4096
const PIPELINE = 256
const QUEUED = 4096

/** Opens an end of a road; what comes goes to `listen`. */
export async function openRoad(
  system: System, port: number, end: End, listen: Listen
): Promise<Road> {
  if (system === 'NATS') return natsRoad(port, end, listen)
  return system === 'Redis' ? redisRoad(port, end, listen) : zeroRoad(port, end, listen)
}

const other = (end: End) => end === 'near' ? 'far' : 'near'

interface Nats {
  publish(subject: string, data: Uint8Array): void
  subscribe(subject: string, options: {
    callback(error: Error | null, message: { data: Uint8Array }): void
  }): void
  flush(): Promise<void>
  drain(): Promise<void>
}

async function natsRoad(port: number, end: End, listen: Listen): Promise<Road> {
  const { connect } = await loadPeer('@nats-io/transport-node') as {
    connect(options: { servers: string }): Promise<Nats>
  }
  const connection = await connect({ servers: `127.0.0.1:${port}` })
  connection.subscribe(end, {
    callback(error, { data }) {
      if (error !== null) throw error
      listen(data)
    }
  })
  await connection.flush()
  const subject = other(end)
  let unflushed = 0
  let flushing: Promise<void> | undefined
  return {
    send(message) {
      connection.publish(subject, Buffer.from(message))
      unflushed += 1
      if (unflushed < FLUSH_MESSAGES) return undefined
      unflushed = 0
      const before = flushing
      flushing = connection.flush()
      return before
    },
    flush() {
      unflushed = 0
      return undefined
    },
    end: () => connection.drain()
  }
}

interface Pipeline { publish(channel: string, message: Uint8Array): void, exec(): Promise<unknown> }
interface Redis {
  pipeline(): Pipeline
  subscribe(channel: string): Promise<unknown>
  on(event: 'messageBuffer', listen: (channel: Uint8Array, message: Uint8Array) => void): void
  quit(): Promise<unknown>
}

async function redisRoad(port: number, end: End, listen: Listen): Promise<Road> {
  const { Redis: Client } = await loadPeer('ioredis') as {
    Redis: new (port: number, host: string) => Redis
  }
  const incoming = new Client(port, '127.0.0.1')
  const outgoing = new Client(port, '127.0.0.1')
  incoming.on('messageBuffer', (_, message) => listen(message))
  await incoming.subscribe(end)
  const subject = other(end)
  let pipeline = outgoing.pipeline()
  let gathered = 0
  let under_way: Promise<unknown> | undefined
  const go = () => {
    const before = under_way
    under_way = pipeline.exec()
    pipeline = outgoing.pipeline()
    gathered = 0
    return before
  }
  return {
    send(message) {
      pipeline.publish(subject, Buffer.from(message))
      gathered += 1
      return gathered < PIPELINE ? undefined : go()
    },
    flush: () => gathered === 0 ? under_way : go(),
    async end() {
      await Promise.all([incoming.quit(), outgoing.quit()])
    }
  }
}

interface Push {
  sendHighWaterMark: number
  linger: number
  bind(address: string): Promise<void>
  connect(address: string): void
  send(message: Uint8Array): Promise<void>
  close(): void
}
interface Pull extends AsyncIterable<[Uint8Array]> {
  receiveHighWaterMark: number
  bind(address: string): Promise<void>
  connect(address: string): void
  close(): void
}

async function zeroRoad(port: number, end: End, listen: Listen): Promise<Road> {
  const { Push, Pull } = await loadPeer('zeromq') as { Push: new () => Push, Pull: new () => Pull }
  const outgoing = new Push()
  const incoming = new Pull()
  outgoing.sendHighWaterMark = QUEUED
  outgoing.linger = 0
  incoming.receiveHighWaterMark = QUEUED
  // The near end listens for both, at one port and the next.
  const [there, back] = [`tcp://127.0.0.1:${port}`, `tcp://127.0.0.1:${port + 1}`]
  if (end === 'near') {
    await outgoing.bind(there)
    await incoming.bind(back)
  } else {
    incoming.connect(there)
    outgoing.connect(back)
  }
  void (async () => {
    for await (const [message] of incoming) listen(message)
  })()
  return {
    send: (message) => outgoing.send(Buffer.from(message)),
    flush: () => undefined,
    end() {
      outgoing.close()
      incoming.close()
    }
  }
}
