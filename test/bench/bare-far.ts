/**
 * The far side of a bare libp2p stream: counts or echoes messages, as each order says.
 *
 * Run by bare.ts. It tells its address, and ends when the other side does.
 */
import { ANSWER_BYTES, BareStream, ORDER_BYTES, PROTOCOL, bareNode } from './bare-stream.ts'

const node = await bareNode(['/ip4/127.0.0.1/tcp/0'])
await node.handle(PROTOCOL, (stream) => {
  const bare = new BareStream(stream)
  void (async () => {
    for (;;) await obey(bare)
  })()
})
process.send!(`${node.getMultiaddrs()[0]}`)
process.on('disconnect', () => process.exit())

async function obey(stream: BareStream): Promise<void> {
  const { first } = await stream.numbers(1, ORDER_BYTES)
  const order = new DataView(first.buffer, first.byteOffset)
  const count = order.getUint32(0)
  const bytes = order.getUint32(4)
  if (order.getUint32(8) === 1) {
    await stream.numbers(count, bytes, (message) => { void stream.send(message) })
    return
  }
  const { sum } = await stream.numbers(count, bytes)
  const answer = new Uint8Array(ANSWER_BYTES)
  new DataView(answer.buffer).setFloat64(0, sum)
  await stream.send(answer)
}
