/** spec/wire.cddl, the table of frames and CBOR as a host writes it agree. */
import * as assert from 'uvu/assert'
import { Decoder, Encoder } from 'cbor-x'
import { readFileSync } from 'node:fs'
import { readTables } from '../../scripts/tables.ts'
import { suite } from '../suite.ts'
import { ROOT } from './source.ts'

interface Rule { kind: number, fields: Array<{ name: string, type: string }> }

const test = suite('house: the wire')
const { frames } = readTables().records
const cddl = readFileSync(`${ROOT}spec/wire.cddl`, 'utf8')

/** Every `name = [kind, field: type, …]` of the CDDL. */
function rulesOf(text: string): Map<string, Rule> {
  const rules = new Map<string, Rule>()
  for (const [, name = '', kind, rest = ''] of text.matchAll(/^(\w+) = \[(\d+)((?:, .*)?)\]$/gm)) {
    const fields = [...rest.matchAll(/, (\w+): (\[\* u32\]|\w+)/g)]
      .map(([, field = '', type = '']) => ({ name: field, type }))
    rules.set(name, { kind: Number(kind), fields })
  }
  return rules
}

function disagreements(text: string): string[] {
  const rules = rulesOf(text)
  const found: string[] = []
  for (const { name, kind, fields } of frames) {
    const rule = rules.get(name)
    const named = rule?.fields.map((field) => field.name).join()
    if (rule?.kind !== kind || named !== fields.join()) found.push(name)
    const grouped = new RegExp(`= (?:.* / )?${name}(?: /.*)?$`, 'm').test(text)
    if (!grouped) found.push(`${name}: no group`)
    rules.delete(name)
  }
  return [...found, ...rules.keys()]
}

const isU32 = (value: unknown) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32

function isRef(value: unknown): boolean {
  if (!Array.isArray(value) || !value.slice(0, 3).every(isU32)) return false
  return value.length === 3 ? value[0] < 2
    : value.length === 4 && value[0] === 2 && typeof value[3] === 'string'
}

const FITS: Record<string, (value: unknown) => boolean> = {
  u32: isU32,
  tstr: (value) => typeof value === 'string',
  refs: (value) => Array.isArray(value) && value.every(isRef),
  '[* u32]': (value) => Array.isArray(value) && value.every(isU32)
}

function fits(header: unknown, rules: Map<string, Rule>): boolean {
  if (!Array.isArray(header)) return false
  const rule = [...rules.values()].find(({ kind }) => kind === header[0])
  return rule !== undefined && header.length === rule.fields.length + 1
    && rule.fields.every(({ type }, i) => FITS[type]?.(header[i + 1]) === true)
}

const PEER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'

/** Headers by hand, with the bytes that a reader of the CBOR standard gets for them. */
const HEADERS: Array<[header: unknown[], hex: string]> = [
  [[1, 1, 7, 0, 0, 0, 1], '8701010700000001'],
  [[2, 132], '82021884'],
  [[3, 4294967295, 300], '83031affffffff19012c'],
  [[5, 65536], '82051a00010000'],
  [[16, 1, 0, 24, 3, 0, 0], '871001001818030000'],
  [[17, 2, 1, 25, 3, 0, 0, [[0, 7, 9], [1, 7, 4]]], '881102011819030000828300070983010704'],
  [[18, 3, 1, 26, 1, []], '86120301181a0180'],
  [[22, 3, 1, 0x100001, 26], '851603011a00100001181a'],
  [[25, 4, 1, 26, 1, [[2, 7, 9, 'id']]], '8618190401181a018184020709626964'],
  [[33, 5, 2, 1, '/bob/ü'], '851821050201672f626f622fc3bc'],
  [[40, 6, 2, 1, 0, [1, 64]], '8618280602010082011840'],
  [[49, 7, 2], '8318310702']
]

test('each row of the table is a rule of the CDDL, with its kind and fields, in a group', () => {
  assert.ok(frames.length > 30)
  assert.equal(disagreements(cddl), [])
})

test('a rule that differs is found', () => {
  assert.equal(disagreements(cddl.replace('claim = [24,', 'claim = [23,')), ['claim'])
  assert.equal(disagreements(cddl.replace('code: u32', 'reason: u32')), ['refuse'])
  assert.equal(disagreements(`${cddl}\nmore = [99, a: u32]\n`), ['more'])
})

test('headers made by cbor-x are the bytes of the standard, and fit the table', () => {
  const encoder = new Encoder({ useRecords: false })
  const rules = rulesOf(cddl)
  for (const [header, hex] of HEADERS) {
    assert.is(Buffer.from(encoder.encode(header)).toString('hex'), hex, JSON.stringify(header))
    assert.ok(fits(new Decoder().decode(Buffer.from(hex, 'hex')), rules), JSON.stringify(header))
  }
})

test('a header that breaks a rule does not fit', () => {
  const rules = rulesOf(cddl)
  for (const header of [
    [], [2], [2, 1, 1], [2, -1], [2, 'x'], [99, 1], [33, 5, 2, 1, 7],
    [18, 3, 1, 26, 1, [[2, 7, 9]]], [18, 3, 1, 26, 1, [[0, 7, 9, PEER]]], [18, 3, 1, 26, 1, [7]]
  ]) assert.not(fits(header, rules), JSON.stringify(header))
})

test.run()
