/**
 * Reads the numbers of a header that the core wrote, in place.
 *
 * Lives here: a cursor over CBOR heads. Does not live here: judging what others wrote (the core).
 */
export class HeaderReader {
  private bytes: Uint8Array = new Uint8Array(0)
  private at = 0

  /** Opens the header at a place: the head of its array is passed over. */
  open(bytes: Uint8Array, at: number): void {
    this.bytes = bytes
    this.at = at
    this.next()
  }

  /** The next item's number; of a text or an array, its length. */
  next(): number {
    const { bytes, at } = this
    const form = bytes[at]! & 31
    this.at = at + (form < 24 ? 1 : form === 24 ? 2 : form === 25 ? 3 : 5)
    if (form < 24) return form
    if (form === 24) return bytes[at + 1]!
    if (form === 25) return bytes[at + 1]! << 8 | bytes[at + 2]!
    return bytes[at + 1]! << 24 | bytes[at + 2]! << 16 | bytes[at + 3]! << 8 | bytes[at + 4]!
  }
}
