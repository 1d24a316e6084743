/**
 * What each step of a program does.
 *
 * Lives here: performing one step in the world as it stands. Does not live here: the world's record
 * (world.ts), steps as data (program.ts), what networks and peers do (test/net).
 */
import { check_withdrawal } from './invariants/outcome.ts'
import { list } from './list.ts'
import { case_on, channel_name, held_of } from './operation.ts'
import type { Case, Operation, Place, Reader } from './operation.ts'
import type { Case as HostCase, Options } from '../core/host.ts'
import type { Step, StepCase, StepOptions, Way } from './program.ts'
import type { World } from './world.ts'

type Of<Kind extends Step['do']> = Extract<Step, { do: Kind }>

/** A run that begins anew is back within this time. */
const RESTART_MS_MAX = 300
/** What a turn may have: nothing that breaks something, nor whose outcome is needed at once. */
const IN_TURNS: readonly Step['do'][] = ['send', 'receive', 'select', 'withdraw', 'take', 'close',
  'scrub', 'stat', 'reader', 'read', 'reader_end', 'send_list', 'receive_list']

export function perform(world: World, step: Step): void {
  if (step.do === 'wait') { world.wait(step.ms); return }
  if (step.do === 'heal_all') {
    world.story(() => 'every path is whole again')
    world.net.heal_all()
    return
  }
  if (step.do === 'part') { part(world, step); return }
  if (step.do === 'upon') { world.upon(step); return }
  const place = world.places[step.node % world.places.length]!
  if (step.do === 'thaw') thaw(world, place)
  else if (step.do === 'restart') restart(world, place, step.silent)
  else if (world.able(place)) {
    const { node } = place
    act(world, place, step)
    node.say()
  }
}

function act(world: World, place: Place, step: Step): void {
  switch (step.do) {
    case 'send': case 'receive': case 'select':
      gathered(world, place, () => { offer(world, place, step) })
      return
    case 'withdraw': case 'take':
      gathered(world, place, () => { decide(world, place, step) })
      return
    case 'turn': turn(world, place, step); return
    case 'send_list': case 'receive_list': list(world, place, step); return
    case 'make': make(world, place, step); return
    case 'close': case 'scrub': case 'stat': case 'open': case 'forget':
      ask(world, place, step)
      return
    case 'reader': case 'read': case 'reader_end': read(world, place, step); return
    case 'cut': case 'fray': case 'stall': case 'heal': harm_path(world, place, step); return
    case 'freeze': case 'slow': case 'kill': case 'vanish': case 'leave':
      harm_peer(world, place, step)
      return
    default:
  }
}

/** In some programs, and in some turns, a host hands over its operations together. */
function gathered(world: World, place: Place, give: () => void): void {
  const { host } = place.node
  const before = host.batching
  host.batching = before || world.program.gather
  give()
  host.batching = before
}

/** What a peer asks in one turn of its event loop. */
function turn(world: World, place: Place, { steps, records }: Of<'turn'>): void {
  const { node } = place
  world.story(() => `${place.name} in one turn${records === true ? ' and one call' : ''}:`)
  if (records === true) node.host.batching = true
  for (const step of steps) {
    if (IN_TURNS.includes(step.do) && world.able(place)) act(world, place, step)
  }
  if (records !== true) return
  node.host.batching = false
  if (node.alive) node.do(() => { node.host.run() })
}

function timing(options: Options): Operation['options'] {
  return { timeout: options.timeout ?? 0, try: options.try === true, hold: options.hold === true }
}

// Channels

function case_of(world: World, place: Place, { kind, channel, ms }: StepCase,
  { carry = [], bytes = 0 }: StepOptions): Case | undefined {
  if (kind === 'after') {
    return { kind, held: undefined, incarnation: 0, text: '', bytes: 0, ms, carried: [] }
  }
  const held = held_of(place, channel)
  if (held === undefined) return undefined
  if (kind === 'receive') return case_on(kind, held)
  const carried = carry.flatMap((nth) => {
    const one = held_of(place, nth)
    return one === undefined ? []
      : [{ held: one, incarnation: one.channel.owner.incarnation }]
  })
  const { incarnation } = held.channel.owner
  return { kind, held, incarnation, text: world.text(place), bytes, ms: 0, carried }
}

function offer(world: World, place: Place, step: Of<'send' | 'receive' | 'select'>): void {
  const { options } = step
  const raw: StepCase[] = step.do === 'select' ? step.cases
    : [{ kind: step.do, channel: step.channel, ms: 0 }]
  const cases = raw.flatMap((one) => case_of(world, place, one, options) ?? [])
  if (cases.length === 0) return
  const refs = (one: Case): number[] => one.carried.map(({ held }) => held.ref)
  const along = (one: Case): { refs?: number[] } =>
    world.program.doors !== undefined && one.carried.length === 0 ? {} : { refs: refs(one) }
  world.begin(place, step.do, cases, ({ host }) => {
    const [first] = cases as [Case]
    const { try: trying, hold, timeout, bytes } = options
    const given = { try: trying === true, hold: hold === true, timeout: timeout ?? 0 }
    if (step.do === 'send') {
      return host.send(first.held!.ref, first.text,
        { ...given, refs: refs(first), ...bytes === undefined ? {} : { bytes } })
    }
    if (step.do === 'receive') return host.receive(first.held!.ref, given)
    return host.select(cases.map((one): HostCase => one.kind === 'after' ? { after: one.ms }
      : one.kind === 'send' ? { send: one.held!.ref, text: one.text, ...along(one) }
      : { receive: one.held!.ref }), given)
  }, { options: timing(options) })
}

function decide(world: World, place: Place, step: Of<'withdraw' | 'take'>): void {
  const list = world.under_way(place)
  const target = list[step.target % Math.max(1, list.length)]
  if (target === undefined) return
  const { node } = place
  const does = step.do === 'take' ? 'takes' : 'withdraws'
  world.story(() => `${place.name} ${does} its ${target.kind}`)
  if (step.do === 'withdraw') target.withdrawn = true
  node.do(() => node.host[step.do](target.op))
  if (step.do === 'withdraw' && !node.host.batching) check_withdrawal(world, target)
}

function make(world: World, place: Place, step: Of<'make'>): void {
  const { capacity } = step
  const nth = world.channel_number()
  const { node } = place
  if (!step.named) {
    const ref = node.do(() => node.host.channel(capacity))
    world.story(() => `${place.name} makes c${nth} without a name, capacity ${capacity}`)
    const channel = world.note_channel(nth, place, undefined, capacity)
    place.held.push({ channel, ref, incarnation: node.incarnation })
    return
  }
  const home = world.places[step.at % world.places.length]!
  const path = `/${home.name}/d${nth}`
  world.begin(place, 'make', [], ({ host }) => host.make(capacity, path), {
    subject: { nth, home, owner: home.node, incarnation: home.node.incarnation, path, capacity }
  })
}

function ask(world: World, place: Place,
  step: Of<'close' | 'scrub' | 'stat' | 'open' | 'forget'>): void {
  const held = held_of(place, step.channel)
  if (step.do === 'open') {
    const known = world.channels.findLast(({ nth, path }) => nth === step.channel
      && path !== undefined) ?? held?.channel
    if (known?.path === undefined) return
    const { nth, home, path, capacity } = known
    world.begin(place, 'open', [], ({ host }) => host.open(path), {
      subject: { nth, home, owner: home.node, incarnation: home.node.incarnation, path, capacity }
    })
    return
  }
  if (held === undefined) return
  const { node } = place
  if (step.do === 'forget') {
    if (held.channel.owner === node) return
    world.story(() => `${place.name} gives up its reference to ${channel_name(held.channel)}`)
    place.held.splice(place.held.indexOf(held), 1)
    node.do(() => node.host.release(held.ref))
    return
  }
  const kind = step.do
  if (kind === 'scrub') held.channel.scrub_asked = true
  world.begin(place, kind, [case_on('ask', held)],
    ({ host }) => host[kind](held.ref))
}

function read(world: World, place: Place, step: Of<'reader' | 'read' | 'reader_end'>): void {
  if (step.do === 'reader') {
    const held = held_of(place, step.channel)
    if (held === undefined) return
    world.begin(place, 'reader', [case_on('ask', held)],
      ({ host }) => host.reader(held.ref, step.prefetch))
    return
  }
  const target: Reader | undefined =
    place.readers[step.target % Math.max(1, place.readers.length)]
  if (target === undefined) return
  if (step.do === 'reader_end') world.end_reader(place, target)
  else {
    world.begin(place, 'read', [case_on('receive', target.held)],
      ({ host }) => host.read(target.id, step.timeout),
      { reader: target, options: { timeout: step.timeout, try: false, hold: false } })
  }
}

// Faults

function ways(way: Way, out: () => void, back: () => void): void {
  if (way !== 'in') out()
  if (way !== 'out') back()
}

function harm_path(world: World, place: Place, step: Of<'cut' | 'fray' | 'stall' | 'heal'>): void {
  const { net } = world
  const a = place.node
  const other = world.places[step.other % world.places.length]!
  const b = other.node
  if (a === b) return
  const between = `${place.name} and ${other.name}`
  switch (step.do) {
    case 'cut':
      world.story(() => `the link of ${between} breaks`)
      net.cut(a, b)
      return
    case 'fray':
      world.story(() => `the link of ${between} breaks for ${place.name}; `
        + `${other.name} hears of it ${step.ms} ms later`)
      net.fray(a, b, step.ms)
      return
    case 'stall':
      world.story(() => `nothing passes between ${between} (${step.way})`)
      ways(step.way, () => { net.stall_way(a, b) }, () => { net.stall_way(b, a) })
      return
    default:
      world.story(() => `the path of ${between} is whole again (${step.way})`)
      ways(step.way, () => { net.heal_way(a, b) }, () => { net.heal_way(b, a) })
  }
}

/** Nothing passes between the peers of `side` and the rest. */
function part(world: World, { side, way }: Of<'part'>): void {
  const inside = world.places.filter(({ nth }) => side >> nth & 1)
  const outside = world.places.filter((place) => !inside.includes(place))
  const names = inside.map(({ name }) => name).join(', ')
  world.story(() => `nothing passes between ${names} and the others (${way})`)
  for (const { node: a } of inside) {
    for (const { node: b } of outside) {
      ways(way, () => { world.net.stall_way(a, b) }, () => { world.net.stall_way(b, a) })
    }
  }
}

function harm_peer(world: World, place: Place, step: Step): void {
  const { node } = place
  switch (step.do) {
    case 'freeze':
      world.flush()
      world.story(() => `${place.name} freezes`)
      node.freeze()
      return
    case 'slow':
      world.story(() => `${place.name} does everything ${step.ms} ms late`)
      node.lag_ms = step.ms
      for (const one of world.under_way(place)) one.lag_ms = Math.max(one.lag_ms, step.ms)
      return
    case 'leave':
      place.leaving = true
      world.leaves.add(node)
      world.begin(place, 'leave', [], ({ host }) => host.leave())
      return
    default:
      world.story(() => step.do === 'kill' ? `${place.name} is killed`
        : `${place.name} vanishes: nobody is told`)
      node.kill(step.do === 'vanish')
  }
}

export function thaw(world: World, place: Place): void {
  if (!place.node.frozen || !place.node.alive) return
  world.story(() => `${place.name} thaws`)
  place.node.thaw()
}

/** The same peer runs again, soon, and knows nothing of its former run. */
function restart(world: World, place: Place, silent = false): void {
  const { net } = world
  const old = place.node
  if (place.leaving && old.alive) return
  world.story(() => `${place.name} dies and will run again`)
  old.kill(silent)
  net.after(net.random.between(0, RESTART_MS_MAX), () => {
    if (place.node !== old) return
    world.story(() => `${place.name} runs again and knows nothing`)
    const anew = net.join(place.name, old.incarnation + 1, '', old.id)
    world.enter(anew)
    Object.assign(place, { node: anew, held: [], readers: [], leaving: false })
    world.program.channels.forEach(({ owner, capacity }, nth) => {
      if (owner !== place.nth) return
      const ref = anew.do(() => anew.host.channel(capacity, `c${nth}`))
      const channel = world.note_channel(nth, place, `/${place.name}/c${nth}`, capacity)
      place.held.push({ channel, ref, incarnation: anew.incarnation })
    })
    for (const { node } of world.places) if (node.alive && node !== anew) anew.find(node)
  })
}
