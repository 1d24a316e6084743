/**
 * A peer in a process of its own that knows nobody and finds others by mDNS alone.
 *
 * Run: `node test/node/mdns-peer.ts STATE NAME [TICKET]`. It prints a JSON line for each member
 * that comes or goes, offers the channel `door`, sends its name through the door of each peer that
 * joins, prints what comes through its own, and leaves when its standard input ends.
 */
import { join } from '../../bindings/node/index.ts'

const [state = '', name = '', ticket] = process.argv.slice(2)
const circuit = await join({
  state, name, discovery: ['mdns'], ...ticket === undefined ? {} : { tickets: [ticket] }
})
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const door = await circuit.make<string>('door', { capacity: 8 })
say({ ticket: await circuit.invite({ rights: ['channel', 'process', 'admin'] }).catch(() => '') })

void listen()
void watch()
process.stdin.resume().on('end', () => { void circuit.leave() })

async function listen(): Promise<void> {
  try {
    for await (const from of door) say({ heard: from })
  } catch { /* the peer leaves */ }
}

async function watch(): Promise<void> {
  try {
    for await (const { event, peer } of circuit.members()) {
      say({ event, name: peer.name })
      if (event === 'joined' && peer.id !== circuit.self.id) await knock(peer.id)
    }
  } catch { /* the peer leaves */ }
}

async function knock(peer: string): Promise<void> {
  const theirs = await circuit.open<string>(`/${peer}/door`)
  await theirs.send(name)
}
