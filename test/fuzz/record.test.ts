/**
 * Input records and calls that no host should make: nothing traps, memory stays bounded (ABI-9).
 *
 * Replay: `node test/fuzz/record.test.ts SEED`.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Random } from '../property/random.ts'
import { bytes_of, input_record, join, records, words } from '../core/door.ts'
import { CALLS, Door } from '../core/door.ts'

/** The same each time: what breaks here was broken by a change. */
const FIRST_SEED = 1
const RECORDS = 300_000
const RECORDS_PER_CORE = 3_000
const BUDGET_MS = 8_000
const MEMORY_BYTES_MAX = 64 * 1024 * 1024
const EDGES = [0, 0, 1, 2, 3, 4, 7, 8, 64, 1000, 0x100001, 0x100002, 0x200001, 0x7fffffff,
  0x80000000, 0x80100001, 0xffffffff]

function record_of(random: Random): Uint8Array {
  const shape = random.pick(records.input)
  const fields = Object.fromEntries(shape.fields.map((field) => [field, random.pick(EDGES)]))
  // Slots stay small, so that the table of operations does.
  if ('op' in fields) fields.op = (random.between(0, 3) << 20 | random.below(40)) >>> 0
  const tail = random.pick([() => random.bytes(random.below(40)), () => bytes_of('x/y'),
    () => words([1, 0x100001, 1, 1]), () => new Uint8Array(0)])()
  for (const field of shape.fields) {
    if (field.endsWith('_bytes') && random.once_in(2)) fields[field] = tail.length
    if (field.endsWith('_count')) fields[field] = random.pick([0, 1, 1, 2, 65, 1000, 0x40000000])
  }
  return input_record(shape.name, fields, tail)
}

/** A record with another length or kind than it has. */
function bent(random: Random, record: Uint8Array): Uint8Array {
  const copy = record.slice()
  const view = new DataView(copy.buffer)
  const first = view.getUint32(0, true)
  const other = random.once_in(2) ? first & 0xffff0000 | random.below(70)
    : first & 0xffff | random.pick([0, 1, 2, 5, 300, 0xffff]) << 16
  view.setUint32(0, other >>> 0, true)
  return random.once_in(3) ? join(copy, random.bytes(4 * random.below(5))) : copy
}

/** A call of the second door, with a list before it whose entries mean nothing. */
function call(random: Random, door: Door): void {
  const edge = () => random.pick(EDGES)
  if (random.once_in(2)) door.write(Array.from({ length: random.below(12) }, edge))
  const name = random.pick(CALLS)
  const op = (random.between(0, 3) << 20 | random.below(40)) >>> 0
  const [ref, count] = [edge(), random.pick([0, 1, 1, 2, 5, 256, 257, 1024, 1025, 0xffffffff])]
  const values = { send_now: [op, ref, edge(), random.below(9), edge()],
    receive_now: [op, ref, edge()], select_now: [op, count, edge()], send_many_now: [ref, count],
    send_list_now: [op, ref, count], receive_many_now: [ref, count], read_now: [ref],
    read_many_now: [ref, count] }
  door.now(name, ...values[name])
}

function attack(seed: number): void {
  const random = new Random(seed)
  const door = new Door(seed)
  let now_ms = 0
  for (let nth = 0; nth < RECORDS_PER_CORE; nth++) {
    const record = record_of(random)
    const pending = [random.once_in(10) ? bent(random, record) : record]
    now_ms += random.pick([0, 0, 0, 1, 100])
    for (let loops = 0; pending.length > 0 || loops === 0 || door.cell('more') === 1; loops++) {
      assert.ok(loops < 1000, 'the core never says that it is done')
      door.step(pending, now_ms)
    }
    if (random.once_in(3)) call(random, door)
  }
  assert.ok(door.memory_bytes() <= MEMORY_BYTES_MAX, `${door.memory_bytes()}`)
}

const test = suite('fuzz: records')
const replay = process.argv[2]
if (replay !== undefined && /^\d+$/.test(replay)) {
  test(`seed ${replay}`, () => attack(Number(replay)))
} else {
  test('no record of a mad host traps the core', () => {
    const first = Number(process.env.CIRCUIT_SEED ?? FIRST_SEED)
    const end = Date.now() + BUDGET_MS
    let count = 0
    for (let nth = 0; count < RECORDS && Date.now() < end; nth++) {
      try {
        attack(first + nth)
      } catch (error) {
        throw new Error(`seed ${first + nth}: ${(error as Error).stack}`)
      }
      count += RECORDS_PER_CORE
    }
    console.log(`fuzz: ${count} records from seed ${first}`)
  }, { timeout_ms: 60_000 })
}
test.run()
