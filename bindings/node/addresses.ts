/**
 * Multiaddrs as discovery and tickets need them.
 *
 * Lives here: a peer id behind an address and off it again, which addresses lead nowhere else. Does
 * not live here: which addresses can be dialled (transports).
 */

/** Where a peer can be dialled. */
export interface Place { readonly peer: string, readonly addresses: string[] }

/** True for a multiaddr that leads to the dialling machine itself. */
export function isLoopback(address: string): boolean {
  return /^\/ip4\/127\.|^\/ip6\/(::1|0:0:0:0:0:0:0:1)(\/|$)/.test(address)
}

/** Addresses for newcomers elsewhere, with the peer's id; if there are none, those for here. */
export function placesOf(peer: string, addresses: readonly string[]): string[] {
  const far = addresses.filter((address) => !isLoopback(address))
  return (far.length > 0 ? far : addresses).map((address) => `${address}/p2p/${peer}`)
}

/** Takes addresses with peer ids apart; what has no id is left out. */
export function byPeer(places: readonly string[]): Place[] {
  const found = new Map<string, string[]>()
  for (const place of places) {
    const [, address, peer] = /^(.+)\/p2p\/(\w+)$/.exec(place) ?? []
    if (address === undefined || peer === undefined) continue
    found.set(peer, [...found.get(peer) ?? [], address])
  }
  return [...found].map(([peer, addresses]) => ({ peer, addresses }))
}
