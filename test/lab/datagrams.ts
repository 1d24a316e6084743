/**
 * A process that sends or counts datagrams, to see what a network does to them.
 *
 * Run in a namespace. `node test/lab/datagrams.ts count` prints `ready`, and at the first end mark
 * of each round a JSON list of what came since the last: `[number, sent, came]` in the order of
 * coming, times in milliseconds of the machine's monotonic clock. `… send ADDRESS` prints `ready`
 * and obeys lines of its standard input: `ROUND COUNT BYTES GAP_MS` sends numbered ones and prints
 * `sent` when the kernel has them, `ROUND` sends an end mark. Both end with their standard input.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { now_ms } from './log.ts'

const PORT = 4700
const HEAD_BYTES = 16
const END_MARK = 0xffffffff
/** A burst waits in the socket until this process has a turn; a kernel gives what it permits. */
const WAITING_BYTES = 1 << 20
const [what, address = ''] = process.argv.slice(2)
const socket = createSocket({ type: 'udp4', recvBufferSize: WAITING_BYTES })

if (what === 'count') await count(socket)
else await send(socket, address)
socket.close()

async function count(from: Socket): Promise<void> {
  let came: Array<[number, number, number]> = []
  let ended_round = 0
  from.on('message', (bytes) => {
    const [round, number] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)]
    if (number !== END_MARK) {
      came.push([number, bytes.readDoubleBE(8), now_ms()])
    } else if (round > ended_round) {
      ended_round = round
      console.log(JSON.stringify(came))
      came = []
    }
  })
  from.bind(PORT)
  await once(from, 'listening')
  console.log('ready')
  await once(process.stdin.resume(), 'end')
}

async function send(by: Socket, to: string): Promise<void> {
  console.log('ready')
  for await (const line of createInterface(process.stdin)) {
    const [round = 0, times, bytes = 0, gap_ms = 0] = line.split(' ').map(Number)
    const packet = Buffer.alloc(Math.max(HEAD_BYTES, bytes))
    packet.writeUInt32BE(round, 0)
    for (let nth = 0; nth < (times ?? 1); nth++) {
      packet.writeUInt32BE(times === undefined ? END_MARK : nth, 4)
      packet.writeDoubleBE(now_ms(), 8)
      // What cannot be sent, because the way is cut, is like what is lost.
      await new Promise((resolve) => by.send(packet, PORT, to, resolve))
      if (gap_ms > 0) await new Promise((resolve) => setTimeout(resolve, gap_ms))
    }
    if (times !== undefined) console.log('sent')
  }
}
