/**
 * Makes spec/vectors: `node test/vectors/make.ts` writes every file anew (`npm run vectors` builds
 * the core first).
 *
 * Lives here: which stories go into which file. Does not live here: the stories, replaying
 * (vectors.test.ts), the format (vector.ts).
 *
 * Invariant: the same core gives the same bytes; vectors of channels and selects are written only
 * after the plain model has agreed to each of their steps.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { vectorsText } from './certificates.ts'
import { crossing_vectors } from './crossings.ts'
import { door_vectors } from './door.ts'
import { invalid_vectors } from './invalid.ts'
import { local_vectors } from './local.ts'
import { member_vectors } from './members.ts'
import { peer_vectors } from './peers.ts'
import { request_vectors } from './requests.ts'
import { session_vectors } from './sessions.ts'
import { file_of, text_of_file } from './vector.ts'
import type { Vector } from './vector.ts'

export const FOLDER = new URL('../../spec/vectors/', import.meta.url)

const ABOUT: Record<string, string> = {
  channels: 'One core: channels without names, allowed by the plain model where it has a word.',
  selects: 'One core: selects, allowed by the plain model where it has a word.',
  names: 'One core: paths, lists and bounds.',
  door: 'One core: records, operations and time.',
  openings: 'What cores have in common before their stories begin: they meet, one opens what ' +
    'others own.',
  peers: 'Two and three cores: channels and selects over links, nothing crossing; each step ' +
    'allowed by the plain model.',
  crossings: 'Two and three cores: frames that cross, and peers that go while something is ' +
    'pending.',
  sessions: 'Two cores or three: handshakes, which link stays, numbers, rights, ends.',
  requests: 'Requests and processes, here and at another core.',
  members: 'One core and another played by hand, or three: what is said about members.',
  invalid: 'One core and a peer that breaks the rules, with the code that ends its link; and ' +
    'frames that come too late, which change nothing.'
}

/** Every file of vectors by its name, made anew. */
export function all_vectors(): Record<string, Vector[]> {
  const local = local_vectors()
  const door = door_vectors()
  const peers = peer_vectors()
  const sessions = session_vectors()
  const invalid = invalid_vectors()
  return {
    channels: [...local.channels, ...door.channels],
    selects: [...local.selects, ...door.selects],
    names: door.names, door: door.door,
    openings: [...peers.openings, ...sessions.openings, ...invalid.openings],
    peers: peers.stories, crossings: crossing_vectors(), sessions: sessions.stories,
    requests: request_vectors(), invalid: invalid.stories, members: member_vectors()
  }
}

/** The text of every file, by its name. */
export function all_texts(): Map<string, string> {
  return new Map(Object.entries(all_vectors()).map(([name, vectors]) =>
    [`${name}.json`, text_of_file(file_of(ABOUT[name]!, vectors))]))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of all_texts()) writeFileSync(new URL(name, FOLDER), text)
  writeFileSync(new URL('certificates.json', FOLDER), await vectorsText())
}
