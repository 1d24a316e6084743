/**
 * The models' transitions carry the names of the core's functions.
 *
 * Lives here: which inline of a model is which function of the core, and what is the model's own.
 * Does not live here: searching the models (models.test.ts).
 */
import * as assert from 'uvu/assert'
import { readFileSync, readdirSync } from 'node:fs'
import { suite } from '../suite.ts'

const test = suite('models: names')
const ROOT = new URL('../../', import.meta.url)
const MODELS = ['select', 'session'] as const

/** Where a name of the core is a frame's in the model, or two functions of the core are one. */
const OTHER_NAMES: Record<string, string> = {
  unhold_offer: 'unhold', deliver_to: 'deliver', killed_any: 'killed', begin: 'place_offer',
  answer_hello: 'answer', judge_stays: 'stays', take: 'session_take', heard: 'frame_in',
  say: 'say_link', dial: 'dial_now'
}

/** What a model needs to be searched: who hears what, what may happen, what must hold. */
const ITS_OWN = ['to_owner', 'to_arbiter', 'owner_input', 'arbiter_input', 'saw', 'crash', 'work',
  'check_offers', 'check_operations', 'check_messages', 'check_matches', 'check_end']

/** Inputs and matches of the models that are functions of the core. */
const DONE_BY: Record<string, string> = {
  ABORT: 'abort', CLOSE: 'close', SCRUB: 'scrub', PEER_LEFT: 'peer_lost', RENEW: 'renew',
  TAKE: 'take_offered', SAY_TAKEN: 'readers_flush', READER_END: 'reader_end', PART: 'part',
  PAIR: 'pair', FILL: 'fill', HAND_OUT: 'hand_out', FINISH: 'finish', TURN_AWAY: 'turn_away',
  DOWN: 'link_down_in', SAY_ACK: 'session_ack', SEND: 'session_pump'
}

const texts = Object.fromEntries(MODELS.map((name) =>
  [name, readFileSync(new URL(`spec/models/${name}.pml`, ROOT), 'utf8')]))
const all_models = Object.values(texts).join('\n')
const core = readdirSync(new URL('core/', ROOT)).filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(new URL(`core/${name}`, ROOT), 'utf8')).join('\n')
const functions = new Set([...core.matchAll(/^\s*(?:export )?(?:@inline export )?function (\w+)/gm),
  ...core.matchAll(/^@inline (?:export )?function (\w+)/gm)].map(([, name]) => name))
const inlines = [...all_models.matchAll(/^inline (\w+)/gm)].map(([, name]) => name!)

test('each transition of a model is a function of the core by the same name', () => {
  assert.ok(inlines.length > 40, `${inlines.length}`)
  const lost = inlines.filter((name) =>
    !ITS_OWN.includes(name) && !functions.has(OTHER_NAMES[name] ?? name))
  assert.equal(lost, [], 'rename the model\'s transition or the core\'s function: they must agree')
})

test('what stands in the tables of names stands in a model and in the core', () => {
  const named = [...Object.keys(OTHER_NAMES), ...ITS_OWN]
  assert.equal(named.filter((name) => !inlines.includes(name)), [])
  assert.equal(Object.entries(DONE_BY).filter(([input, name]) =>
    !functions.has(name) || !new RegExp(`^#define ${input} \\d+$`, 'm').test(all_models)), [])
})

test('phases of offers and states of links have the core\'s names, and phases its numbers', () => {
  const phases = ['FREE', 'RESERVED', 'CLAIMED', 'HELD', 'FIRM', 'ZOMBIE', 'SHIPPED']
  for (const name of phases) {
    const number = new RegExp(`^#define ${name} (\\d+)$`, 'm').exec(texts.select!)?.[1]
    const there = new RegExp(`^export const ${name}: u8 = (\\d+)$`, 'm').exec(core)?.[1]
    assert.ok(number !== undefined && number === there, `${name}: ${number} and ${there}`)
  }
  for (const name of ['OP_FREE', 'OP_HELD', 'OP_OFFERED', 'LINK_HELLO', 'LINK_ANSWERED',
    'LINK_ATTACHED']) {
    assert.ok(core.includes(`export const ${name}:`), name)
    assert.ok(all_models.includes(`#define ${name} `), name)
  }
})

test('the frames of the model are those of the wire', () => {
  const frames = /^mtype = \{([^}]*)\}/m.exec(texts.select!)![1]!.trim().split(/,\s*/)
  const wire = readFileSync(new URL('spec/tables/records.json', ROOT), 'utf8')
  // An offer is one of three frames; deny is the frame that rule 4 does without.
  const lost = frames.filter((name) =>
    !['offer', 'deny'].includes(name) && !wire.includes(`"name": "${name}"`))
  assert.equal(lost, [])
})

test.run()
