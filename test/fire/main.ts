/**
 * The long storm: streams in both directions while links are cut for minutes.
 *
 * Lives here: the command line and its table. Does not live here: a storm (storm.ts).
 *
 * Run: `npm run fire -- [--minutes M] [--seed N]`.
 */
import { nearOf } from './near.ts'
import { storm } from './storm.ts'

const SMALL = { windowed: 48_000, plain: 2_500, large: 0 }
const LARGE = { windowed: 1_000, plain: 100, large: 40 }
/** Short lives of connections, longer ones, and such as let large messages pass. */
const LIVES = [40_000, 150_000, 600_000]
const LARGE_LIFE = 7_000_000

const until = performance.now() + numberOf('--minutes', 1) * 60_000
const total = { messages: 0, cuts: 0, ms: 0 }
const near = await nearOf(['far'])
try {
  for (let seed = numberOf('--seed', 1); total.ms === 0 || performance.now() < until; seed++) {
    const nth = seed % (LIVES.length + 1)
    const large = nth === LIVES.length
    const cut_bytes_max = large ? LARGE_LIFE : LIVES[nth]!
    const { messages, cuts, ms, left } = await storm(near, {
      seed, ...large ? LARGE : SMALL, cut_bytes_max
    })
    if (left > 0) throw new Error(`seed ${seed}: somebody was declared left`)
    total.messages += messages
    total.cuts += cuts
    total.ms += ms
    console.log([`seed ${seed}`, `${messages} messages${large ? ', some of 1 MiB' : ''}`,
      `${cuts} cuts`, `at most ${cut_bytes_max} bytes a connection`,
      `${(ms / 1000).toFixed(1)} s`, 'each once, in order'].join('  '))
  }
} finally {
  await near.end()
}
console.log(`${total.messages} messages, ${total.cuts} cuts, ${(total.ms / 1000).toFixed(0)} s: `
  + 'each once, in order')

function numberOf(flag: string, otherwise: number): number {
  const at = process.argv.indexOf(flag)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
