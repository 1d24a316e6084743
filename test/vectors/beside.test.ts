/**
 * Requirements that no vector can show, and no other room asks for.
 */
import * as assert from 'uvu/assert'
import { Tag } from 'cbor-x'
import { Loss } from '../../bindings/js/errors.ts'
import { valueOf } from '../../bindings/js/message.ts'
import { Reference, decode } from '../../bindings/js/values.ts'
import { limits } from '../core/door.ts'
import { Host } from '../core/host.ts'
import { suite } from '../suite.ts'

const test = suite('vectors: beside them')

test('ABI-27: a call gives at most RECORDS_PER_RUN_MAX records', () => {
  const host = new Host()
  const sizes: number[] = []
  const step = host.door.step.bind(host.door)
  host.door.step = (pending, now_ms, count_max) => {
    const out = step(pending, now_ms, count_max)
    sizes.push(out.length)
    return out
  }
  const c = host.channel()
  for (let nth = 0; nth < 3000; nth++) host.receive(c)
  sizes.length = 0
  host.close(c)
  assert.is(sizes.reduce((sum, size) => sum + size, 0), 3001)
  assert.is(Math.max(...sizes), limits.RECORDS_PER_RUN_MAX)
})

/** PCG32 as spec/abi.md says it. */
class Pcg {
  private state: bigint
  constructor(seed: number) {
    this.state = BigInt(seed) + 1442695040888963407n
    this.u32()
  }

  u32(): number {
    const old = this.state
    this.state = BigInt.asUintN(64, old * 6364136223846793005n + 1442695040888963407n)
    const mixed = Number(BigInt.asUintN(32, ((old >> 18n) ^ old) >> 27n))
    const turn = Number(old >> 59n)
    return (mixed >>> turn | mixed << (32 - turn)) >>> 0
  }

  below(bound: number): number {
    const uneven = (2 ** 32 - bound) % bound
    for (;;) {
      const drawn = this.u32()
      if (drawn >= uneven) return drawn % bound
    }
  }
}

test('ABI-42: the generator is PCG32, and SEL-7: it decides which of the ready cases', () => {
  for (const seed of [0, 1, 77, 0xffffffff]) {
    const host = new Host(seed)
    const random = new Pcg(seed)
    const channels = Array.from({ length: 5 }, () => host.channel(1))
    for (let round = 0; round < 50; round++) {
      for (const c of channels) host.send(c, 'm', { try: true })
      const order = channels.map((_, nth) => nth)
      for (let last = order.length; last > 1; last--) {
        const other = random.below(last)
        const kept = order[other]!
        order[other] = order[last - 1]!
        order[last - 1] = kept
      }
      const select = host.select(channels.map((c) => ({ receive: c })))
      assert.is(host.outcome(select).which, order[0], `seed ${seed}, round ${round}`)
    }
  }
})

class Handle extends Reference {
  given_back = 0
  readonly ref = 1
  readonly home = {}
  dispose(): void { this.given_back++ }
  get [Symbol.dispose](): () => void { return this.dispose }
}

test('VAL-9, VAL-7: what is no CBOR item, or has no such reference, is a loss of itself', () => {
  const bad = [[], [0x01, 0x02], [0x81], [0x1f], [0xd9, 0xc1, 0xc7, 0x05],
    [0x81, 0xd9, 0xc1, 0xc7, 0x05]]
  for (const bytes of bad) {
    const handle = new Handle()
    let lost: unknown
    try { valueOf(Uint8Array.from(bytes), false, [handle], { what: 'x' }) } catch (error) {
      lost = error
    }
    assert.instance(lost, Loss, bytes.join())
    assert.equal([(lost as Loss).code, handle.given_back], ['UNREADABLE', 1])
  }
})

test('VAL-10: a tag without a meaning here is kept', () => {
  const value = decode(Uint8Array.of(0xd9, 4, 0, 1), [])
  assert.instance(value, Tag)
  assert.equal([(value as Tag).tag, (value as Tag).value], [1024, 1])
})

test.run()
