/**
 * What has to be fetched: circuit.wasm, and what a browser loads.
 *
 * Lives here: sizes. Does not live here: the bound that fails the build (test/house/wasm.test.ts).
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import type { Fact } from './goal.ts'
import type { Part } from './timing.ts'

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url))
const WASM_MOST = 64 * 1024
const WORK = 'size'

const CIRCUIT = `export * from '${DIST}bindings/js/index.js'`
/** What a transport for browsers would bring; the one that is here is Node's, over TCP. */
const LIBP2P = [
  "export { createLibp2p } from 'libp2p'", "export { noise } from '@chainsafe/libp2p-noise'",
  "export { yamux } from '@chainsafe/libp2p-yamux'"
]
const BUNDLES = [
  { name: 'browser bundle, minified and gzipped, without libp2p', lines: [CIRCUIT] },
  {
    name: 'browser bundle, minified and gzipped, with libp2p, Noise and Yamux',
    lines: [CIRCUIT, ...LIBP2P]
  }
]

/** The part. */
export function sizeCounts(): Part {
  return { counts: [wasm, bundles] }
}

async function wasm(): Promise<Fact[]> {
  const bytes = readFileSync(`${DIST}circuit.wasm`)
  return [
    {
      work: WORK, name: '`circuit.wasm`', value: bytes.length, unit: 'B',
      target: { text: '≤ 64 KiB', most: WASM_MOST }, beside: `${bytes.length} bytes`
    },
    { work: WORK, name: '`circuit.wasm`, gzipped', value: zipped(bytes), unit: 'B' }
  ]
}

async function bundles(): Promise<Fact[]> {
  const facts: Fact[] = []
  for (const { name, lines } of BUNDLES) {
    const contents = lines.join('\n')
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: DIST }, bundle: true, write: false, minify: true,
      format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'silent'
    })
    const code = outputFiles[0]!.contents
    facts.push({
      work: WORK, name, value: zipped(code), unit: 'B',
      beside: `${code.length} bytes unzipped; circuit.wasm comes on top`
    })
  }
  return facts
}

const zipped = (bytes: Uint8Array) => gzipSync(bytes, { level: 9 }).length
