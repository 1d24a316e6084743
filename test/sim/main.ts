/**
 * The simulation: `npm run sim -- --members 1000`.
 *
 * Lives here: which part is asked for. Does not live here: the parts.
 */
import { main as members } from './members.ts'

const args = process.argv.slice(2)
if (args.some((arg) => arg.startsWith('--members'))) process.exitCode = members(args)
else {
  console.error('Say how many members: npm run sim -- --members 1000')
  process.exitCode = 2
}
