/**
 * One thread of a search.
 *
 * Lives here: which episode comes next, which core plays it, telling how far it is. Does not live
 * here: the threads and their sum (search.ts).
 *
 * Of the episodes of a crowd the most go to the core that is shipped; one in COUNTED_ONE_IN goes to
 * the core with counters and `check`. Bent traffic goes to that one alone: a variant that finds a
 * new line or branch joins the corpus.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Coverage } from './coverage.ts'
import type { Build } from './coverage.ts'
import { Crowd } from './crowd.ts'
import { Grammar } from './grammar.ts'
import { Instance, module_of } from './instance.ts'
import { Replay, record_logs } from './traffic.ts'
import { DIST } from './search.ts'
import type { Found, Job } from './search.ts'

const EPISODE_FRAMES = 20_000
const COUNTED_FRAMES = 8_000
const COUNTED_ONE_IN = 25
const TRAFFIC_ONE_IN = 10
const CORPUS_MAX = 512
const TALKS = 12
const TELL_MS = 1_000

interface Work { job: Job, build: Build, nth: number, of: number }

class Worker {
  private readonly work: Work
  private readonly crowd: Crowd
  private readonly counted: Crowd
  private readonly replay: Replay
  private readonly coverage: Coverage
  private found = 0

  constructor(work: Work) {
    const grammar = new Grammar()
    const counted = module_of(work.build.path)
    this.work = work
    this.crowd = new Crowd(new Instance(module_of(DIST), 1), grammar)
    this.counted = new Crowd(new Instance(counted, 1), grammar)
    this.coverage = new Coverage(work.build.counters)
    const corpus = record_logs(Array.from({ length: TALKS }, (_, nth) => nth + 1))
    this.replay = new Replay(() => new Instance(counted, 1), corpus)
    this.corpus = corpus
  }

  private readonly corpus: unknown[]

  private frames(): number {
    return this.crowd.desk.frames + this.counted.desk.frames + this.replay.frames
  }

  private inputs(): number {
    return this.crowd.desk.inputs + this.counted.desk.inputs + this.replay.inputs
  }

  private play(nth: number, seed: number): void {
    if (nth % TRAFFIC_ONE_IN === 5) {
      const logs = this.replay.episode(seed, () => this.coverage.add(this.replay.instance) > 0)
      this.found += logs.length
      for (const log of logs) if (this.corpus.length < CORPUS_MAX) this.corpus.push(log)
    } else if (nth % COUNTED_ONE_IN === 0) {
      this.counted.episode(seed, COUNTED_FRAMES)
      this.coverage.add(this.counted.instance)
    } else this.crowd.episode(seed, EPISODE_FRAMES)
  }

  /** Plays its share of the episodes until the frames are reached or the time is over. */
  run(): void {
    const { job, nth: first, of } = this.work
    const end = Date.now() + job.ms_max
    let told = Date.now()
    let episodes = 0
    let nth = first
    for (; this.frames() < job.frames / of && Date.now() < end; nth += of) {
      const seed = job.seed + nth
      try {
        this.play(nth, seed)
        episodes++
      } catch (error) {
        const trail = nth % TRAFFIC_ONE_IN === 5 ? this.replay.trail : undefined
        const failure = { seed, sentence: (error as Error).stack ?? String(error), trail }
        this.tell({ done: true, episodes, next: nth, failure })
        return
      }
      if (Date.now() - told < TELL_MS) continue
      told = Date.now()
      this.tell({ done: false, episodes, next: nth })
    }
    this.tell({ done: true, episodes, next: nth })
  }

  private tell(part: Pick<Found, 'done' | 'episodes' | 'next' | 'failure'>): void {
    const codes = new Map(this.crowd.codes)
    for (const [code, count] of this.counted.codes) codes.set(code, (codes.get(code) ?? 0) + count)
    parentPort!.postMessage({
      ...part, frames: this.frames(), inputs: this.inputs(), new_logs: this.found,
      attached: this.crowd.attached + this.counted.attached, codes: [...codes],
      seen: this.coverage.seen
    } satisfies Found)
  }
}

if (parentPort !== null) new Worker(workerData as Work).run()
