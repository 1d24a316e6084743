/**
 * Made by scripts/tables.ts from spec/tables/*.json; edit those and run npm run tables.
 *
 * Lives here: every number and sentence that a host needs, positions in words.
 */

// Header cells: word indexes.
export const HEADER_ABI_VERSION = 0
export const HEADER_INPUT_PTR = 1
export const HEADER_INPUT_BYTES = 2
export const HEADER_OUTPUT_PTR = 3
export const HEADER_OUTPUT_BYTES = 4
export const HEADER_NOW_MS = 5
export const HEADER_DEADLINE_MS = 6
export const HEADER_HAS_DEADLINE = 7
export const HEADER_CONSUMED = 8
export const HEADER_PRODUCED = 9
export const HEADER_MORE = 10
export const HEADER_FAULT_LINE = 11
export const HEADER_FAULT_FILE_PTR = 12
export const HEADER_FAULT_FILE_BYTES = 13
export const HEADER_FAULT_COLUMN = 14
export const HEADER_MEMORY_BYTES_USED = 15
export const HEADER_NOW_OP = 16
export const HEADER_NOW_PAYLOAD = 17
export const HEADER_NOW_WHICH = 18
export const HEADER_NOW_CASE = 19
export const HEADER_NOW_OUT = 20

// Input records: kind, word indexes of the fields, length before the tail.
export const IN_SELF = 1
export const IN_SELF_INCARNATION = 1
export const IN_SELF_CHAIN = 2
export const IN_SELF_CHAIN_BYTES = 3
export const IN_SELF_INFO = 4
export const IN_SELF_INFO_BYTES = 5
export const IN_SELF_ID_BYTES = 6
export const IN_SELF_NAME_BYTES = 7
export const IN_SELF_BYTES = 32
export const IN_SELF_WORDS = 8
export const IN_MAKE = 2
export const IN_MAKE_OP = 1
export const IN_MAKE_CAPACITY = 2
export const IN_MAKE_FLAGS = 3
export const IN_MAKE_PATH_BYTES = 4
export const IN_MAKE_BYTES = 20
export const IN_MAKE_WORDS = 5
export const IN_OPEN = 3
export const IN_OPEN_OP = 1
export const IN_OPEN_PATH_BYTES = 2
export const IN_OPEN_BYTES = 12
export const IN_OPEN_WORDS = 3
export const IN_SEND = 4
export const IN_SEND_OP = 1
export const IN_SEND_REF = 2
export const IN_SEND_PAYLOAD = 3
export const IN_SEND_PAYLOAD_BYTES = 4
export const IN_SEND_TIMEOUT_MS = 5
export const IN_SEND_FLAGS = 6
export const IN_SEND_REFS_COUNT = 7
export const IN_SEND_BYTES = 32
export const IN_SEND_WORDS = 8
export const IN_RECEIVE = 5
export const IN_RECEIVE_OP = 1
export const IN_RECEIVE_REF = 2
export const IN_RECEIVE_TIMEOUT_MS = 3
export const IN_RECEIVE_FLAGS = 4
export const IN_RECEIVE_BYTES = 20
export const IN_RECEIVE_WORDS = 5
export const IN_SELECT = 6
export const IN_SELECT_OP = 1
export const IN_SELECT_TIMEOUT_MS = 2
export const IN_SELECT_FLAGS = 3
export const IN_SELECT_CASES_COUNT = 4
export const IN_SELECT_BYTES = 20
export const IN_SELECT_WORDS = 5
export const IN_WITHDRAW = 7
export const IN_WITHDRAW_OP = 1
export const IN_WITHDRAW_BYTES = 8
export const IN_WITHDRAW_WORDS = 2
export const IN_TAKE = 8
export const IN_TAKE_OP = 1
export const IN_TAKE_BYTES = 8
export const IN_TAKE_WORDS = 2
export const IN_CLOSE = 9
export const IN_CLOSE_OP = 1
export const IN_CLOSE_REF = 2
export const IN_CLOSE_BYTES = 12
export const IN_CLOSE_WORDS = 3
export const IN_SCRUB = 10
export const IN_SCRUB_OP = 1
export const IN_SCRUB_REF = 2
export const IN_SCRUB_PATH_BYTES = 3
export const IN_SCRUB_BYTES = 16
export const IN_SCRUB_WORDS = 4
export const IN_STAT = 11
export const IN_STAT_OP = 1
export const IN_STAT_REF = 2
export const IN_STAT_PATH_BYTES = 3
export const IN_STAT_BYTES = 16
export const IN_STAT_WORDS = 4
export const IN_LIST = 12
export const IN_LIST_OP = 1
export const IN_LIST_FLAGS = 2
export const IN_LIST_PATH_BYTES = 3
export const IN_LIST_BYTES = 16
export const IN_LIST_WORDS = 4
export const IN_READER = 13
export const IN_READER_OP = 1
export const IN_READER_REF = 2
export const IN_READER_PREFETCH = 3
export const IN_READER_BYTES = 16
export const IN_READER_WORDS = 4
export const IN_READ = 14
export const IN_READ_OP = 1
export const IN_READ_READER = 2
export const IN_READ_TIMEOUT_MS = 3
export const IN_READ_BYTES = 16
export const IN_READ_WORDS = 4
export const IN_READER_END = 15
export const IN_READER_END_READER = 1
export const IN_READER_END_BYTES = 8
export const IN_READER_END_WORDS = 2
export const IN_RELEASE = 16
export const IN_RELEASE_REF = 1
export const IN_RELEASE_BYTES = 8
export const IN_RELEASE_WORDS = 2
export const IN_START = 17
export const IN_START_OP = 1
export const IN_START_PAYLOAD = 2
export const IN_START_PAYLOAD_BYTES = 3
export const IN_START_PATH_BYTES = 4
export const IN_START_BYTES = 20
export const IN_START_WORDS = 5
export const IN_SIGNAL = 18
export const IN_SIGNAL_OP = 1
export const IN_SIGNAL_SIGNAL = 2
export const IN_SIGNAL_PATH_BYTES = 3
export const IN_SIGNAL_BYTES = 16
export const IN_SIGNAL_WORDS = 4
export const IN_LEAVE = 19
export const IN_LEAVE_OP = 1
export const IN_LEAVE_BYTES = 8
export const IN_LEAVE_WORDS = 2
export const IN_LINK_UP = 20
export const IN_LINK_UP_LINK = 1
export const IN_LINK_UP_OUTGOING = 2
export const IN_LINK_UP_ID_BYTES = 3
export const IN_LINK_UP_BYTES = 16
export const IN_LINK_UP_WORDS = 4
export const IN_LINK_DOWN = 21
export const IN_LINK_DOWN_LINK = 1
export const IN_LINK_DOWN_REASON = 2
export const IN_LINK_DOWN_BYTES = 12
export const IN_LINK_DOWN_WORDS = 3
export const IN_LINK_READY = 22
export const IN_LINK_READY_LINK = 1
export const IN_LINK_READY_TAKEN_BYTES = 2
export const IN_LINK_READY_BYTES = 12
export const IN_LINK_READY_WORDS = 3
export const IN_FRAME = 23
export const IN_FRAME_LINK = 1
export const IN_FRAME_PAYLOAD = 2
export const IN_FRAME_PAYLOAD_BYTES = 3
export const IN_FRAME_HEADER_BYTES = 4
export const IN_FRAME_BYTES = 20
export const IN_FRAME_WORDS = 5
export const IN_DIAL_FAILED = 24
export const IN_DIAL_FAILED_PEER = 1
export const IN_DIAL_FAILED_REASON = 2
export const IN_DIAL_FAILED_BYTES = 12
export const IN_DIAL_FAILED_WORDS = 3
export const IN_FOUND = 25
export const IN_FOUND_ID_BYTES = 1
export const IN_FOUND_BYTES = 8
export const IN_FOUND_WORDS = 2
export const IN_VERIFIED = 26
export const IN_VERIFIED_LINK = 1
export const IN_VERIFIED_STATUS = 2
export const IN_VERIFIED_RIGHTS = 3
export const IN_VERIFIED_EXPIRES_MS = 4
export const IN_VERIFIED_PREFIX_BYTES = 5
export const IN_VERIFIED_BYTES = 24
export const IN_VERIFIED_WORDS = 6
export const IN_STARTED = 27
export const IN_STARTED_PROCESS = 1
export const IN_STARTED_STATUS = 2
export const IN_STARTED_BYTES = 12
export const IN_STARTED_WORDS = 3
export const IN_ENDED = 28
export const IN_ENDED_PROCESS = 1
export const IN_ENDED_BYTES = 8
export const IN_ENDED_WORDS = 2
export const IN_SIGNALED = 29
export const IN_SIGNALED_TOKEN = 1
export const IN_SIGNALED_STATUS = 2
export const IN_SIGNALED_BYTES = 12
export const IN_SIGNALED_WORDS = 3
export const IN_RETAIN = 30
export const IN_RETAIN_REF = 1
export const IN_RETAIN_BYTES = 8
export const IN_RETAIN_WORDS = 2
export const IN_HEARD = 31
export const IN_HEARD_LINK = 1
export const IN_HEARD_BYTES = 8
export const IN_HEARD_WORDS = 2
export const IN_LIMIT = 32
export const IN_LIMIT_LIMIT = 1
export const IN_LIMIT_VALUE = 2
export const IN_LIMIT_BYTES = 12
export const IN_LIMIT_WORDS = 3
export const IN_SERIES = 33
export const IN_SERIES_LINK = 1
export const IN_SERIES_PAYLOADS_COUNT = 2
export const IN_SERIES_HEADER_BYTES = 3
export const IN_SERIES_BYTES = 16
export const IN_SERIES_WORDS = 4

// Output records: kind, word indexes of the fields, length before the tail.
export const OUT_COMPLETION = 1
export const OUT_COMPLETION_OP = 1
export const OUT_COMPLETION_STATUS = 2
export const OUT_COMPLETION_WHICH = 3
export const OUT_COMPLETION_FLAGS = 4
export const OUT_COMPLETION_PAYLOAD = 5
export const OUT_COMPLETION_PAYLOAD_BYTES = 6
export const OUT_COMPLETION_VALUE = 7
export const OUT_COMPLETION_REFS_COUNT = 8
export const OUT_COMPLETION_BYTES = 36
export const OUT_COMPLETION_WORDS = 9
export const OUT_OFFERED = 2
export const OUT_OFFERED_OP = 1
export const OUT_OFFERED_WHICH = 2
export const OUT_OFFERED_FLAGS = 3
export const OUT_OFFERED_PAYLOAD = 4
export const OUT_OFFERED_PAYLOAD_BYTES = 5
export const OUT_OFFERED_REFS_COUNT = 6
export const OUT_OFFERED_BYTES = 28
export const OUT_OFFERED_WORDS = 7
export const OUT_DROP = 3
export const OUT_DROP_PAYLOAD = 1
export const OUT_DROP_BYTES = 8
export const OUT_DROP_WORDS = 2
export const OUT_FRAME = 4
export const OUT_FRAME_LINK = 1
export const OUT_FRAME_PAYLOAD = 2
export const OUT_FRAME_PAYLOAD_BYTES = 3
export const OUT_FRAME_HEADER_BYTES = 4
export const OUT_FRAME_BYTES = 20
export const OUT_FRAME_WORDS = 5
export const OUT_DIAL = 5
export const OUT_DIAL_PEER = 1
export const OUT_DIAL_ID_BYTES = 2
export const OUT_DIAL_BYTES = 12
export const OUT_DIAL_WORDS = 3
export const OUT_UNLINK = 6
export const OUT_UNLINK_LINK = 1
export const OUT_UNLINK_CODE = 2
export const OUT_UNLINK_BYTES = 12
export const OUT_UNLINK_WORDS = 3
export const OUT_VERIFY = 7
export const OUT_VERIFY_LINK = 1
export const OUT_VERIFY_PAYLOAD = 2
export const OUT_VERIFY_PAYLOAD_BYTES = 3
export const OUT_VERIFY_ID_BYTES = 4
export const OUT_VERIFY_BYTES = 20
export const OUT_VERIFY_WORDS = 5
export const OUT_PEER = 8
export const OUT_PEER_EVENT = 1
export const OUT_PEER_PEER = 2
export const OUT_PEER_INCARNATION = 3
export const OUT_PEER_RIGHTS = 4
export const OUT_PEER_INFO = 5
export const OUT_PEER_INFO_BYTES = 6
export const OUT_PEER_ID_BYTES = 7
export const OUT_PEER_NAME_BYTES = 8
export const OUT_PEER_BYTES = 36
export const OUT_PEER_WORDS = 9
export const OUT_ENTRY = 9
export const OUT_ENTRY_OP = 1
export const OUT_ENTRY_ELEMENT = 2
export const OUT_ENTRY_STATE = 3
export const OUT_ENTRY_PATH_BYTES = 4
export const OUT_ENTRY_BYTES = 20
export const OUT_ENTRY_WORDS = 5
export const OUT_STATS = 10
export const OUT_STATS_OP = 1
export const OUT_STATS_ELEMENT = 2
export const OUT_STATS_CAPACITY = 3
export const OUT_STATS_BUFFERED = 4
export const OUT_STATS_SENDERS = 5
export const OUT_STATS_RECEIVERS = 6
export const OUT_STATS_CLOSED = 7
export const OUT_STATS_OUT = 8
export const OUT_STATS_BYTES = 36
export const OUT_STATS_WORDS = 9
export const OUT_START = 11
export const OUT_START_PROCESS = 1
export const OUT_START_PAYLOAD = 2
export const OUT_START_PAYLOAD_BYTES = 3
export const OUT_START_STDIN = 4
export const OUT_START_STDOUT = 5
export const OUT_START_STDERR = 6
export const OUT_START_EXIT = 7
export const OUT_START_PATH_BYTES = 8
export const OUT_START_BYTES = 36
export const OUT_START_WORDS = 9
export const OUT_SIGNAL = 12
export const OUT_SIGNAL_TOKEN = 1
export const OUT_SIGNAL_PROCESS = 2
export const OUT_SIGNAL_SIGNAL = 3
export const OUT_SIGNAL_BYTES = 16
export const OUT_SIGNAL_WORDS = 4
export const OUT_STOP = 13
export const OUT_STOP_PROCESS = 1
export const OUT_STOP_BYTES = 8
export const OUT_STOP_WORDS = 2
export const OUT_RENEW = 14
export const OUT_RENEW_PEER = 1
export const OUT_RENEW_INCARNATION = 2
export const OUT_RENEW_BYTES = 12
export const OUT_RENEW_WORDS = 3
export const OUT_SERIES = 15
export const OUT_SERIES_LINK = 1
export const OUT_SERIES_PAYLOADS_COUNT = 2
export const OUT_SERIES_HEADER_BYTES = 3
export const OUT_SERIES_BYTES = 16
export const OUT_SERIES_WORDS = 4

// Frames: kind, and how many fields follow it in the header array.
export const FRAME_HELLO = 1
export const FRAME_HELLO_FIELDS = 6
export const FRAME_REFUSE = 2
export const FRAME_REFUSE_FIELDS = 1
export const FRAME_PING = 3
export const FRAME_PING_FIELDS = 2
export const FRAME_PONG = 4
export const FRAME_PONG_FIELDS = 2
export const FRAME_ACK = 5
export const FRAME_ACK_FIELDS = 1
export const FRAME_EDGE = 6
export const FRAME_EDGE_FIELDS = 1
export const FRAME_HAVE = 7
export const FRAME_HAVE_FIELDS = 1
export const FRAME_GRAFT = 8
export const FRAME_GRAFT_FIELDS = 1
export const FRAME_PRUNE = 9
export const FRAME_PRUNE_FIELDS = 1
export const FRAME_PROBE_FOR = 10
export const FRAME_PROBE_FOR_FIELDS = 2
export const FRAME_PROBED = 11
export const FRAME_PROBED_FIELDS = 2
export const FRAME_DIGEST = 12
export const FRAME_DIGEST_FIELDS = 1
export const FRAME_HOLDS = 13
export const FRAME_HOLDS_FIELDS = 2
export const FRAME_WANT = 14
export const FRAME_WANT_FIELDS = 2
export const FRAME_OFFER_RECEIVE = 16
export const FRAME_OFFER_RECEIVE_FIELDS = 6
export const FRAME_OFFER_SEND = 17
export const FRAME_OFFER_SEND_FIELDS = 7
export const FRAME_GRANT = 18
export const FRAME_GRANT_FIELDS = 5
export const FRAME_WITHDRAW = 19
export const FRAME_WITHDRAW_FIELDS = 3
export const FRAME_ASK = 20
export const FRAME_ASK_FIELDS = 3
export const FRAME_OFFER_READER = 21
export const FRAME_OFFER_READER_FIELDS = 5
export const FRAME_OFFER_SENDS = 22
export const FRAME_OFFER_SENDS_FIELDS = 4
export const FRAME_CLAIM = 24
export const FRAME_CLAIM_FIELDS = 4
export const FRAME_DELIVER = 25
export const FRAME_DELIVER_FIELDS = 5
export const FRAME_END = 26
export const FRAME_END_FIELDS = 4
export const FRAME_UNHOLD = 27
export const FRAME_UNHOLD_FIELDS = 3
export const FRAME_ENDS = 28
export const FRAME_ENDS_FIELDS = 4
export const FRAME_DELIVERS = 29
export const FRAME_DELIVERS_FIELDS = 3
export const FRAME_MAKE = 32
export const FRAME_MAKE_FIELDS = 6
export const FRAME_OPEN = 33
export const FRAME_OPEN_FIELDS = 4
export const FRAME_LIST = 34
export const FRAME_LIST_FIELDS = 5
export const FRAME_STAT = 35
export const FRAME_STAT_FIELDS = 5
export const FRAME_CLOSE = 36
export const FRAME_CLOSE_FIELDS = 4
export const FRAME_SCRUB = 37
export const FRAME_SCRUB_FIELDS = 5
export const FRAME_START = 38
export const FRAME_START_FIELDS = 4
export const FRAME_SIGNAL = 39
export const FRAME_SIGNAL_FIELDS = 5
export const FRAME_REPLY = 40
export const FRAME_REPLY_FIELDS = 5
export const FRAME_ENTRY = 41
export const FRAME_ENTRY_FIELDS = 6
export const FRAME_MEMBER = 48
export const FRAME_MEMBER_FIELDS = 9
export const FRAME_LEAVE = 49
export const FRAME_LEAVE_FIELDS = 2
export const FRAME_LEAVE_ANSWER = 50
export const FRAME_LEAVE_ANSWER_FIELDS = 2
export const FRAME_REGISTER = 56
export const FRAME_REGISTER_FIELDS = 3
export const FRAME_UNREGISTER = 57
export const FRAME_UNREGISTER_FIELDS = 3
export const FRAME_PIN = 58
export const FRAME_PIN_FIELDS = 3
export const FRAME_UNPIN = 59
export const FRAME_UNPIN_FIELDS = 3

// Values of fields.
export const LIMIT_CHANNELS = 1
export const LIMIT_CHANNELS_PER_PEER = 2
export const LIMIT_CAPACITY = 3
export const LIMIT_MESSAGE_BYTES = 4
export const LIMIT_ANSWER_BYTES = 5
export const LIMIT_STORED_BYTES = 6
export const LIMIT_REFS_PER_PEER = 7
export const MAKE_FLAG_LATCH = 1
export const OP_FLAG_TRY = 1
export const OP_FLAG_HOLD = 2
export const NOW_RECORD = 0
export const NOW_DONE = 1
export const NOW_PARKED = 2
export const NOW_NONE = 3
export const LIST_FLAG_DEEP = 1
export const CASE_RECEIVE = 1
export const CASE_SEND = 2
export const CASE_AFTER = 3
export const WHICH_DEFAULT = 4294967295
export const COMPLETION_FLAG_AGAIN = 1
export const COMPLETION_FLAG_SHARED = 2
export const COMPLETION_FLAG_UNKNOWN = 4
export const COMPLETION_FLAG_MESSAGE = 8
export const COMPLETION_FLAG_PART = 16
export const OFFER_FLAG_TRY = 1
export const OFFER_FLAG_SELECT = 2
export const DELIVER_FLAG_AGAIN = 1
export const REF_REMOTE = 2147483648
export const ELEMENT_ANCHOR = 0
export const ELEMENT_CHANNEL = 1
export const ELEMENT_PROCESS = 2
export const ELEMENT_PEER = 3
export const CHANNEL_STATE_OPEN = 0
export const CHANNEL_STATE_CLOSED = 1
export const PROCESS_STATE_STARTING = 0
export const PROCESS_STATE_RUNNING = 1
export const PROCESS_STATE_ENDED = 2
export const PEER_EVENT_JOINED = 1
export const PEER_EVENT_LEFT = 2
export const PEER_EVENT_KNOWN = 3
export const PEER_EVENT_CHANGED = 4
export const MEMBER_EVENT_ALIVE = 1
export const MEMBER_EVENT_LEFT = 2
export const MEMBER_EVENT_SUSPECT = 3
export const MEMBER_EVENT_PARTED = 4
export const EDGE_WISH_OFF = 0
export const EDGE_WISH_ASK = 1
export const EDGE_WISH_URGENT = 2
export const EDGE_WISH_ACCEPT = 3
export const RIGHT_CHANNEL = 1
export const RIGHT_PROCESS = 2
export const RIGHT_ADMIN = 4
export const DIAL_REASON_REFUSED = 1
export const DIAL_REASON_UNREACHABLE = 2
export const DIAL_REASON_NO_ADDRESS = 3
export const DIAL_REASON_WRONG_PEER = 4
export const DOWN_REASON_CLOSED = 0
export const DOWN_REASON_RESET = 1
export const DOWN_REASON_VIOLATION = 2
export const TAG_CHANNEL = 49607
export const HELLO_FLAG_ANSWER = 1
export const HELLO_FLAG_LEFT = 2
export const SIGNAL_HUP = 1
export const SIGNAL_INT = 2
export const SIGNAL_QUIT = 3
export const SIGNAL_KILL = 9
export const SIGNAL_USR1 = 10
export const SIGNAL_USR2 = 12
export const SIGNAL_TERM = 15
export const SIGNAL_CONT = 18
export const SIGNAL_STOP = 19
export const SIGNAL_TSTP = 20

// Codes of refusals, losses, faults and violations.
export const ERROR_OK = 0
export const ERROR_CLOSED = 1
export const ERROR_WITHDRAWN = 2
export const ERROR_WOULD_BLOCK = 3
export const ERROR_TIMED_OUT = 4
export const ERROR_SCRUBBED = 5
export const ERROR_TOO_LARGE = 6
export const ERROR_NO_SUCH_ANCHOR = 7
export const ERROR_ANCHOR_TAKEN = 8
export const ERROR_NOT_PERMITTED = 9
export const ERROR_AMBIGUOUS_NAME = 10
export const ERROR_NO_SUCH_PEER = 11
export const ERROR_BAD_PATH = 12
export const ERROR_BAD_ARGUMENT = 13
export const ERROR_WRONG_KIND = 14
export const ERROR_TOO_MANY = 15
export const ERROR_PROGRAM_NOT_FOUND = 16
export const ERROR_CANNOT_START = 17
export const ERROR_NO_PROCESSES = 18
export const ERROR_LEAVING = 19
export const ERROR_NOT_RUNNING = 20
export const ERROR_NO_PEER_HERE = 32
export const ERROR_BAD_TICKET = 33
export const ERROR_TICKET_EXPIRED = 34
export const ERROR_TICKET_USED = 35
export const ERROR_BAD_KEY = 36
export const ERROR_BAD_STATE = 37
export const ERROR_BAD_CERTIFICATE = 38
export const ERROR_NOT_ENCODABLE = 39
export const ERROR_STATE_IN_USE = 40
export const ERROR_CANNOT_LISTEN = 41
export const ERROR_BAD_REQUEST = 42
export const ERROR_MISUSE = 43
export const ERROR_BAD_STATE_FILE = 44
export const ERROR_BAD_RUN_FOLDER = 45
export const ERROR_LEFT = 64
export const ERROR_RESET = 65
export const ERROR_UNREADABLE = 66
export const ERROR_RECEIVER_LEFT = 67
export const ERROR_FAULT = 96
export const ERROR_BAD_FRAME = 128
export const ERROR_BAD_NUMBER = 129
export const ERROR_BAD_VERSION = 130
export const ERROR_NO_CHAIN = 131
export const ERROR_DUPLICATE_LINK = 132
export const ERROR_DECLARED_LEFT = 133
export const ERROR_OVER_LIMIT = 134
export const ERROR_SILENT = 135
export const ERROR_GONE = 136

// Limits.
export const ABI_VERSION = 1
export const WIRE_VERSION = 1
export const INPUT_BYTES = 65536
export const OUTPUT_BYTES = 65536
export const RECORDS_PER_RUN_MAX = 1024
export const LIST_NOW_MAX = 1024
export const LIST_AWAY_MAX = 256
export const MESSAGE_BYTES_MAX = 1048576
export const HEADER_BYTES_MAX = 16384
export const PAYLOADS_PER_FRAME_MAX = 64
export const SERIES_MESSAGE_BYTES_MAX = 1024
export const FRAME_BYTES_MAX = 1064960
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
export const LIST_PEERS_MAX = 32
export const REQUESTS_PER_PEER_MAX = 4096
export const ANSWER_BYTES_PER_PEER_MAX = 67108864
export const LIST_BYTES_MAX = 4194304
export const STORED_BYTES_PER_PEER_MAX = 67108864
export const REFS_PER_PEER_MAX = 65536
export const STDIO_CAPACITY = 16
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
export const KNOWN_DIALLED_MAX = 64
export const KNOWN_ADDRESSES_MAX = 16
export const ADDRESS_BYTES_MAX = 240
export const CERTIFY_BYTES_MAX = 16384
export const CERTIFY_TIMEOUT_MS = 3000
export const PEERS_KNOWN_MAX = 8192
export const PEERS_GONE_MAX = 1024
export const MEMBERS_MAX = 4096
export const EDGES_SLACK = 3
export const EDGE_ASK_MS = 4000
export const EDGE_PAUSE_MS = 5000
export const EDGE_MEND_MS = 3000
export const TEND_MS = 1000
export const TEND_LATE_MS = 500
export const SYNC_MS = 10000
export const SYNC_AGAIN_MS = 200
export const SYNC_BUCKETS = 32
export const SYNC_BUCKETS_MAX = 8
export const TELL_ALL_MAX = 32
export const LAZY_MS = 50
export const GRAFT_MS = 250
export const MARKS_MAX = 64
export const MARKS_WANTED_MAX = 256
export const TREE_MIN = 16
export const CHECK_MS = 30000
export const LINK_IDLE_MS = 30000
export const LINK_BRIEF_MS = 1000
export const LINKS_MAX = 256
export const LINK_FRAMES_PER_TURN = 128
export const LINK_ALONE_MS = 50
export const LINK_WINDOW_BYTES = 262144
export const ADDRESSES_PER_PEER_MAX = 16
export const DIAL_TIMEOUT_MS = 3000
export const NEAR_DIAL_MS = 1000
export const DIAL_STAGGER_MS = 150
export const LINK_CLOSE_MS = 1000
export const STREAM_WINDOW_BYTES = 1048576
export const STREAMS_PER_PEER_MAX = 8
export const ADDRESS_POLL_MS = 5000
export const HELLO_TIMEOUT_MS = 5000
export const ACK_DELAY_MS = 20
export const ACK_FRAMES = 64
export const PROBE_INTERVAL_MS = 400
export const PROBES_SPREAD = 8
export const PROBE_TURN_MS = 400
export const PROBE_AGAIN_MS = 100
export const SUSPECT_MS = 1200
export const SUSPICION_MIN_MS = 500
export const SUSPICION_MAX_MS = 1300
export const ACCUSERS_MAX = 3
export const SUSPICION_KEPT_MS = 30000
export const PROBERS_MAX = 3
export const ERRANDS_MAX = 32
export const DOUBT_MAX = 8
export const VOUCHED_MS = 60000
export const UNREACHED_MS = 30000
export const LEFT_MS = 2500
export const REFUSED_LEFT_MS = 300
export const REDIAL_MIN_MS = 50
export const REDIAL_MAX_MS = 1000
export const REJOIN_MIN_MS = 1000
export const REJOIN_MAX_MS = 30000
export const REJOIN_TRIES_MAX = 128
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

/** Whose blame a code is. */
export type ErrorKind = 'none' | 'refusal' | 'loss' | 'fault' | 'violation'

/** The name of every code. */
export type ErrorName =
  | 'OK'
  | 'CLOSED'
  | 'WITHDRAWN'
  | 'WOULD_BLOCK'
  | 'TIMED_OUT'
  | 'SCRUBBED'
  | 'TOO_LARGE'
  | 'NO_SUCH_ANCHOR'
  | 'ANCHOR_TAKEN'
  | 'NOT_PERMITTED'
  | 'AMBIGUOUS_NAME'
  | 'NO_SUCH_PEER'
  | 'BAD_PATH'
  | 'BAD_ARGUMENT'
  | 'WRONG_KIND'
  | 'TOO_MANY'
  | 'PROGRAM_NOT_FOUND'
  | 'CANNOT_START'
  | 'NO_PROCESSES'
  | 'LEAVING'
  | 'NOT_RUNNING'
  | 'NO_PEER_HERE'
  | 'BAD_TICKET'
  | 'TICKET_EXPIRED'
  | 'TICKET_USED'
  | 'BAD_KEY'
  | 'BAD_STATE'
  | 'BAD_CERTIFICATE'
  | 'NOT_ENCODABLE'
  | 'STATE_IN_USE'
  | 'CANNOT_LISTEN'
  | 'BAD_REQUEST'
  | 'MISUSE'
  | 'BAD_STATE_FILE'
  | 'BAD_RUN_FOLDER'
  | 'LEFT'
  | 'RESET'
  | 'UNREADABLE'
  | 'RECEIVER_LEFT'
  | 'FAULT'
  | 'BAD_FRAME'
  | 'BAD_NUMBER'
  | 'BAD_VERSION'
  | 'NO_CHAIN'
  | 'DUPLICATE_LINK'
  | 'DECLARED_LEFT'
  | 'OVER_LIMIT'
  | 'SILENT'
  | 'GONE'

/** Code → name, kind and sentence; {what} in a sentence is filled by the host. */
export const errors: { readonly [code: number]: {
  readonly name: ErrorName, readonly kind: ErrorKind, readonly sentence: string
} } = {
  0: {
    name: 'OK',
    kind: 'none',
    sentence: 'Done.'
  },
  1: {
    name: 'CLOSED',
    kind: 'refusal',
    sentence: 'The channel {what} is closed; it takes nothing more, and gives nothing after what it held.'
  },
  2: {
    name: 'WITHDRAWN',
    kind: 'refusal',
    sentence: 'The operation was withdrawn before it happened; nothing changed.'
  },
  3: {
    name: 'WOULD_BLOCK',
    kind: 'refusal',
    sentence: 'Nothing was ready on {what}; try again, or wait without try.'
  },
  4: {
    name: 'TIMED_OUT',
    kind: 'refusal',
    sentence: 'Nothing happened on {what} within the time allowed; the operation was withdrawn.'
  },
  5: {
    name: 'SCRUBBED',
    kind: 'refusal',
    sentence: '{what} was scrubbed; make it again, or open another.'
  },
  6: {
    name: 'TOO_LARGE',
    kind: 'refusal',
    sentence: 'The message to {what} is over the limit (1 MiB, or less where a host lowered it); send it in pieces through a channel.'
  },
  7: {
    name: 'NO_SUCH_ANCHOR',
    kind: 'refusal',
    sentence: 'There is no anchor {what}; list what there is with circuit ls /..., or make it with circuit mkchan.'
  },
  8: {
    name: 'ANCHOR_TAKEN',
    kind: 'refusal',
    sentence: 'There is already an element at {what}; choose another path, or scrub it first.'
  },
  9: {
    name: 'NOT_PERMITTED',
    kind: 'refusal',
    sentence: 'This peer\'s certificate does not permit that at {what}; ask for a ticket with the right that it needs.'
  },
  10: {
    name: 'AMBIGUOUS_NAME',
    kind: 'refusal',
    sentence: 'More than one peer is named as in {what}; use the peer\'s id, which circuit ls -l / shows.'
  },
  11: {
    name: 'NO_SUCH_PEER',
    kind: 'refusal',
    sentence: 'No peer of this circuit has the name or id in {what}; circuit ls / lists the peers.'
  },
  12: {
    name: 'BAD_PATH',
    kind: 'refusal',
    sentence: '{what} is not a path; write names of 1 to 255 bytes joined by single slashes, without control characters, \'.\', \'..\' or \'...\'.'
  },
  13: {
    name: 'BAD_ARGUMENT',
    kind: 'refusal',
    sentence: 'An argument is not as required: {what}.'
  },
  14: {
    name: 'WRONG_KIND',
    kind: 'refusal',
    sentence: 'The element at {what} is of another kind; circuit ls -l shows the kinds.'
  },
  15: {
    name: 'TOO_MANY',
    kind: 'refusal',
    sentence: 'A limit is reached ({what}); wait for some to end, or release what is not needed.'
  },
  16: {
    name: 'PROGRAM_NOT_FOUND',
    kind: 'refusal',
    sentence: 'The program {what} was not found at that peer; give its full path.'
  },
  17: {
    name: 'CANNOT_START',
    kind: 'refusal',
    sentence: 'The program {what} could not be started at that peer; check that it may be run and that its folder exists.'
  },
  18: {
    name: 'NO_PROCESSES',
    kind: 'refusal',
    sentence: 'The peer of {what} starts no processes; choose a peer that runs on Node.'
  },
  19: {
    name: 'LEAVING',
    kind: 'refusal',
    sentence: 'This peer is leaving the circuit; join again to go on.'
  },
  20: {
    name: 'NOT_RUNNING',
    kind: 'refusal',
    sentence: 'The process {what} has ended; there is nobody to take that.'
  },
  32: {
    name: 'NO_PEER_HERE',
    kind: 'refusal',
    sentence: 'No peer runs here for {what}; start one with: circuit start'
  },
  33: {
    name: 'BAD_TICKET',
    kind: 'refusal',
    sentence: 'That is not a whole ticket; copy the one line that circuit invite printed.'
  },
  34: {
    name: 'TICKET_EXPIRED',
    kind: 'refusal',
    sentence: 'The ticket has expired; ask for a new one with circuit invite.'
  },
  35: {
    name: 'TICKET_USED',
    kind: 'refusal',
    sentence: 'The ticket was used by another peer; a ticket admits one. Ask for a new one with circuit invite.'
  },
  36: {
    name: 'BAD_KEY',
    kind: 'refusal',
    sentence: 'The key file {what} cannot be read as a key; restore it, or move it away to make a new one.'
  },
  37: {
    name: 'BAD_STATE',
    kind: 'refusal',
    sentence: 'The state folder {what} cannot be used; check its owner and mode (0700), or give another with --state.'
  },
  38: {
    name: 'BAD_CERTIFICATE',
    kind: 'refusal',
    sentence: 'The certificate chain is not valid for this circuit: {what}.'
  },
  39: {
    name: 'NOT_ENCODABLE',
    kind: 'refusal',
    sentence: 'The value cannot be sent: {what}. Send what CBOR can say: null, booleans, numbers, strings, bytes, dates, lists, maps and channels.'
  },
  40: {
    name: 'STATE_IN_USE',
    kind: 'refusal',
    sentence: 'Another peer runs with the state folder {what}; stop it, or give another with --state.'
  },
  41: {
    name: 'CANNOT_LISTEN',
    kind: 'refusal',
    sentence: 'Cannot listen at {what}; give a free address with --listen.'
  },
  42: {
    name: 'BAD_REQUEST',
    kind: 'refusal',
    sentence: 'The local peer did not understand the request: {what}.'
  },
  43: {
    name: 'MISUSE',
    kind: 'refusal',
    sentence: '{what}; circuit help tells more.'
  },
  44: {
    name: 'BAD_STATE_FILE',
    kind: 'refusal',
    sentence: 'The file {what} is not as Circuit wrote it; restore it, or move it away to go on without it.'
  },
  45: {
    name: 'BAD_RUN_FOLDER',
    kind: 'refusal',
    sentence: 'The run directory {what} cannot be used; check its owner and mode (0700), or do without local discovery (--no-local).'
  },
  64: {
    name: 'LEFT',
    kind: 'loss',
    sentence: 'The peer of {what} has left the circuit.'
  },
  65: {
    name: 'RESET',
    kind: 'loss',
    sentence: 'The link to the peer of {what} was reset.'
  },
  66: {
    name: 'UNREADABLE',
    kind: 'loss',
    sentence: 'The message from {what} is not one CBOR item that can be read here; it was taken and dropped.'
  },
  67: {
    name: 'RECEIVER_LEFT',
    kind: 'loss',
    sentence: 'A receiver on {what} left the circuit while the message was on its way to it; whether it took the message is not known.'
  },
  96: {
    name: 'FAULT',
    kind: 'fault',
    sentence: 'The core failed at {what}: this is a bug in Circuit. This instance is of no more use; join again.'
  },
  128: {
    name: 'BAD_FRAME',
    kind: 'violation',
    sentence: 'A frame could not be read.'
  },
  129: {
    name: 'BAD_NUMBER',
    kind: 'violation',
    sentence: 'A frame came out of order.'
  },
  130: {
    name: 'BAD_VERSION',
    kind: 'violation',
    sentence: 'The peer speaks another version of the protocol.'
  },
  131: {
    name: 'NO_CHAIN',
    kind: 'violation',
    sentence: 'The peer showed no valid certificate chain.'
  },
  132: {
    name: 'DUPLICATE_LINK',
    kind: 'violation',
    sentence: 'Another link to this peer stays.'
  },
  133: {
    name: 'DECLARED_LEFT',
    kind: 'violation',
    sentence: 'This incarnation was declared left; come back as a new one.'
  },
  134: {
    name: 'OVER_LIMIT',
    kind: 'violation',
    sentence: 'The peer went over a limit.'
  },
  135: {
    name: 'SILENT',
    kind: 'violation',
    sentence: 'The peer said nothing for too long.'
  },
  136: {
    name: 'GONE',
    kind: 'violation',
    sentence: 'The session ended.'
  }
}

/** Frame kind → name, the fields that follow the kind, and if a payload may follow. */
export const frames: { readonly [kind: number]: {
  readonly name: string, readonly fields: readonly string[], readonly payload: boolean
} } = {
  1: {
    name: 'hello',
    fields: ['version', 'incarnation', 'your_incarnation', 'received', 'epoch', 'flags'],
    payload: true
  },
  2: {
    name: 'refuse',
    fields: ['code'],
    payload: false
  },
  3: {
    name: 'ping',
    fields: ['token', 'received'],
    payload: false
  },
  4: {
    name: 'pong',
    fields: ['token', 'received'],
    payload: false
  },
  5: {
    name: 'ack',
    fields: ['received'],
    payload: false
  },
  6: {
    name: 'edge',
    fields: ['wish'],
    payload: false
  },
  7: {
    name: 'have',
    fields: ['marks'],
    payload: false
  },
  8: {
    name: 'graft',
    fields: ['marks'],
    payload: false
  },
  9: {
    name: 'prune',
    fields: ['mark'],
    payload: false
  },
  10: {
    name: 'probe_for',
    fields: ['token', 'id'],
    payload: false
  },
  11: {
    name: 'probed',
    fields: ['token', 'id'],
    payload: false
  },
  12: {
    name: 'digest',
    fields: ['hashes'],
    payload: false
  },
  13: {
    name: 'holds',
    fields: ['bucket', 'hashes'],
    payload: false
  },
  14: {
    name: 'want',
    fields: ['bucket', 'hashes'],
    payload: false
  },
  16: {
    name: 'offer_receive',
    fields: ['number', 'received', 'offer', 'channel', 'flags', 'select'],
    payload: false
  },
  17: {
    name: 'offer_send',
    fields: ['number', 'received', 'offer', 'channel', 'flags', 'select', 'refs'],
    payload: true
  },
  18: {
    name: 'grant',
    fields: ['number', 'received', 'offer', 'count', 'refs'],
    payload: true
  },
  19: {
    name: 'withdraw',
    fields: ['number', 'received', 'offer'],
    payload: false
  },
  20: {
    name: 'ask',
    fields: ['number', 'received', 'offer'],
    payload: false
  },
  21: {
    name: 'offer_reader',
    fields: ['number', 'received', 'offer', 'channel', 'credit'],
    payload: false
  },
  22: {
    name: 'offer_sends',
    fields: ['number', 'received', 'offer', 'channel'],
    payload: false
  },
  24: {
    name: 'claim',
    fields: ['number', 'received', 'offer', 'status'],
    payload: false
  },
  25: {
    name: 'deliver',
    fields: ['number', 'received', 'offer', 'flags', 'refs'],
    payload: true
  },
  26: {
    name: 'end',
    fields: ['number', 'received', 'offer', 'status'],
    payload: false
  },
  27: {
    name: 'unhold',
    fields: ['number', 'received', 'offer'],
    payload: false
  },
  28: {
    name: 'ends',
    fields: ['number', 'received', 'offer', 'count'],
    payload: false
  },
  29: {
    name: 'delivers',
    fields: ['number', 'received', 'offer'],
    payload: false
  },
  32: {
    name: 'make',
    fields: ['number', 'received', 'request', 'path', 'capacity', 'flags'],
    payload: false
  },
  33: {
    name: 'open',
    fields: ['number', 'received', 'request', 'path'],
    payload: false
  },
  34: {
    name: 'list',
    fields: ['number', 'received', 'request', 'path', 'flags'],
    payload: false
  },
  35: {
    name: 'stat',
    fields: ['number', 'received', 'request', 'path', 'channel'],
    payload: false
  },
  36: {
    name: 'close',
    fields: ['number', 'received', 'request', 'channel'],
    payload: false
  },
  37: {
    name: 'scrub',
    fields: ['number', 'received', 'request', 'path', 'channel'],
    payload: false
  },
  38: {
    name: 'start',
    fields: ['number', 'received', 'request', 'path'],
    payload: true
  },
  39: {
    name: 'signal',
    fields: ['number', 'received', 'request', 'path', 'signal'],
    payload: false
  },
  40: {
    name: 'reply',
    fields: ['number', 'received', 'request', 'status', 'values'],
    payload: false
  },
  41: {
    name: 'entry',
    fields: ['number', 'received', 'request', 'path', 'element', 'state'],
    payload: false
  },
  48: {
    name: 'member',
    fields: ['number', 'received', 'id', 'incarnation', 'version', 'event', 'name', 'by', 'hops'],
    payload: true
  },
  49: {
    name: 'leave',
    fields: ['number', 'received'],
    payload: false
  },
  50: {
    name: 'leave_answer',
    fields: ['number', 'received'],
    payload: false
  },
  56: {
    name: 'register',
    fields: ['number', 'received', 'channel'],
    payload: false
  },
  57: {
    name: 'unregister',
    fields: ['number', 'received', 'channel'],
    payload: false
  },
  58: {
    name: 'pin',
    fields: ['number', 'received', 'channel'],
    payload: false
  },
  59: {
    name: 'unpin',
    fields: ['number', 'received', 'channel'],
    payload: false
  }
}

/** Signal name, without SIG → number. */
export const signals: { readonly [name: string]: number } = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  KILL: 9,
  USR1: 10,
  USR2: 12,
  TERM: 15,
  CONT: 18,
  STOP: 19,
  TSTP: 20
}
