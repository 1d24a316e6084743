/**
 * The link that all transports share, over a pipe played by hand.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { StreamLink } from '../../transports/link.ts'
import { WRITE_BYTES_MAX } from '../../transports/tables.ts'
import type { Pipe } from '../../transports/link.ts'
import { filled } from './samples.ts'

const test = suite('transports: a link by hand')

function opened(write_bytes_max?: number) {
  const writes: Uint8Array[] = []
  const said: string[] = []
  const pipe: Pipe = {
    write: (pieces) => {
      writes.push(Buffer.concat(pieces))
      return true
    },
    pause: () => {}, resume: () => {}, end: () => {}, reset: () => {},
    ...write_bytes_max === undefined ? {} : { write_bytes_max }
  }
  const link = new StreamLink({ peer: 'x', outgoing: true, address: 'here' }, pipe)
  link.open({
    bytes: (chunks) => { for (const { length } of chunks) said.push(`${length}`) },
    ready: () => said.push('ready'),
    down: (clean) => said.push(`down ${clean}`)
  })
  return { link, said, writes }
}

test('bytes that come to a paused link are said when it goes on, before its end', async () => {
  const { link, said } = opened()
  await Promise.resolve()
  link.bytes([filled(40, 1), new Uint8Array(0), filled(20, 1)])
  assert.equal(said, ['40', '20'])
  link.pause()
  link.bytes([filled(7, 1)])
  link.ended(true)
  assert.equal(said.length, 2, 'a paused link says nothing')
  link.resume()
  await Promise.resolve()
  assert.equal(said, ['40', '20', '7', 'down true'])
})

test('an end that is not orderly is said at once, and what was held is not', async () => {
  const { link, said } = opened()
  await Promise.resolve()
  link.pause()
  link.bytes([filled(7, 1)])
  link.ended(false)
  assert.equal(said, ['down false'])
})

test('what is sent leaves in as few writes as the limit allows, each full but the last', () => {
  for (const most of [undefined, 1, 1_000, 65_507]) {
    const { link, writes } = opened(most)
    const limit = most ?? WRITE_BYTES_MAX
    const sizes = most === 1 ? [3, 0, 2] : [0, 1, limit - 1, limit, limit + 1, 5, 3 * limit, 9]
    const pieces = sizes.map((size, i) => filled(size, i))
    assert.is(link.send(pieces), true)
    const bytes = Buffer.concat(pieces)
    assert.is(Buffer.compare(Buffer.concat(writes), bytes), 0)
    assert.is(writes.length, Math.ceil(bytes.length / limit))
    assert.ok(writes.every(({ length }, i) => i === writes.length - 1 || length === limit))
  }
})

test.run()
