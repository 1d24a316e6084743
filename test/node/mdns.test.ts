/**
 * Multicast DNS: what is said, what is understood, and two peers that find each other by it.
 */
import * as assert from 'uvu/assert'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { decode, encode, type Answer, type Packet } from 'dns-packet'
import { signerOf } from '../../bindings/js/identity.ts'
import { isLoopback } from '../../bindings/node/addresses.ts'
import { drive } from '../../bindings/node/drive.ts'
import { Mdns } from '../../bindings/node/mdns.ts'
import {
  answerOf, queryFor, readPacket, serviceOf, type Announcement
} from '../../bindings/node/mdns-records.ts'
import { suite, type TestContext } from '../suite.ts'

const test = suite('node: multicast DNS')

/** A circuit of its own for each run, so that runs beside each other do not meet. */
const circuit = (await signerOf(drive.random(32))).id
const alice = (await signerOf(new Uint8Array(32).fill(2))).id
const bob = (await signerOf(new Uint8Array(32).fill(3))).id
const service = serviceOf(circuit)
const ADDRESS = '/ip4/127.0.0.1/tcp/4711'

const announcement = (more: Partial<Announcement> = {}): Announcement => ({
  service, instance: 'i'.repeat(32), peer: alice, addresses: [ADDRESS],
  ip4: ['127.0.0.1'], ip6: ['fd00::1'], ...more
})

/** Of bindings/node/mdns.ts. */
const ANSWER_GAP_MS = 250
const packetOf = (bytes: Uint8Array | undefined): Packet => decode(Buffer.from(bytes!))

interface Peer { mdns: Mdns, addresses: string[], found: Array<[string, string[]]> }

function speaker(t: TestContext, peer: string, where = circuit, addresses = [ADDRESS]): Peer {
  const made: Peer = { addresses, found: [], mdns: undefined as unknown as Mdns }
  const instance = Buffer.from(drive.random(16)).toString('hex')
  made.mdns = new Mdns({
    circuit: where, peer, instance, addresses: () => made.addresses,
    found: (id, at) => { made.found.push([id, at]) }
  })
  t.after(() => made.mdns.close())
  return made
}

async function until(t: TestContext, holds: () => boolean): Promise<void> {
  while (!holds()) {
    t.signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('a service is a name of its circuit alone, as long as DNS-SD allows', () => {
  assert.match(service, /^_c[a-z2-7]{14}\._udp\.local$/)
  assert.is(serviceOf(circuit), service)
  assert.is.not(serviceOf(alice), serviceOf(bob))
  // written down, for other languages to compare: the key of the seed 02 02 …
  assert.is(serviceOf(alice), '_cpzu4p223vo6tnx._udp.local')
  assert.throws(() => serviceOf('nobody'))
})

test('an answer has every record that any reader looks for', () => {
  const packet = packetOf(answerOf(announcement({ addresses: [ADDRESS, '/ip4/192.0.2.1/tcp/9'] })))
  assert.is(packet.type, 'response')
  const name = `${'i'.repeat(32)}.${service}`
  const item = (at: string) => Buffer.from(`dnsaddr=${at}/p2p/${alice}`)
  const text = [item(ADDRESS), item('/ip4/192.0.2.1/tcp/9')]
  const kinds = (answers?: Answer[]) => answers?.map(({ type }) => type)
  assert.equal(kinds(packet.answers), ['PTR', 'TXT'])
  assert.equal(kinds(packet.additionals), ['SRV', 'TXT', 'A', 'AAAA'])
  const [pointer, first] = packet.answers as Array<{ name: string, data: unknown, ttl: number }>
  assert.equal([pointer!.name, pointer!.data, pointer!.ttl], [service, name, 120])
  assert.equal([first!.name, first!.data], [name, text], 'all items in one record')
  const [place, again] = packet.additionals as Array<{ data: { port: number, target: string } }>
  assert.is(place!.data.port, 4711)
  assert.is(place!.data.target, `${'i'.repeat(32)}.local`)
  assert.equal(again!.data as unknown, text)
})

test('what is said is understood; a goodbye and an answer without a place are, too', () => {
  assert.equal(readPacket(queryFor(service), service), { kind: 'query' })
  assert.equal(readPacket(answerOf(announcement())!, service),
    { kind: 'peers', peers: [{ peer: alice, addresses: [ADDRESS] }], gone: [] })
  assert.equal(readPacket(answerOf(announcement(), true)!, service),
    { kind: 'peers', peers: [], gone: [alice] })
  const bare = encode({
    type: 'response', answers: [
      { type: 'PTR', name: service, data: `x.${service}` },
      { type: 'TXT', name: `x.${service}`, ttl: 9, data: `dnsaddr=${ADDRESS}/p2p/${alice}` },
      { type: 'TXT', name: `x.${service}`, ttl: 9, data: `dnsaddr=/ip6/::1/tcp/5/p2p/${alice}` }
    ]
  })
  assert.equal(readPacket(bare, service), {
    kind: 'peers', gone: [], peers: [{ peer: alice, addresses: [ADDRESS, '/ip6/::1/tcp/5'] }]
  })
})

test('other services, wrong items and wrong bytes give nothing', () => {
  assert.is(readPacket(queryFor(serviceOf(bob)), service), undefined)
  assert.is(readPacket(answerOf(announcement({ service: serviceOf(bob) }))!, service), undefined)
  const items = ['', 'dnsaddr=', `dnsaddr=${ADDRESS}`, `dnsaddr=/p2p/${alice}`, 'dnsaddr=x/p2p/y',
    `dnsaddr=${ADDRESS}/p2p/QmNobody`, `${ADDRESS}/p2p/${alice}`, `dnsaddr=/a b/p2p/${alice}`]
  const wrong = encode({
    type: 'response', answers: [{ type: 'TXT', name: `x.${service}`, ttl: 9, data: items }]
  })
  assert.is(readPacket(wrong, service), undefined)
  assert.is(answerOf(announcement({ addresses: [] })), undefined)
  assert.is(answerOf(announcement({ addresses: [`/dns/${'x'.repeat(250)}/tcp/1`] })), undefined)
  const whole = answerOf(announcement())!
  let seed = 7
  for (let round = 0; round < 2000; round++) {
    const bytes = whole.slice(0, 1 + (seed % whole.length))
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    bytes[seed % bytes.length] = seed >>> 24
    readPacket(bytes, service) // gives something or nothing, and throws never
  }
})

test('a packet has a bound of peers and of addresses', () => {
  const many = Array.from({ length: 30 }, (_, at) => `/ip4/192.0.2.${at}/tcp/1`)
  const heard = readPacket(answerOf(announcement({ addresses: many }))!, service)
  assert.ok(heard?.kind === 'peers' && heard.peers[0]!.addresses.length === 16)
})

test('two peers find each other, and peers of another circuit do not', async (t) => {
  const one = speaker(t, alice)
  const two = speaker(t, bob, circuit, ['/ip4/127.0.0.1/tcp/4712'])
  const stranger = speaker(t, bob, alice)
  await stranger.mdns.start()
  await one.mdns.start()
  await two.mdns.start()
  await until(t, () => one.found.length > 0 && two.found.length > 0)
  assert.equal(one.found[0], [bob, ['/ip4/127.0.0.1/tcp/4712']])
  assert.equal(two.found[0], [alice, [ADDRESS]])
  assert.equal(stranger.found, [])
})

test('changed addresses are told at once, and the end as a goodbye', async (t) => {
  const listener = createSocket({ type: 'udp4', reuseAddr: true })
  t.after(() => new Promise<void>((resolve) => listener.close(resolve)))
  listener.bind(5353, '0.0.0.0')
  await once(listener, 'listening')
  listener.addMembership('224.0.0.251', '127.0.0.1')
  const heard: string[] = []
  listener.on('message', (bytes) => {
    const read = readPacket(bytes, service)
    if (read?.kind !== 'peers') return
    for (const { addresses } of read.peers) heard.push(...addresses)
    for (const peer of read.gone) heard.push(`gone ${peer}`)
  })
  const one = speaker(t, alice)
  await one.mdns.start()
  await until(t, () => heard.includes(ADDRESS))
  one.addresses = ['/ip4/127.0.0.1/tcp/9999']
  one.mdns.announce()
  await until(t, () => heard.includes('/ip4/127.0.0.1/tcp/9999'))
  await one.mdns.close()
  await until(t, () => heard.includes(`gone ${alice}`))
})

test('a burst of questions gets few answers', async (t) => {
  const one = speaker(t, alice)
  await one.mdns.start()
  const asker = createSocket({ type: 'udp4', reuseAddr: true })
  t.after(() => new Promise<void>((resolve) => asker.close(resolve)))
  asker.bind(5353, '0.0.0.0')
  await once(asker, 'listening')
  asker.addMembership('224.0.0.251', '127.0.0.1')
  asker.setMulticastInterface('127.0.0.1')
  let answers = 0
  let echoes = 0
  asker.on('message', (bytes, from) => {
    if (from.address !== '127.0.0.1') return
    const kind = readPacket(bytes, service)?.kind
    if (kind === 'peers') answers++
    if (kind === 'query') echoes++
  })
  const began = performance.now()
  // Not more at once than a socket holds whose process has no turn.
  for (let sent = 0; sent < 200; sent += 50) {
    for (let at = 0; at < 50; at++) asker.send(queryFor(service), 5353, '224.0.0.251')
    await until(t, () => echoes >= sent + 50)
  }
  await until(t, () => answers >= 1)
  const most = 3 + (performance.now() - began) / ANSWER_GAP_MS
  assert.ok(answers <= most, `${answers} answers to 200 questions`)
})

test('loopback addresses are known', () => {
  for (const address of ['/ip4/127.0.0.1/tcp/1', '/ip4/127.9.9.9/tcp/1', '/ip6/::1/tcp/1']) {
    assert.ok(isLoopback(address), address)
  }
  for (const address of ['/ip4/12.7.0.1/tcp/1', '/ip6/::12/tcp/1', '/dns/localhost/tcp/1']) {
    assert.not(isLoopback(address), address)
  }
})

test.run()
