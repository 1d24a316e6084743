/**
 * Dials over several targets: which one wins, what becomes of the others, which reason stands.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { DialFailure, firstOf, linkAt, reasonOfAll } from '../../transports/dial.ts'
import { ADDRESSES_PER_PEER_MAX } from '../../transports/tables.ts'
import type { DialReason, Link } from '../../transports/transport.ts'

const test = suite('transports: dials')
const NEVER = new AbortController().signal
const LONG_MS = 5_000

/** A target answers when it is told to. */
class Targets {
  readonly asked: string[] = []
  readonly dropped: string[] = []
  readonly aborted: string[] = []
  readonly #answers = new Map<string, { yes: () => void, no: () => void }>()
  #asking: Array<() => void> = []

  reach = (target: string, abort: AbortSignal): Promise<string> => {
    this.asked.push(target)
    abort.addEventListener('abort', () => this.aborted.push(target))
    const answer = new Promise<string>((resolve, reject) => this.#answers.set(target, {
      yes: () => resolve(target), no: () => reject(new Error(`no ${target}`))
    }))
    for (const one of this.#asking.splice(0)) one()
    return answer
  }

  drop = (target: string): void => { this.dropped.push(target) }
  yes = (target: string): void => this.#answers.get(target)!.yes()
  no = (target: string): void => this.#answers.get(target)!.no()

  async until(count: number): Promise<void> {
    while (this.asked.length < count) {
      await new Promise<void>((resolve) => this.#asking.push(resolve))
    }
  }
}

test('the next target is tried when one failed, and the first to answer wins', async () => {
  const targets = new Targets()
  const first = firstOf(['a', 'b', 'c'], LONG_MS, NEVER, targets.reach, targets.drop)
  assert.equal(targets.asked, ['a'])
  targets.no('a')
  await targets.until(2)
  targets.yes('b')
  assert.is(await first, 'b')
  assert.equal(targets.asked, ['a', 'b'])
})

test('the next target is tried after a while, and a late answer is dropped', async () => {
  const targets = new Targets()
  const first = firstOf(['a', 'b', 'c'], 1, NEVER, targets.reach, targets.drop)
  await targets.until(3)
  targets.yes('b')
  assert.is(await first, 'b')
  assert.equal(targets.aborted, ['a', 'b', 'c'])
  targets.yes('a')
  targets.no('c')
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(targets.dropped, ['a'])
})

test('an abort ends all, and a link that comes after it is dropped', async () => {
  const targets = new Targets()
  const abort = new AbortController()
  const first = firstOf(['a', 'b'], LONG_MS, abort.signal, targets.reach, targets.drop)
  abort.abort(new Error('enough'))
  targets.yes('a')
  assert.instance(await first.catch((error: Error) => error), AggregateError)
  assert.equal([targets.asked, targets.dropped], [['a'], ['a']])
})

test('when all fail their errors come together', async () => {
  const targets = new Targets()
  const first = firstOf(['a', 'b'], LONG_MS, NEVER, targets.reach, targets.drop)
  targets.no('a')
  await targets.until(2)
  targets.no('b')
  const error = await first.catch((one: AggregateError) => one) as AggregateError
  assert.equal(error.errors.map((one: Error) => one.message), ['no a', 'no b'])
})

const reasonOf = (error: unknown): DialReason => (error as Error).message as DialReason

test('the errors of all addresses have one reason, and too many are not tried', async () => {
  const addresses = Array.from({ length: ADDRESSES_PER_PEER_MAX + 1 }, (_, i) => `address ${i}`)
  const tried: string[] = []
  const reach = async (address: string): Promise<Link> => {
    tried.push(address)
    throw new Error(tried.length === 2 ? 'unreachable' : 'refused')
  }
  const error = await linkAt('anna', addresses, NEVER, reach, reasonOf).catch((one) => one)
  assert.instance(error, DialFailure)
  assert.equal([error.reason, error.message], ['unreachable', 'dial of anna: unreachable'])
  assert.equal(tried, addresses.slice(0, ADDRESSES_PER_PEER_MAX))
})

test('a link that nobody waits for any more is reset', async () => {
  const resets: boolean[] = []
  const link = { close: (reset: boolean) => { resets.push(reset) } } as unknown as Link
  const abort = new AbortController()
  const answer = Promise.withResolvers<Link>()
  const asked = linkAt('anna', ['a'], abort.signal, () => answer.promise, () => 'unreachable')
  abort.abort()
  answer.resolve(link)
  assert.is((await asked.catch((one) => one as DialFailure) as DialFailure).reason, 'unreachable')
  assert.equal(resets, [true])
})

const reasons: Array<[reasons: DialReason[], stands: DialReason]> = [
  [[], 'no_address'],
  [['refused'], 'refused'],
  [['refused', 'refused'], 'refused'],
  [['refused', 'unreachable'], 'unreachable'],
  [['wrong_peer', 'refused'], 'refused'],
  [['wrong_peer', 'unreachable', 'refused'], 'unreachable'],
  [['wrong_peer', 'wrong_peer'], 'wrong_peer']
]

for (const [all, stands] of reasons) {
  test(`${all.join(' and ') || 'nothing'} is ${stands}`, () => {
    assert.is(reasonOfAll(all), stands)
  })
}

test.run()
