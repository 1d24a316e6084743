/**
 * Frames for the tests of transports, which carry bytes: that all came, whole and in order, shows
 * best on what has a beginning and an end.
 */
import { FrameCutter, FrameJoiner } from '../../bindings/js/frames.ts'

/** A header and the payload behind it; a payload of no bytes comes as undefined. */
export interface Frame { readonly header: Uint8Array, readonly payload: Uint8Array | undefined }

const NONE = new Uint8Array(0)

/** Frames as a link sends them. */
export function joined(frames: readonly Frame[]): Uint8Array[] {
  const joiner = new FrameJoiner()
  for (const { header, payload = NONE } of frames) {
    joiner.add(header, 0, header.length, payload, 0, payload.length)
  }
  return joiner.take()
}

/** The bytes of one frame. */
export function frameBytes(frame: Frame): number {
  return joined([frame]).reduce((sum, piece) => sum + piece.length, 0)
}

/** The whole frames that a cutter has, at most `most`. */
export function cutFrames(cutter: FrameCutter, most = Infinity): Frame[] {
  const frames: Frame[] = []
  cutter.cut(most, {
    frame: (bytes, header, payload, end) => frames.push({
      header: bytes.subarray(header, payload),
      payload: payload === end ? undefined : bytes.subarray(payload, end)
    })
  })
  return frames
}
