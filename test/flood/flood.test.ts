/**
 * A member that floods slows others down by a bounded factor, over real libp2p. The bound here is
 * loose, since the machine may be busy; `npm run flood` prints the figures.
 */
import { suite } from '../suite.ts'
import { measure_flood, middle, told } from './flood.ts'

const RATIO_MAX = 10
/** What floods sends this often at least. */
const MESSAGE_MS_MAX = 2

const test = suite('flood')
test('a flood by a member leaves others their turns', async (t) => {
  const rounds = await measure_flood(3, 200)
  const round = middle(rounds)
  console.log(told(round))
  t.within(MESSAGE_MS_MAX, 1_000 / round.frames_per_second, 'a message of the flood')
  t.within(RATIO_MAX * round.quiet_ms, round.flood_ms, 'a round trip beside the flood')
}, { timeout_ms: 120_000, timed: true })
test.run()
