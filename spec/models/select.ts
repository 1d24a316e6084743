/**
 * The text of an instance of select.pml: its tables, its inputs and its matches.
 *
 * Lives here: the tables that stand above the model's text, and what is written into it. Does not
 * live here: the instances (instances.ts), the rules themselves (select.pml), running spin
 * (check.ts).
 */
import { readFileSync } from 'node:fs'
import { ALL, SWITCHES } from './instances.ts'
import type { SelectInstance } from './instances.ts'

interface Operation { kind: string, core: number, after: number, offers: Offer[] }
interface Offer { operation: number, channel: number, sends: boolean }
interface Topology {
  instance: SelectInstance
  operations: Operation[]
  offers: Offer[]
  owners: number[]
  cores: number
  /** Ordered pairs of distinct cores that have something to say to each other. */
  links: Array<[from: number, to: number]>
}

const PLAIN: Record<string, string> = { send: 'SEND', receive: 'RECEIVE', reader: 'READER' }

function parse(text: string, number: number): Operation {
  const words = text.split(' ')
  const word_after = (word: string) => Number(words[words.indexOf(word) + 1])
  const offers = words.filter((word) => /^\d[!?]$/.test(word)).map((word) => (
    { operation: number, channel: Number(word[0]), sends: word[1] === '!' }))
  return {
    kind: words[0] ?? '', offers,
    core: words.includes('at') ? word_after('at') : number,
    after: words.includes('after') ? word_after('after') : -1
  }
}

function topologyOf(instance: SelectInstance, left_out: string[]): Topology {
  const operations = instance.operations.map(parse)
  for (const one of operations) {
    const rendezvous = one.offers.every(({ channel }) => instance.channels[channel] === 0)
    const windows = left_out.includes('RULE_24')
    if (one.kind === 'reader' && rendezvous && !windows) one.kind = 'receive'
  }
  const offers = operations.flatMap((one) => one.offers)
  const owners = instance.owners ?? instance.channels.map((_, c) => operations.length + c)
  const cores = Math.max(...owners, ...operations.map((one) => one.core)) + 1
  const links: Topology['links'] = []
  for (let from = 0; from < cores; from++) {
    for (let to = 0; to < cores; to++) {
      const meet = (arbiter: number, owner: number) => offers.some((offer) =>
        operations[offer.operation]?.core === arbiter && owners[offer.channel] === owner)
      if (from !== to && (meet(from, to) || meet(to, from))) links.push([from, to])
    }
  }
  return { instance, operations, offers, owners, cores, links }
}

/** The Promela text of an instance, with the rules in `left_out` switched off. */
export function selectModel(instance: SelectInstance, left_out: string[] = []): string {
  const t = topologyOf(instance, left_out)
  const text = readFileSync(new URL('select.pml', import.meta.url), 'utf8')
  const macros = [
    ['INPUTS', inputs(t)], ['MATCHES', matches(t, left_out)], ['TURN_AWAYS', turnAways(t)],
    ['TURNED_RIGHTLY', turnedRightly(t)]
  ] as const
  const filled = macros.reduce((body, [name, lines]) =>
    body.replace(new RegExp(`^ *${name}$`, 'gm'), () => lines.join('\n')), text)
  return `${tables(t, left_out).join('\n')}\n${filled}`
}

function tables(t: Topology, left_out: string[]): string[] {
  const { instance, operations, offers, owners, links } = t
  const core_of = (offer: Offer) => operations[offer.operation]?.core ?? 0
  const link = (from: number, to: number) =>
    Math.max(0, links.findIndex(([a, b]) => a === from && b === to))
  const defines = {
    OPS: operations.length, OFFERS: offers.length, CHANNELS: owners.length, CORES: t.cores,
    LINKS: Math.max(1, links.length), LINK_FRAMES: linkFrames(t), WINDOW: instance.window ?? 1,
    LINE: Math.max(...operations.map((one) => one.offers.length)),
    FAULTS: instance.crash === undefined ? 0 : instance.faults ?? 1,
    DOUBTS: instance.doubt === undefined ? 0 : 1,
    GOODBYES: instance.parts === undefined ? 0 : 1,
    LOCAL: Number(offers.some((offer) => core_of(offer) === owners[offer.channel])),
    READERS: Number(operations.some((one) => one.kind === 'reader')),
    STOPS: Number(instance.stops !== undefined),
    TRIES: Number(offers.some((offer) => isTry(t, offer))),
    OFFERING: Number(instance.asks_host !== undefined),
    IN_ORDER: Number(instance.in_order === true), SEND: 0, RECEIVE: 1, SELECT: 2, READER: 3
  }
  const row = (name: string, values: unknown[]) =>
    `hidden byte ${name}[${values.length}] = { ${values.map((one) => Number(one)).join(', ')} };`
  const kinds = { SEND: 0, RECEIVE: 1, SELECT: 2, READER: 3 } as Record<string, number>
  return [
    `/* ${instance.name}${left_out.map((rule) => ` without ${rule}`).join('')} */`,
    ...Object.entries(defines).map(([name, value]) => `#define ${name} ${value}`),
    ...SWITCHES.map(({ rule }) => `#define ${rule} ${Number(!left_out.includes(rule))}`),
    '#define LINK_TO_OWNER(w) to_owner_link[w]', '#define LINK_TO_ARBITER(w) to_arbiter_link[w]',
    row('op_of', offers.map((offer) => offer.operation)),
    row('channel_of', offers.map((offer) => offer.channel)),
    row('sends', offers.map((offer) => offer.sends)),
    row('kind_of', operations.map(({ kind }) => kinds[PLAIN[kind] ?? 'SELECT'])),
    row('tries', operations.map(({ kind }) => kind === 'try')),
    row('asks_host', operations.map((_, op) => instance.asks_host?.includes(op) === true)),
    row('cases_of', operations.map((one) => one.offers.length)),
    row('first_of', operations.map((_, op) => offers.findIndex((one) => one.operation === op))),
    row('core_of_op', operations.map((one) => one.core)),
    row('core_of_channel', owners), row('capacity_of', instance.channels),
    row('to_owner_link', offers.map((one) => link(core_of(one), owners[one.channel] ?? 0))),
    row('to_arbiter_link', offers.map((one) => link(owners[one.channel] ?? 0, core_of(one)))),
    row('from_of', links.length === 0 ? [0] : links.map(([from]) => from)),
    row('to_of', links.length === 0 ? [0] : links.map(([, to]) => to))
  ]
}

/** Enough for every frame that can be on its way at once; a full line would be a deadlock. */
function linkFrames(t: Topology): number {
  const shared = t.links.map(([a, b]) => t.offers.filter((one) => {
    const arbiter = t.operations[one.operation]?.core
    const owner = t.owners[one.channel]
    return arbiter === a && owner === b || arbiter === b && owner === a
  }).length)
  const local = t.offers.filter((one) =>
    t.operations[one.operation]?.core === t.owners[one.channel]).length
  const goodbye = t.instance.parts === undefined ? 0 : 1
  return Math.max(...shared, local) * 4 + (t.instance.window ?? 0) + goodbye
}

function inputs(t: Topology): string[] {
  const { instance, operations, links } = t
  const lines = links.map(([, to], l) => `  :: link[${l}]?kind,o,m -> at = ${to}; input = FRAME`)
  const among = (list: number[] | undefined, limit: number) =>
    (list ?? []).filter((one) => one < limit)
  operations.forEach(({ core, after, kind }, op) => {
    const go = (input: string) => `at = ${core}; op = ${op}; input = ${input}`
    const before = operations.findLastIndex((one, other) => other < op && one.core === core)
    const ready = after >= 0 ? ` && op_state[${after}] == OP_ENDED`
      : instance.in_order === true && before >= 0 ? ` && op_state[${before}] != OP_NEW` : ''
    lines.push(`  :: op_state[${op}] == OP_NEW${ready} && !dead[${core}] -> ${go('BEGIN')}`)
    if (kind === 'reader') {
      lines.push(`  :: nempty(arrived[${op}]) && op_state[${op}] == OP_FREE -> ${go('TAKE')}`)
      lines.push(`  :: taken[${op}] > 0 && op_state[${op}] == OP_FREE -> ${go('SAY_TAKEN')}`)
    }
    if (instance.asks_host?.includes(op)) {
      lines.push(`  :: op_state[${op}] == OP_OFFERED -> ${go('TAKE')}`)
    }
    if (!among(instance.abort, ALL.length).includes(op)) return
    const living = `op_state[${op}] != OP_NEW && op_state[${op}] != OP_ENDED`
    lines.push(kind === 'reader' ? `  :: op_state[${op}] == OP_FREE -> ${go('READER_END')}`
      : `  :: ${living} && !aborted[${op}] -> ${go('ABORT')}`)
  })
  const endings = [[instance.close, 'CLOSE', 'closed'],
    [instance.scrub, 'SCRUB', 'scrubbed']] as const
  for (const [list, input, done] of endings) {
    for (const c of among(list, t.owners.length)) {
      const go = `at = ${t.owners[c]}; x = ${c}; input = ${input}`
      lines.push(`  :: !${done}[${c}] && !dead[${t.owners[c]}] -> ${go}`)
    }
  }
  for (const k of among(instance.crash, t.cores)) {
    lines.push(`  :: faults > 0 && !dead[${k}] -> at = ${k}; input = CRASH`)
  }
  for (const k of among(instance.parts, t.cores)) {
    lines.push(`  :: goodbyes > 0 && !dead[${k}] -> at = ${k}; input = PART`)
  }
  return [...lines, ...partings(t), `  :: ${quiet(t)} -> input = QUIET`]
}

/** Sessions that end: with the dead, with those that came back as others, and by mistake. */
function partings(t: Topology): string[] {
  const renewing = (k: number) => t.links.filter(([from]) => from === k).map(([, j]) =>
    `over[AT(${j}, ${k})] && !over[AT(${k}, ${j})] && !renewed[${j}]`).join(' || ')
  const lines: string[] = []
  for (const [other, here] of t.links) {
    const go = `at = ${here}; y = ${other}; input = PEER_LEFT`
    const open = `!dead[${here}] && !over[AT(${here}, ${other})]`
    const gone = `(dead[${other}] || over[AT(${other}, ${here})] && `
      + `(renewed[${other}] || parting[${here}]))`
    lines.push(`  :: ${open} && ${gone} -> ${go}`)
    if (t.instance.doubt?.includes(other)) {
      lines.push(`  :: ${open} && !dead[${other}] && doubts > 0 -> doubts--; ${go}`)
    }
  }
  for (let k = 0; t.instance.doubt !== undefined && k < t.cores; k++) {
    lines.push(`  :: !dead[${k}] && (${renewing(k)}) -> at = ${k}; input = RENEW`)
  }
  return lines
}

/** Nothing is on its way, and no host has something to do. */
function quiet(t: Topology): string {
  const still = t.links.map((_, l) => `empty(link[${l}])`)
  for (const [a, b] of t.links) {
    still.push(`(dead[${a}] || over[AT(${a}, ${b})] || !dead[${b}] && !over[AT(${b}, ${a})])`)
  }
  t.operations.forEach(({ kind }, op) => {
    if (kind === 'reader' && t.instance.stops?.includes(op) !== true) {
      still.push(`(op_state[${op}] != OP_FREE || empty(arrived[${op}]) && taken[${op}] == 0)`)
    }
    if (t.instance.asks_host?.includes(op)) still.push(`op_state[${op}] != OP_OFFERED`)
  })
  return still.length === 0 ? 'true' : still.join(' && ')
}

/** Every match that core `at` could make: x with y, or x alone. */
function matches(t: Topology, left_out: string[]): string[] {
  const { offers, instance } = t
  const lines: string[] = []
  const add = (c: number, guard: string[], go: string) =>
    lines.push(`  :: ${placeOf(t, c)} && ${guard.join(' && ')} -> ${go}`)
  offers.forEach((offer, x) => {
    const c = offer.channel
    const room = instance.channels[c] ?? 0
    const free = freeOf(t, x)
    if (!offer.sends) {
      const nothing_left = left_out.includes('RULE_17_OUT')
        ? offers.map((_, z) => `stored[${z}] != FREE`).join(' && ') : `used[${c}] == 0`
      const end = `closed[${c}] && (scrubbed[${c}] || ${nothing_left})`
      add(c, [...free.filter((one) => !one.includes('credit')), end], `x = ${x}; what = FINISH`)
      return
    }
    add(c, [...free, `closed[${c}]`], `x = ${x}; what = FINISH`)
    if (left_out.includes('RULE_17_CLOSED') && isPlain(t, x)) {
      add(c, [`phase[${x}] == HELD`, `closed[${c}]`], `x = ${x}; what = CLOSED_OUT`)
    }
    if (room > 0) {
      add(c, [...free, `!closed[${c}]`, `used[${c}] < ${room}`], `x = ${x}; what = FILL`)
    }
    offers.forEach((other, y) => {
      if (other.channel !== c || other.sends || other.operation === offer.operation) return
      const go = `x = ${x}; y = ${y}; what = ${room > 0 ? 'HAND_OUT' : 'PAIR'}`
      const first = room > 0 ? [`stored[${x}] == FREE`, ...firstOf(t, x, 'stored')]
        : [...free, `!closed[${c}]`]
      add(c, [...first, ...freeOf(t, y)], go)
    })
  })
  return lines
}

const isPlain = (t: Topology, offer: number) =>
  t.operations[t.offers[offer]?.operation ?? 0]?.kind === 'send'

function freeOf(t: Topology, offer: number): string[] {
  const { operation = 0, sends } = t.offers[offer] ?? {}
  const reader = t.operations[operation]?.kind === 'reader'
  return [
    `phase[${offer}] == FREE`,
    ...reader ? [`partner[${offer}] != END`, `credit[${offer}] > 0`] : [],
    ...sends === true ? firstOf(t, offer, 'phase') : []
  ]
}

/** In order: no other of its kind stands before it. */
function firstOf(t: Topology, x: number, where: string): string[] {
  if (t.instance.in_order !== true) return []
  return t.offers.flatMap((other, z) => {
    if (z === x || !other.sends || other.channel !== t.offers[x]?.channel) return []
    const before = z < x ? `behind[${z}] <= behind[${x}]` : `behind[${z}] < behind[${x}]`
    return [`!(${where}[${z}] == FREE && ${before})`]
  })
}

/** The core at work owns the channel, and is not in the midst of another one. */
const placeOf = (t: Topology, c: number) =>
  `at == ${t.owners[c]} && (here == NOBODY || here == ${c})`

const isTry = (t: Topology, { operation }: Offer) => t.operations[operation]?.kind === 'try'

function turnAways(t: Topology): string[] {
  return t.offers.flatMap((offer, x) => !isTry(t, offer) ? []
    : [`    :: ${placeOf(t, offer.channel)} && phase[${x}] == FREE -> x = ${x}; what = TURN_AWAY`])
}

/** Rule 21: at the end of the step nothing stands there for an offer that was turned away. */
function turnedRightly(t: Topology): string[] {
  return t.offers.flatMap((offer, x) => {
    if (!isTry(t, offer)) return []
    const { channel: c, operation, sends } = offer
    const room = t.instance.channels[c] ?? 0
    const others = t.offers.flatMap((other, y) => {
      if (other.channel !== c || other.sends === sends) return []
      const stored = room > 0 && other.sends ? [`stored[${y}] == FREE`] : []
      const free = room === 0 && other.operation !== operation ? [freeOf(t, y).join(' && ')] : []
      return [...stored, ...free]
    })
    const fits = [...others, ...room > 0 && sends ? [`used[${c}] < ${room}`] : []]
    const ready = fits.map((one) => `(${one})`).join(' || ') || 'false'
    return [`  assert(!turned[${x}] || closed[${c}] || !(${ready})); turned[${x}] = false;`]
  })
}
