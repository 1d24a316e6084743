/**
 * What the producer and the workers say to each other.
 *
 * Lives here: the messages. Does not live here: who hands out (producer), who counts (worker).
 */
import type { Channel } from 'circuit-csp'

/** A text to count. The text itself travels: a worker may be on another machine. */
export interface Job {
  /** The producer's number for it. */
  number: number
  text: Uint8Array
  /** Where the worker answers: a channel inside the message, owned by the producer. */
  reports: Channel<Report>
}

/** A worker's answer: first that it has the job, without counts; then the counts. */
export interface Report {
  number: number
  /** The worker's peer id. */
  worker: string
  counts?: Record<string, number>
}
