/** The bench's two programs over libp2p still find each other, and their sums are right. */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { remoteWorks } from './remote.ts'

const test = suite('bench: two programs')
const FEW = 5

test('the remote works of circuit and of the bare stream give the right sums', async (t) => {
  const { works, end } = await remoteWorks(true)
  t.after(() => end!())
  assert.ok(works!.length > 4)
  for (const { contenders } of works!) {
    for (const contender of contenders) await contender.run(FEW)
  }
}, { timeout_ms: 120_000 })

test.run()
