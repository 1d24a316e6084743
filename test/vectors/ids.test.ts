/**
 * Every requirement of spec/ is shown by a vector or a named test, and nothing else is shown.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import {
  all_shown, citing_texts, defined_ids, disagreements, ids_of, lost_tests, moved, moved_ids,
  shown_table, tests_of, told_tests, unknown_ids
} from './ids.ts'

const test = suite('vectors: ids')

test('each id is defined once and shown, and each that is shown is defined', () => {
  const defined = defined_ids()
  assert.ok(defined.length > 150, 'the documents were read')
  assert.equal(disagreements(defined, all_shown()), [])
})

test('each test that the table names is there', () => {
  assert.equal(lost_tests(shown_table(), told_tests()), [])
})

test('each id that is cited anywhere is defined, or went elsewhere', () => {
  const defined = defined_ids()
  const gone = moved()
  assert.ok(gone.includes('WIRE-5'))
  const texts = citing_texts()
  assert.ok(texts.size > 200)
  assert.equal([...texts].flatMap(([path, text]) =>
    unknown_ids(text, defined, gone).map((id) => `${path}: ${id}`)), [])
  assert.equal(unknown_ids('see CH-1, CH-2 and WIRE-3', [{ id: 'CH-1', path: '' }], ['WIRE-3']),
    ['CH-2'])
  const went = 'WIRE-1: x\n## Numbers that went elsewhere\nWIRE-3: SES-1. WIRE-4: SES-2.'
  assert.equal(moved_ids(went), ['WIRE-3', 'WIRE-4'])
})

test('ids are found where they are defined, and not where they are cited', () => {
  const found = ids_of('spec/x.md', '- A thing. [CH-1]\n- See CH-2 and PROTOCOL 3. [CH-3]\n')
  assert.equal(found.map(({ id }) => id), ['CH-1', 'CH-3'])
  const rules = ids_of('spec/protocol.md', '1. Ids.\n\n12. Holds.\ntext 3. more\n')
  assert.equal(rules.map(({ id }) => id), ['PROTOCOL-1', 'PROTOCOL-12'])
})

test('tests are found with the ids in their names, above them, and as rules', () => {
  const found = tests_of('x.test.ts', [
    'test(\'ABI-3 and WIRE-1: something\', () => {', '// spec: CH-1, SES-20',
    'test(\'nothing in the name\', async (t) => {', 'test(`rule 12: holds`, () => {',
    'within(\'a duty\', async () => {', 'latest(\'no test\', 1)'
  ].join('\n'))
  assert.equal(found.map(({ title, ids }) => [title, ids]), [
    ['ABI-3 and WIRE-1: something', ['ABI-3', 'WIRE-1']],
    ['nothing in the name', ['CH-1', 'SES-20']], ['rule 12: holds', ['PROTOCOL-12']],
    ['a duty', []]
  ])
})

test('what is not shown, not defined, defined twice or not there is found', () => {
  const defined = [{ id: 'CH-1', path: 'a' }, { id: 'CH-2', path: 'a' }, { id: 'CH-1', path: 'b' }]
  const wrong = disagreements(defined, new Map([['CH-1', ['x']], ['CH-9', ['y']]]))
  assert.equal(wrong, ['CH-2 (a) is shown by no vector and no test',
    'CH-1 is defined twice, in a and b', 'CH-9 is defined nowhere; y shows it'])
  const tests = [{ path: 'p', title: 'a long name', ids: [] }]
  assert.equal(lost_tests({ 'CH-1': ['p: a long', 'p: another'] }, tests),
    ['CH-1: there is no test "p: another"'])
})

test.run()
