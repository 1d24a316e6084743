/**
 * The core's bytes, compiled once in a process.
 *
 * Lives here: where circuit.wasm is, in the package and in the source tree. Does not live here:
 * what is done with it (bindings/js/drive).
 */
import { readFile } from 'node:fs/promises'

let compiled: Promise<WebAssembly.Module> | undefined

/** The core, compiled. Rejects with a sentence when the source tree was not built. */
export function circuitWasm(): Promise<WebAssembly.Module> {
  compiled ??= compile().catch((error: unknown) => {
    compiled = undefined
    throw error
  })
  return compiled
}

async function compile(): Promise<WebAssembly.Module> {
  // In the package this file is dist/bindings/node/wasm.js, in the tree bindings/node/wasm.ts.
  const place = import.meta.url.endsWith('.ts') ? '../../dist/circuit.wasm' : '../../circuit.wasm'
  const url = new URL(place, import.meta.url)
  try {
    return await WebAssembly.compile(await readFile(url))
  } catch (cause) {
    throw new Error(`${url.pathname} is missing or broken; make it with: npm run build`, { cause })
  }
}
