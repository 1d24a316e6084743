/**
 * The README's first example: one peer, a worker, a reply channel that travels inside a message.
 *
 * Run: `npm run build && npx node examples/hello.ts`; it prints `4 words`.
 */
import { after, join, select, type Channel } from 'circuit-csp'
const circuit = await join({ name: 'alice' })
const jobs = await circuit.make<{ text: string, reply: Channel<number> }>('jobs', { capacity: 8 })
void (async () => {
  for await (const { text, reply } of jobs) await reply.send(text.split(' ').length)
})()
const reply = circuit.channel<number>()            // no name: it travels inside the message
await jobs.send({ text: 'channels move inside messages', reply })
const chosen = await select({ count: reply.receiving(), late: after(5000) })
console.log(chosen.case === 'count' ? `${chosen.value} words` : 'nobody answered')
await jobs.close()
await circuit.leave()
