/**
 * Frames for the tests of transports, which carry bytes: that all came, whole and in order, shows
 * best on what has a beginning and an end.
 */
import { FrameCutter, FrameJoiner } from '../../bindings/js/frames.ts'
import { Places } from '../../bindings/js/series.ts'

/**
 * A header and the payload behind it; a payload of no bytes comes as undefined. Or one with several
 * `payloads`, in the place of the one.
 */
export interface Frame {
  readonly header: Uint8Array, readonly payload: Uint8Array | undefined
  readonly payloads?: readonly Uint8Array[]
}

const NONE = new Uint8Array(0)

/** Frames as a link sends them. */
export function joined(frames: readonly Frame[]): Uint8Array[] {
  const joiner = new FrameJoiner()
  for (const { header, payload = NONE, payloads } of frames) {
    if (payloads === undefined) joiner.add(header, 0, header.length, payload, 0, payload.length)
    else {
      const places = new Places()
      for (const one of payloads) places.add(one, 0, one.length)
      joiner.addSeries(header, 0, header.length, places)
    }
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
    }),
    series: (bytes, header, { header_bytes, count, payload_bytes }) => {
      let at = header + header_bytes
      frames.push({
        header: bytes.subarray(header, at), payload: undefined,
        payloads: Array.from({ length: count }, (_, nth) =>
          bytes.subarray(at, at += payload_bytes[nth]!))
      })
    }
  })
  return frames
}
