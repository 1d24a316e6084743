/**
 * A far peer and its proxy, as the near side holds them.
 *
 * Lives here: starting, asking, killing, starting again with the same key. Does not live here: what
 * the far peer does with an order (far.ts).
 */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { FarAnswer, FarOrder } from './far.ts'
import { Proxy } from './proxy.ts'

type Order = FarOrder extends infer O ? O extends FarOrder ? Omit<O, 'id'> : never : never
interface Asked { resolve(result: unknown): void, reject(error: Error): void }

const PROGRAM = fileURLToPath(new URL('far.ts', import.meta.url))
const ENDING_MS = 30_000

/** A peer in a process of its own. */
export class Far {
  readonly name: string
  readonly nth: number
  readonly proxy: Proxy
  peer = ''
  #incarnation = 0
  #child: ChildProcess | undefined
  #exit: Promise<void> = Promise.resolve()
  #last = 0
  #asked = new Map<number, Asked>()

  private constructor(name: string, nth: number, proxy: Proxy) {
    this.name = name
    this.nth = nth
    this.proxy = proxy
  }

  /** Starts a far peer; `nth` makes its key. */
  static async start(name: string, nth: number): Promise<Far> {
    const far = new Far(name, nth, await Proxy.open())
    await far.run()
    return far
  }

  /** Starts the process, as the next incarnation or the one that is given. */
  async run(incarnation = this.#incarnation + 1): Promise<void> {
    this.#incarnation = incarnation
    const args = [this.name, String(this.nth), this.proxy.address, String(this.#incarnation)]
    const child = fork(PROGRAM, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child = child
    this.#asked = new Map()
    const asked = this.#asked
    this.#exit = new Promise((resolve) => child.once('exit', () => {
      for (const { reject } of asked.values()) reject(new Error(`${this.name} ended`))
      resolve()
    }))
    child.on('message', ({ id, result, error }: FarAnswer) => {
      const { resolve, reject } = asked.get(id)!
      asked.delete(id)
      if (error === undefined) resolve(result)
      else reject(new Error(`${this.name}: ${error}`))
    })
    const { peer, port } = await new Promise<unknown>((resolve, reject) => {
      asked.set(0, { resolve, reject })
    }) as { peer: string, port: number }
    this.peer = peer
    this.proxy.target = port
  }

  /** Gives an order; resolves with its result. */
  ask(order: Order): Promise<unknown> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.#child!.send({ ...order, id })
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child!.kill(signal)
  }

  /** Kills the process; resolves when it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.#exit
  }

  async end(): Promise<void> {
    this.proxy.flow()
    this.signal('SIGCONT')
    const late = setTimeout(() => this.signal('SIGKILL'), ENDING_MS)
    this.ask({ do: 'leave' }).catch(() => {})
    await this.#exit
    clearTimeout(late)
    await this.proxy.close()
  }
}
