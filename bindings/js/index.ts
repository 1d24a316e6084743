/**
 * What a program imports from the binding, whatever its platform.
 *
 * Lives here: names only. Does not live here: `join`, which each platform adds with its keys,
 * discovery and transports (bindings/node, bindings/browser).
 *
 * Invariant: nothing here has an effect when it is imported.
 */
export { Channel, receiveOffered } from './channel.ts'
export type { Receiving, Sending } from './channel.ts'
export type { WaitOptions } from './check.ts'
export { Circuit, createCircuit } from './circuit.ts'
export type {
  Admission, CircuitOptions, Command, Exit, InviteOptions, Limits, MemberEvent, Peer, Processes,
  ProcessOrder, Right
} from './circuit.ts'
export { Fault, Loss, Refusal, refusal } from './errors.ts'
export type { CaseName, Outcome } from './errors.ts'
export type { Received } from './message.ts'
export type { Offered } from './offered.ts'
export { Process } from './process.ts'
export { after, select, selectOffered } from './select.ts'
export type { After, Case, Cases, Chosen, SelectOptions } from './select.ts'
export type { ChannelStat, ElementKind, PlaceStat, ProcessStat, Stat } from './stat.ts'
export type { Entry } from './tree.ts'
export type { Reader } from './window.ts'
export type { Writer } from './writer.ts'
