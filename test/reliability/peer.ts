/**
 * One peer in a process of its own, for measuring what others hear when it dies or sleeps.
 *
 * Run by fleet.ts as `peer.ts NAME CIRCUIT STATE ROAD`: writes a JSON line for each membership
 * event, with the machine's monotonic clock in milliseconds, and ends when its standard input does.
 */
import { join } from '../../bindings/node/index.ts'

const [name = '', circuit_name = '', state = '', road = ''] = process.argv.slice(2)
const circuit = await join({
  name, circuit: circuit_name, state, discovery: ['local'], listen: ['/ip4/127.0.0.1/tcp/0'],
  unix: road === 'unix'
})
const say = (line: object): void => {
  const at_ms = Number(process.hrtime.bigint() / 1000n) / 1000
  process.stdout.write(`${JSON.stringify({ ...line, at_ms })}\n`)
}
process.stdin.on('end', () => { void circuit.leave().finally(() => process.exit()) }).resume()
say({ event: 'self', id: circuit.self.id, incarnation: circuit.self.incarnation })
for await (const { event, peer } of circuit.members()) {
  if (peer.id !== circuit.self.id) say({ event, id: peer.id, incarnation: peer.incarnation })
}
