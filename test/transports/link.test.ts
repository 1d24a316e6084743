/**
 * The link that all transports share, over a pipe played by hand.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { joinFrames } from '../../transports/frames.ts'
import { StreamLink } from '../../transports/link.ts'
import type { Pipe } from '../../transports/link.ts'
import { filled } from './samples.ts'

const test = suite('transports: a link by hand')

function opened(): { link: StreamLink, said: string[] } {
  const pipe: Pipe = {
    write: () => true, pause: () => {}, resume: () => {}, end: () => {}, reset: () => {}
  }
  const link = new StreamLink({ peer: 'x', outgoing: true, address: 'here' }, pipe)
  const said: string[] = []
  link.open({
    frames: (frames) => said.push(`frames ${frames.length}`),
    heard: () => said.push('heard'),
    ready: () => said.push('ready'),
    down: () => said.push('down')
  })
  return { link, said }
}

test('bytes that make no whole frame are heard, and whole frames are not said twice', async () => {
  const { link, said } = opened()
  await Promise.resolve()
  const bytes = new Uint8Array(Buffer.concat(
    joinFrames([{ header: filled(3, 1), payload: filled(90, 2) }]).flat()))
  link.bytes([bytes.subarray(0, 40)])
  link.bytes([bytes.subarray(40, 80)])
  link.bytes([bytes.subarray(80)])
  assert.equal(said, ['heard', 'heard', 'frames 1'])
  link.pause()
  link.bytes([bytes.subarray(0, 40)])
  assert.equal(said.length, 3, 'a paused link says nothing')
})

test.run()
