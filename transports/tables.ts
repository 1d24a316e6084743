/**
 * Made by scripts/tables.ts from spec/tables/*.json; edit those and run npm run tables.
 *
 * Lives here: every limit, and what a transport says that cannot listen.
 */

export const ABI_VERSION = 1
export const WIRE_VERSION = 1
export const INPUT_BYTES = 65536
export const OUTPUT_BYTES = 65536
export const RECORDS_PER_RUN_MAX = 1024
export const MESSAGE_BYTES_MAX = 1048576
export const HEADER_BYTES_MAX = 4096
export const FRAME_BYTES_MAX = 1052672
export const WRITE_BYTES_MAX = 65536
export const VALUE_DEPTH_MAX = 128
export const KEPT_STRING_MAX = 1024
export const MEMBER_EVENTS_MAX = 16
export const REFS_PER_MESSAGE_MAX = 64
export const CASES_MAX = 256
export const CAPACITY_MAX = 1048576
export const CHANNELS_MAX = 262144
export const REMOTES_MAX = 262144
export const OPERATIONS_MAX = 1048575
export const OFFERS_PER_PEER_MAX = 16384
export const PARKED_BYTES_PER_PEER_MAX = 16777216
export const CHANNELS_PER_PEER_MAX = 16384
export const REQUESTS_PER_PEER_MAX = 4096
export const PREFETCH_MAX = 65536
export const PATH_BYTES_MAX = 1024
export const SEGMENT_BYTES_MAX = 255
export const PEER_ID_BYTES_MAX = 128
export const NAME_BYTES_MAX = 64
export const INFO_BYTES_MAX = 4096
export const CHAIN_BYTES_MAX = 8192
export const CERTIFICATES_MAX = 8
export const TICKET_BYTES_MAX = 12288
export const TICKET_ADDRESSES_MAX = 16
export const TICKET_USES_MAX = 4096
export const TICKET_MS = 3600000
export const TICKET_MS_MAX = 2592000000
export const KNOWN_PEERS_MAX = 256
export const KNOWN_ADDRESSES_MAX = 16
export const ADDRESS_BYTES_MAX = 240
export const CERTIFY_BYTES_MAX = 16384
export const CERTIFY_TIMEOUT_MS = 3000
export const PEERS_MAX = 64
export const LINKS_MAX = 256
export const LINK_WINDOW_BYTES = 262144
export const ADDRESSES_PER_PEER_MAX = 16
export const DIAL_TIMEOUT_MS = 3000
export const DIAL_STAGGER_MS = 150
export const LINK_CLOSE_MS = 1000
export const STREAM_WINDOW_BYTES = 1048576
export const STREAMS_PER_PEER_MAX = 8
export const ADDRESS_POLL_MS = 5000
export const HELLO_TIMEOUT_MS = 5000
export const ACK_DELAY_MS = 20
export const ACK_FRAMES = 64
export const PROBE_INTERVAL_MS = 400
export const SUSPECT_MS = 1200
export const LEFT_MS = 2500
export const REFUSED_LEFT_MS = 300
export const REDIAL_MIN_MS = 50
export const REDIAL_MAX_MS = 1000
export const LATE_MS = 500
export const LEAVE_TIMEOUT_MS = 1000
export const TIMEOUT_MS_MAX = 2147483647
export const PROCESSES_MAX = 1024
export const PROCESS_OUTPUT_BYTES_MAX = 65536
export const PROCESS_GRACE_MS = 2000
export const VERB_FRAME_BYTES_MAX = 8388608
export const VERB_PIECE_BYTES_MAX = 262144
export const VERBS_MAX = 1024
export const VERB_REQUEST_MS = 5000

export const ERROR_CANNOT_LISTEN = 41
export const SENTENCE_CANNOT_LISTEN = 'Cannot listen at {what}; give a free address with --listen.'
