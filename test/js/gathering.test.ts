/** When waiting frames go out: by a host that counts, step by step. */
import * as assert from 'uvu/assert'
import { Gathering } from '../../bindings/js/gathering.ts'
import { WRITE_BYTES_MAX } from '../../bindings/js/tables.ts'
import { suite } from '../suite.ts'

const test = suite('js: gathering')
const FRAME_BYTES = 40
const WHILE_MS = 100

/** A link whose program keeps a window full: what was written stays under way until `answer`. */
class Stage {
  readonly writes: number[] = []
  now_ms = 1_000
  under_way = 0
  frame_bytes = FRAME_BYTES
  #frames = 0
  readonly #gathering = new Gathering(() => {
    this.#gathering.over()
    this.writes.push(this.#frames)
    this.#frames = 0
  }, () => this.now_ms)

  /** Sends one by one, as a program that awaits each; then does nothing for long enough. */
  async send(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.#frames += 1
      this.under_way += 1
      this.#gathering.added(this.#frames, this.#frames * this.frame_bytes, this.under_way)
      this.#gathering.begin()
      await undefined
    }
    for (let step = 0; step < 12; step++) await undefined
  }

  answer(count = this.under_way): number[] {
    this.under_way -= count
    return this.writes.splice(0)
  }
}

test('the first frames of a burst leave soon, and later writes are longer', async () => {
  const stage = new Stage()
  await stage.send(1024)
  const [first, second, third, ...rest] = stage.answer()
  assert.ok(first! < 140 && second! < 140, `${first} ${second}`)
  assert.ok(third! >= 250, `${third}`)
  assert.is(first! + second! + third! + rest.reduce((sum, one) => sum + one, 0), 1024)
})

test('a window that goes round leaves in halves of it, and at most 512 frames', async () => {
  for (const [window, half] of [[256, 128], [600, 300], [1024, 512], [4096, 512]] as const) {
    const stage = new Stage()
    await stage.send(window)
    stage.answer()
    for (let round = 0; round < 3; round++) {
      await stage.send(window)
      const writes = stage.answer()
      assert.ok(writes.length <= Math.ceil(window / half), `${window}: ${writes}`)
      assert.ok(writes.every((one) => one <= half + 2), `${window}: ${writes}`)
    }
  }
})

test('after a while without any, a burst begins anew', async () => {
  const stage = new Stage()
  await stage.send(2048)
  stage.answer()
  stage.now_ms += WHILE_MS
  await stage.send(1024)
  assert.ok(stage.answer()[0]! < 140)
})

test('a few frames leave as soon as the program adds none', async () => {
  const stage = new Stage()
  await stage.send(2048)
  stage.answer()
  await stage.send(3)
  assert.equal(stage.answer(), [3])
})

test('large frames leave when they fill a write', async () => {
  const stage = new Stage()
  stage.frame_bytes = 16_000
  await stage.send(64)
  const writes = stage.answer()
  assert.ok(writes.every((one) => one * 16_000 <= WRITE_BYTES_MAX), `${writes}`)
  assert.is(writes.length, 16)
})

test.run()
