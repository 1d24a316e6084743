/**
 * The benchmarks: `npm run bench [-- PART…]` with parts door, local, remote, start; all by default.
 *
 * Lives here: the order of the parts. Does not live here: the parts, timing, the report.
 *
 * Nothing is gated: figures are printed, and kept in bench/results as JSON.
 */
import { doorWorks } from './door.ts'
import { localWorks } from './local.ts'
import { loadPeers } from './peers.ts'
import { remoteWorks } from './remote.ts'
import { keep, printFigures, printScene, sceneNow } from './report.ts'
import { startWorks } from './start.ts'
import { measure, type Figure, type Work } from './timing.ts'

interface Part { works: Work[], end(): Promise<void> | void }

const PARTS: Record<string, () => Part | Promise<Part>> = {
  door: () => ({ works: doorWorks(), end() {} }),
  local: async () => localWorks(await loadPeers()),
  remote: remoteWorks,
  start: startWorks
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => PARTS[name] === undefined)
if (unknown.length > 0) {
  const known = Object.keys(PARTS).join(', ')
  console.error(`there is no part ${unknown.join(', ')}; there are ${known}`)
  process.exit(2)
}
const scene = sceneNow()
printScene(scene)
const figures: Figure[] = []
for (const [name, make] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(name)) continue
  const part = await make()
  try {
    for (const work of part.works) {
      const found = await measure(work)
      printFigures(found)
      figures.push(...found)
    }
  } finally {
    await part.end()
  }
}
console.log(`\nkept in ${keep(scene, figures)}`)
