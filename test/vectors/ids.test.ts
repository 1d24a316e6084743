/**
 * Every requirement of spec/ is shown by a vector or a named test, and nothing else is shown.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import {
  all_shown, defined_ids, disagreements, ids_of, lost_tests, shown_table, tests_of, told_tests
} from './ids.ts'

const test = suite('vectors: ids')

/** Requirements that nothing shows yet; the list only gets shorter. */
const GAPS = new Set<string>([
  'ABI-2', 'ABI-27', 'ABI-4', 'ABI-6', 'ABI-33', 'ABI-22', 'ABI-36', 'ABI-37', 'ABI-24', 'ABI-38',
  'ABI-39', 'ABI-40', 'ABI-25', 'ABI-41', 'ABI-42', 'CERT-1', 'CERT-9', 'CERT-11', 'CERT-12',
  'CERT-13', 'CERT-14', 'CH-44', 'CH-47', 'JOIN-1', 'JOIN-2', 'JOIN-3', 'JOIN-4', 'JOIN-5',
  'JOIN-6', 'JOIN-7', 'JOIN-8', 'JOIN-9', 'NAME-8', 'NAME-14', 'NAME-15', 'NAME-16', 'NAME-17',
  'NAME-18', 'PR-1', 'PR-2', 'PR-3', 'PR-4', 'PR-5', 'PR-6', 'PR-7', 'PR-8', 'PR-9', 'PR-18',
  'PR-10', 'PR-11', 'PR-12', 'PR-13', 'PR-14', 'PR-15', 'PR-16', 'PR-17', 'SES-1', 'SES-2',
  'SES-3', 'SES-4', 'SES-5', 'SES-6', 'SES-7', 'SES-8', 'SES-9', 'SES-10', 'SES-11', 'SES-12',
  'SES-13', 'SES-14', 'SES-15', 'SES-16', 'SES-17', 'SES-18', 'SES-19', 'SES-20', 'SES-21',
  'SES-22', 'SES-23', 'SES-24', 'SES-25', 'SES-26', 'SES-27', 'SES-28', 'SES-29', 'SES-30',
  'SES-31', 'SES-32', 'SES-33', 'SES-34', 'SES-35', 'SES-36', 'TR-1', 'TR-2', 'TR-3', 'TR-4',
  'TR-5', 'TR-6', 'TR-7', 'TR-8', 'TR-9', 'TR-10', 'TR-11', 'TR-12', 'TR-13', 'TR-14', 'TR-15',
  'TR-16', 'TR-17', 'TR-18', 'TR-19', 'TR-20', 'TR-21', 'TR-22', 'TR-23', 'TR-24', 'TR-25',
  'VAL-1', 'VAL-2', 'VAL-3', 'VAL-4', 'VAL-5', 'VAL-6', 'VAL-7', 'VAL-8', 'VAL-9', 'VAL-10',
  'WIRE-1', 'WIRE-16', 'WIRE-17', 'WIRE-18', 'WIRE-19', 'WIRE-20', 'WIRE-21', 'WIRE-25',
  'WIRE-27', 'WIRE-28', 'WIRE-29', 'WIRE-31', 'WIRE-33', 'WIRE-34', 'WIRE-35', 'WIRE-13',
  'WIRE-14'
])

test('each id is defined once and shown, and each that is shown is defined', () => {
  const defined = defined_ids()
  assert.ok(defined.length > 150, 'the documents were read')
  const shown = all_shown()
  assert.equal([...GAPS].filter((id) => shown.has(id)), [], 'these are gaps no more')
  for (const id of GAPS) shown.set(id, [])
  assert.equal(disagreements(defined, shown), [])
})

test('each test that the table names is there', () => {
  assert.equal(lost_tests(shown_table(), told_tests()), [])
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
