/**
 * Puts the libp2p transport and all that it imports into one file of dist/.
 *
 * Lives here: the bundler's options, and the licenses of what goes in. Does not live here: when it
 * is done (scripts/build.ts).
 *
 * libp2p is 550 files of 100 packages: finding and compiling them takes 0.3 s of processor time at
 * each start of a peer, and one file a fifth of that. The packages stay dependencies, for their
 * types and for those who build from source.
 */
import { buildSync } from 'esbuild'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'

const ENTRY = 'dist/transports/libp2p.js'
const NOTICES = 'dist/transports/libp2p.notices.txt'

/** Replaces the compiled transport by the bundle, and writes the notices beside it. */
export function bundleTransport(): void {
  const { metafile, outputFiles } = buildSync({
    entryPoints: [ENTRY],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    // The names in stack traces are worth more than the bytes.
    minify: false,
    legalComments: 'none',
    metafile: true,
    write: false,
    outfile: ENTRY,
    allowOverwrite: true
  })
  writeFileSync(NOTICES, noticesOf(Object.keys(metafile.inputs)))
  writeFileSync(ENTRY, outputFiles[0]!.contents)
}

/** The name, version and license of each package that a file of the bundle is from. */
function noticesOf(files: readonly string[]): string {
  const folders = new Set<string>()
  for (const file of files) {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]
    if (folder !== undefined) folders.add(folder)
  }
  return [...folders].sort().map(noticeOf).join('\n\n')
}

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
  const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort()
    .filter((file) => existsSync(`${folder}/${file}`))
    .map((file) => readFileSync(`${folder}/${file}`, 'utf8').trim())
  return [`${name} ${version} (${license})`, ...texts].join('\n\n')
}
