/**
 * The core alone: a rendezvous pair through its door, as calls and as records.
 *
 * Lives here: the work and its yardstick. Does not live here: the core without a host
 * (bare-core.ts), promises and values (local.ts), the plain machine (plain.ts).
 */
import { BareCore, idOf } from './bare-core.ts'
import { PlainMachine } from './plain.ts'
import { same, type Contender, type Work } from './timing.ts'

const BATCH_RECORDS = 64
const MOST_NS = 60

/** The works of this file. */
export function doorWorks(): Work[] {
  const contenders: Contender[] = [
    { name: 'the core, a call of run for each record', run: onNew(runSingle) },
    { name: `the core, run with ${BATCH_RECORDS} records`, run: onNew(runBatches) }
  ]
  // The way of hosts for plain operations, where the core has it.
  if (new BareCore().has_calls) {
    contenders.unshift({ name: 'the core, a call for each operation', run: onNew(runCalls) })
  }
  contenders.push({ name: 'plain TypeScript, a call for each operation', run: runPlain })
  return [{
    name: 'a rendezvous pair in the core alone', unit: 'pair', alone: true, contenders,
    goals: [{
      ours: contenders[0]!.name, target: `≤ ${MOST_NS} ns`, most_ns: MOST_NS,
      shown: contenders.slice(1).map(({ name }) => name)
    }]
  }]
}

type Run = (core: BareCore, channel: number, count: number) => void

/** A run of a core of its own, checked. */
function onNew(run: Run): (count: number) => void {
  const core = new BareCore()
  const channel = core.make(1, 0)
  return (count) => {
    core.payloads = 0
    core.completions = 0
    run(core, channel, count)
    same(core.completions, 2 * count, 'completions')
    same(core.payloads, count * (count + 1) / 2, 'the sum of the payloads')
  }
}

function runCalls(core: BareCore, channel: number, count: number): void {
  for (let i = 1; i <= count; i++) {
    const receive = idOf(2, i)
    core.receiveNow(receive, channel)
    core.sendNow(idOf(3, i), channel, i, receive)
  }
}

function runSingle(core: BareCore, channel: number, count: number): void {
  for (let i = 1; i <= count; i++) {
    core.receive(idOf(2, i), channel)
    core.run()
    core.send(idOf(3, i), channel, i)
    core.run()
  }
}

function runBatches(core: BareCore, channel: number, count: number): void {
  const pairs = BATCH_RECORDS / 2
  for (let from = 1; from <= count; from += pairs) {
    const until = Math.min(count, from + pairs - 1)
    for (let i = from; i <= until; i++) {
      const slot = 2 * (i - from + 1)
      core.receive(idOf(slot, from), channel)
      core.send(idOf(slot + 1, from), channel, i)
    }
    core.run()
  }
}

function runPlain(count: number): void {
  const machine = new PlainMachine()
  const channel = machine.make()
  let payloads = 0
  let completions = 0
  for (let i = 1; i <= count; i++) {
    machine.receive(2 * i, channel)
    completions += machine.take().length
    machine.send(2 * i + 1, channel, i)
    for (const completion of machine.take()) {
      completions += 1
      payloads += completion.payload
    }
  }
  same(completions, 2 * count, 'completions')
  same(payloads, count * (count + 1) / 2, 'the sum of the payloads')
}
