/**
 * The far program of calls.ts: takes messages as arguments of calls, counts them and adds them up.
 *
 * Run by calls.ts. It tells its port, and ends when its parent does.
 */
import type { AddressInfo } from 'node:net'
import { loadPeer } from './peers.ts'

interface Server {
  on(event: 'connection', then: (socket: object) => void): void
  on(event: 'listening', then: () => void): void
  address(): AddressInfo
}

const { RpcTarget, newWebSocketRpcSession } = await loadPeer('capnweb') as {
  RpcTarget: new () => object, newWebSocketRpcSession(socket: object, target: object): unknown
}
const { WebSocketServer } = await loadPeer('ws') as {
  WebSocketServer: new (options: { host: string, port: number }) => Server
}

class Counter extends RpcTarget {
  #count = 0
  #sum = 0

  take(message: Uint8Array): void {
    this.#count += 1
    this.#sum += new DataView(message.buffer, message.byteOffset).getUint32(0)
  }

  tally(): { count: number, sum: number } {
    const tally = { count: this.#count, sum: this.#sum }
    this.#count = 0
    this.#sum = 0
    return tally
  }
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
server.on('connection', (socket) => { newWebSocketRpcSession(socket, new Counter()) })
server.on('listening', () => process.send!(server.address().port))
process.on('disconnect', () => process.exit())
