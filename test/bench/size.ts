/**
 * What has to be fetched: circuit.wasm, and what a browser loads.
 *
 * Lives here: sizes. Does not live here: the bound that fails the build (test/house/wasm.test.ts).
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Fact } from './goal.ts'
import { installPeers, loadPeer } from './peers.ts'
import type { Part } from './timing.ts'

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url))
const WASM_MOST = 64 * 1024
const WORK = 'size'

interface Esbuild {
  build(options: Record<string, unknown>): Promise<{ outputFiles: { contents: Uint8Array }[] }>
}

const BUNDLES = [
  {
    name: 'browser bundle, minified and gzipped, without libp2p',
    modules: ['bindings/js/index.js']
  },
  {
    name: 'browser bundle, minified and gzipped, with libp2p',
    modules: ['bindings/js/index.js', 'transports/libp2p.js']
  }
]

/** The part. */
export function sizeCounts(ours: boolean): Part {
  return { counts: [wasm, ...(ours ? [] : [bundles])] }
}

async function wasm(): Promise<Fact[]> {
  const bytes = readFileSync(`${DIST}circuit.wasm`)
  return [
    {
      work: WORK, name: '`circuit.wasm`', value: bytes.length, unit: 'B',
      target: { text: '≤ 64 KiB', most: WASM_MOST }, note: `${bytes.length} bytes`
    },
    { work: WORK, name: '`circuit.wasm`, gzipped', value: zipped(bytes), unit: 'B' }
  ]
}

async function bundles(): Promise<Fact[]> {
  installPeers()
  const { build } = await loadPeer('esbuild') as Esbuild
  const facts: Fact[] = []
  for (const { name, modules } of BUNDLES) {
    const contents = modules.map((one) => `export * from '${DIST}${one}'`).join('\n')
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: DIST }, bundle: true, write: false, minify: true,
      format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'silent'
    })
    const [{ contents: code }] = outputFiles as [{ contents: Uint8Array }]
    facts.push({
      work: WORK, name, value: zipped(code), unit: 'B',
      note: `${code.length} bytes unzipped; circuit.wasm comes on top`
    })
  }
  return facts
}

const zipped = (bytes: Uint8Array) => gzipSync(bytes, { level: 9 }).length
