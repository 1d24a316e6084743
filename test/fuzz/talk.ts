/**
 * Conversations of real cores, to be recorded: a little of everything that hosts do.
 *
 * Lives here: a short seeded run of three peers of test/net. Does not live here: programs that are
 * checked (test/sim), recording and bending (traffic.ts).
 */
import { Net } from '../net/net.ts'
import type { Node } from '../net/node.ts'
import type { Random } from '../property/random.ts'
import type { Case } from '../core/host.ts'

const STEPS = 160
const TERM = 15

class Talk {
  private readonly net: Net
  private readonly random: Random
  private readonly refs = new Map<Node, number[]>()
  private readonly readers = new Map<Node, number[]>()

  constructor(seed: number) {
    this.net = new Net({ seed, delay_min_ms: 1, delay_max_ms: seed % 3 === 0 ? 20 : 2 })
    this.random = this.net.random
    const nodes = ['a', 'b', 'c'].map((name) => this.net.join(name))
    this.net.mesh()
    for (const node of nodes) {
      const others = nodes.filter((one) => one !== node)
      const capacity = this.random.below(3)
      const shared = node.share(`to/${node.name}`, capacity, ...others)
      for (const [nth, one] of [node, ...others].entries()) {
        this.refs.set(one, [...this.refs.get(one) ?? [], shared[nth]!])
      }
    }
  }

  run(): void {
    for (let nth = 0; nth < STEPS; nth++) {
      const node = this.random.pick(this.net.nodes)
      if (node.alive && !node.frozen) node.do(() => this.act(node))
      if (this.random.once_in(2)) this.net.run_for(this.random.below(8))
      if (this.random.once_in(40)) this.fault()
    }
    this.net.heal_all()
    for (const node of this.net.nodes) node.thaw()
    this.net.run_for(4_000)
    const last = this.net.nodes.find((node) => node.alive)
    last?.do(() => last.host.leave())
    this.net.run_for(3_000)
  }

  private fault(): void {
    const { net, random } = this
    const [a, b] = [random.pick(net.nodes), random.pick(net.nodes)]
    if (a === b) return
    switch (random.below(5)) {
      case 0: case 1: net.cut(a, b); return
      case 2: net.stall(a, b); net.after(random.pick([100, 2_000]), () => net.heal(a, b)); return
      case 3: {
        a.freeze()
        net.after(random.pick([300, 3_000]), () => a.thaw())
        return
      }
      default: if (net.nodes.filter((node) => node.alive).length === 3) a.kill()
    }
  }

  private act(node: Node): void {
    const { random } = this
    const { host } = node
    for (const { refs } of host.outcomes.values()) this.refs.get(node)!.push(...refs)
    host.outcomes.clear()
    const refs = this.refs.get(node)!
    const ref = random.pick(refs)
    const options = { timeout: random.pick([0, 5, 60]), try: random.once_in(8),
      hold: random.once_in(5) }
    const path = `/${random.pick(['a', 'b', 'c'])}/${random.pick(['to/a', 'new', 'p', 'to'])}`
    switch (random.below(18)) {
      case 0: case 1: case 2: case 3:
        host.send(ref, 'message',
          { ...options, refs: random.once_in(4) ? [random.pick(refs)] : [] })
        return
      case 4: case 5: case 6: host.receive(ref, options); return
      case 7: case 8: case 9: case 10:
        host.select(Array.from({ length: random.between(1, 4) }, (): Case => random.once_in(8)
          ? { after: 20 } : random.once_in(2) ? { send: random.pick(refs), text: 's' }
            : { receive: random.pick(refs) }), options)
        return
      case 11: host.withdraw(random.pick([...host.running.keys(), 1])); return
      case 12: for (const op of host.offers.keys()) host.take(op); host.offers.clear(); return
      case 13: return this.read(node, ref)
      default: return this.ask(node, path, ref)
    }
  }

  private read(node: Node, ref: number): void {
    const { random } = this
    const readers = this.readers.get(node) ?? []
    this.readers.set(node, readers)
    if (readers.length === 0) {
      const opened = node.host.outcome(node.host.reader(ref, random.between(1, 4)))
      if (opened.status === 'OK') readers.push(opened.value)
    } else if (random.once_in(6)) node.host.reader_end(readers.pop()!)
    else node.host.read(random.pick(readers), random.pick([0, 30]))
  }

  private ask(node: Node, path: string, ref: number): void {
    const { host } = node
    switch (this.random.below(9)) {
      case 0: host.make(1, path); return
      case 1: host.open(path); return
      case 2: host.list('/...', 1); return
      case 3: host.stat(0, path); return
      case 4: host.stat(ref); return
      case 5: host.start(path, 'command'); return
      case 6: host.signal(path, TERM); return
      case 7: if (this.random.once_in(3)) host.scrub(0, path); return
      default: if (this.random.once_in(4)) host.close(ref)
    }
  }
}

/** Lets three peers talk, with a few faults; the same for each seed. */
export function talk(seed: number): void { new Talk(seed).run() }
