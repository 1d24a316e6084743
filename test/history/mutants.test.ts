/**
 * The checker sees what a broken core does to real peers.
 *
 * Lives here: two of the mutations. Does not live here: all of them (`npm run history --
 * --mutants`).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { huntOnce } from './hunt.ts'
import { MUTATIONS, mutantTree } from './mutants.ts'
import { Place } from './place.ts'

const test = suite('history: a broken core')
const ROUNDS_MAX = 6
const SIZE = { clients: 4, operations: 300 }

for (const { name, ...mutation } of [MUTATIONS[1]!, MUTATIONS[7]!]) {
  test(`it is found out when ${name}`, async (t) => {
    const { tree, remove } = mutantTree({ name, ...mutation })
    t.after(remove)
    const place = new Place({ tree, stuck_ms: 8_000 })
    t.after(() => place.end())
    await place.start(['a', 'b', 'c'])
    let why = ''
    for (let seed = 1; seed <= ROUNDS_MAX && why === ''; seed++) {
      why = (await huntOnce(place, seed, SIZE)).why
    }
    assert.is.not(why, '')
    console.log(`  ${why.split('\n')[0]}`)
  }, { timeout_ms: 120_000 })
}

test.run()
