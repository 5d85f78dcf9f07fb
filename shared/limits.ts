/**
 * The limits that no operator sets, each with its unit in its name. What an operator sets stands in shared/config/; how
 * settings and limits must relate is asserted at the start, by shared/config.ts.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

// 9110, the channel source
/** Sources of one edge node. */
export const SOURCES_MAX = 8;
/** What a packet in a run counts on top of its payload, against every byte limit. */
export const PACKET_OVERHEAD_BYTES = 64;
/** The same for a packet that waits out of order, in memory of its own: 230 to 320 bytes were measured. */
export const HELD_PACKET_OVERHEAD_BYTES = 320;
/** Where memory is short, packets that wait out of order keep at most this part of EDGE_LOG_BYTES. */
export const HELD_SHARE = 0.25;
/** Taken from the source per turn of the event loop: more would let users wait for seconds to be accepted. */
export const SOURCE_TURN_BYTES = 256 * KIB;
/** Where the kernel does not tell the size of its receive buffers: more than any of them holds. */
export const SOURCE_BACKLOG_BYTES = 64 * MIB;
export const SOURCE_KEEPALIVE_MS = 5_000;
export const SOURCE_CONNECT_TIMEOUT_MS = 10_000;
/** Then the next address of a name is tried: time for a round trip over a slow link, its first packet lost. */
export const SOURCE_ATTEMPT_TIMEOUT_MS = 2_000;
/** The backoff begins anew after a connection that brought packets for so long. */
export const SOURCE_WELL_MS = 10_000;
/** So many headers in a row with an impossible channel id show that they are no headers: framing is lost. */
export const BAD_HEADERS_MAX = 64;
export const SOURCE_BACKOFF_MIN_MS = 100;
export const SOURCE_BACKOFF_MAX_MS = 5_000;

// NATS, between relays and edge nodes
/** A message of packets is published so long after its first packet, at the latest. */
export const RELAY_LINGER_MS = 5;
/** Handed to the NATS client and not confirmed by the server yet, at the most. */
export const RELAY_WINDOW_BYTES = 8 * MIB;
/** How often the server is asked to confirm what it was sent: after so many bytes, and after so long. */
export const RELAY_CONFIRM_BYTES = 512 * KIB;
export const RELAY_CONFIRM_MS = 100;
/** At a stop the server gets so long to take what waits. */
export const RELAY_CLOSE_MS = 2_000;
/** Edge nodes that wait for a backlog at once; further ones start live. */
export const BACKLOG_REQUESTS_MAX = 4_096;
/** A backlog of which nothing more has come for so long is done without. */
export const BACKLOG_WAIT_MS = 1_000;
/** How often relays tell the channels, in messages of so many channels; one that no relay told for so long is gone. */
export const DIRECTORY_MS = 1_000;
export const DIRECTORY_CHANNELS = 1_000;
export const DIRECTORY_KEEP_MS = 5_000;
/** Node reads a socket so far in a turn of the event loop, at the most: with less it has been read empty. */
export const NATS_TURN_BYTES = 2 * MIB;
/** A start waits so long for a NATS server, whose max_payload is to be known; then it goes on without. */
export const NATS_OPEN_MS = 2_000;
export const NATS_CONNECT_TIMEOUT_MS = 3_000;
export const NATS_BACKOFF_MIN_MS = 50;
export const NATS_BACKOFF_MAX_MS = 2_000;
/** A server is asked so often whether it is there, and given up when it has not answered for so long. */
export const NATS_PING_MS = 1_000;
export const NATS_SILENCE_MS = 4_000;

// Reordering
/** Different stray packets, all within one window of each other, that prove a jump of the source. */
export const JUMP_PACKETS = 5;
/** Stray packets kept as candidates for a jump. */
export const STRAY_MAX_PACKETS = 16;

// Channel logs
export const RUN_MAX_BYTES = 64 * KIB;
/** Part of EDGE_LOG_BYTES that dropped runs may take which writes to users still hold, once it is used up. */
export const PINNED_SHARE = 0.25;
/** What a channel's seconds are measured over, and how long it may pause without the measuring beginning anew. */
export const SECONDS_RATE_SPAN_MS = 60_000;
export const SECONDS_RATE_SILENCE_MS = 5_000;
/** Seconds whose rates a channel keeps for operators to see. */
export const CHANNEL_RATES_KEPT = 60;
/** At MAX_CHANNELS a channel with neither packets nor watchers for this long makes room for another. */
export const CHANNEL_QUIET_MS = 1_000;
/** A channel with neither packets nor watchers for this long is forgotten. */
export const CHANNEL_IDLE_MS = 600_000;
/** Event-loop utilization up to which runs are as large and linger as long as set, and from which they do at the most. */
export const LOAD_IDLE_UTILIZATION = 0.05;
export const LOAD_FULL_UTILIZATION = 0.5;
export const LOAD_STEP_MS = 250;
/** Part of the way to its target that the load factor moves in a step. */
export const LOAD_STEP_PART = 0.2;

// Delivery
/** Work for many users is done in slices of this length, with the sockets polled in between. */
export const SLICE_MS = 4;
/** The same while connections arrive, since libuv accepts one a poll: so a full node still accepts hundreds a second. */
export const SLICE_ARRIVALS_MS = 0.25;
/** A round so late gets such slices, one twice as late slices twice as long, up to the most. */
export const SLICE_ARRIVALS_LATE_MS = 200;
export const SLICE_ARRIVALS_MAX_MS = 0.5;
/** No slice takes so long by its own work: its last write is begun before the slice is over. */
export const SLICE_MAX_MS = 2 * SLICE_MS;
/** Newcomers are refused while writing to those who are in takes more than this part of the event loop's time. */
export const OVERLOAD_SHARE = 0.8;
/** Newcomers are refused while no round of delivery is done in less than this. */
export const OVERLOAD_LAG_MS = 400;
/** Load is measured over so long; a node is full once two windows in a row show it. */
export const OVERLOAD_WINDOW_MS = 250;
/** So many users may come between two measurements, where no more are in. */
export const ADMISSION_STEP_USERS = 1_000;
/** As many as were carried so long ago may come back. */
export const CARRIED_MS = 10_000;
/** How long a newcomer may wait for a measurement to tell whether there is room. */
export const ADMISSION_WAIT_MS = 1_000;
/** How often the event loop is asked how late it is. */
export const LOOP_DELAY_STEP_MS = 50;

// 9111, the users
export const WRITE_MAX_BYTES = 128 * KIB;
export const HANDSHAKE_MAX_BYTES = 512;
/** The same where the line brings a token. */
export const HANDSHAKE_TOKEN_MAX_BYTES = 2 * KIB;
export const HANDSHAKE_TIMEOUT_MS = 10_000;
/** The header of a balancer, TLVs included. */
export const PROXY_HEADER_MAX_BYTES = 4 * KIB;
export const CERTIFICATE_POLL_MS = 2_000;
/** What a user may send after the handshake, unread by anyone, before it is closed. */
export const CLIENT_TALK_MAX_BYTES = 64 * KIB;
/** A user who has sent FIN and to whom nothing could be delivered for this long is gone. */
export const HALF_CLOSED_IDLE_MS = 60_000;
export const USER_KEEPALIVE_MS = 30_000;
/** What is kept of the name that a user's program gives itself. */
export const CLIENT_NAME_MAX_CHARS = 128;
/** After a refusal, input is read and dropped for this long: destroying with unread input resets the line away. */
export const REFUSAL_LINGER_MS = 1_000;
/** Open files kept from users' sessions, at the least. */
export const RESERVED_FILES = 128;
/** Of these, for connections without a session; so many of all files where that is more. */
export const ARRIVALS_FILES = 80;
export const ARRIVALS_SHARE = 1 / 16;
/** Connections to one port that arrive, at the most, where files allow; and as many that were refused. */
export const ARRIVALS_MAX = 4_096;
/** Whoever has just connected makes no room for others: what it says may be on its way. */
export const ARRIVAL_GRACE_MS = 500;
/** New sessions of one user: so many at once, and one more whenever so much time has passed. No viewer gets there. */
export const SESSION_BURST = 60;
export const SESSION_INTERVAL_MS = 1_000;
/** Whoever has taken nothing for so long makes room for a newcomer where a limit is reached. */
export const GHOST_MS = 2_000;
/** At MAX_SESSIONS_PER_USER a session that is well makes room for a newer one so often, and no more. */
export const REPLACE_INTERVAL_MS = 60_000;
/** Log lines on the ends of one user's sessions in a minute; further ones are summed up in one. */
export const SESSION_LINES_A_MINUTE = 10;

// A node of several workers
/** A worker asks its supervisor for a place this long; then the newcomer is refused. */
export const PLACE_TIMEOUT_MS = 2_000;
/** A newcomer is sent on to the worker with the fewest users where its own has so many more: a part of them, and a number. */
export const WORKER_SPREAD = 0.04;
export const WORKER_SPREAD_USERS = 2;
/** A worker shows so often that it lives; one that has not for so long hangs, and is killed. */
export const ALIVE_MS = 1_000;
export const WORKER_HUNG_MS = 30_000;
/** A worker that ended is started again after this long, doubled each time, and anew once one has served for a while. */
export const WORKER_BACKOFF_MIN_MS = 100;
export const WORKER_BACKOFF_MAX_MS = 5_000;
export const WORKER_WELL_MS = 10_000;
/** What a worker tells for metrics and status is waited for so long. */
export const WORKER_REPORT_MS = 4_000;

// The store
/** A request to the store that a user waits for. */
export const STORE_TIMEOUT_MS = 2_000;
/** One request to an engine; less than a user waits, so that what a user is told is the engine's own failure. */
export const STORE_REQUEST_TIMEOUT_MS = 1_500;
/** One saveUsage call, for which no user waits. */
export const STORE_SAVE_TIMEOUT_MS = 10_000;
/** One attempt to open the store: past it, a start says what it waits for and goes on. */
export const STORE_OPEN_TIMEOUT_MS = 14_000;
/** While the store is away: how often it is tried again, and how often a line says so. */
export const STORE_RETRY_MS = 500;
export const STORE_AWAY_LOG_MS = 10_000;
export const RECENT_USERS_MAX = 100_000;
/** Look-ups of registrations under way at once, of one edge node; further ones wait for their turn. */
export const LOOK_UPS_MAX = 128;
/** Of these, for users who watch already and are looked up again. */
export const LOOK_AGAIN_AT_ONCE = 16;
/** They are looked up again no more often than that, however short REGISTRATION_TTL_MS is. */
export const LOOK_AGAIN_MIN_MS = 1_000;
/** Registrations that an edge node takes for its page at once; further ones wait for their turn. */
export const REGISTRATIONS_MAX = 16;
/** An id that was found unregistered is looked up again so long after, at the soonest. */
export const LOOK_UP_AGAIN_MS = 500;

// The list of edge nodes
/** How often an edge node shows that it takes users, and how long others go by that: two may fail. */
export const ANNOUNCE_MS = 10_000;
export const ANNOUNCEMENT_LIFE_MS = 30_000;
/** Channels that an edge node tells of itself, at the most. */
export const ANNOUNCED_CHANNELS_MAX = 4_096;

// HTTP: functions' port and the operators'
/** What traces may add to an answer in Lambda, and to a stop, while their collector does not answer. */
export const TRACE_FLUSH_MS = 500;
export const HTTP_BODY_MAX_BYTES = 4 * KIB;
export const HTTP_HEAD_MAX_BYTES = 16 * KIB;
/** From a request's first byte to its last, and from a connection to its first request: whoever is slower is cut off. */
export const HTTP_REQUEST_TIMEOUT_MS = 10_000;
/** How often connections are looked through for requests past that limit. */
export const HTTP_TIMEOUT_CHECK_MS = 1_000;
/** A connection between two requests; longer than the 60 s after which a load balancer lets go of it. */
export const HTTP_KEEP_ALIVE_MS = 72_000;
/** A connection on which nothing moves although an answer is under way: the client does not take it. */
export const HTTP_STALL_MS = 30_000;
/** Requests of one connection that wait for the one before them. */
export const HTTP_PIPELINE_MAX_REQUESTS = 100;
/** Connections to functions at once; the open-files limit bounds them too. */
export const HTTP_MAX_CONNECTIONS = 8_192;
/** Connections to the operators' port at once, those of probes beyond, and those being told of no room: of RESERVED_FILES. */
export const ADMIN_MAX_CONNECTIONS = 16;
export const PROBE_MAX_CONNECTIONS = 8;
export const HTTP_TURNED_AWAY_MAX = 8;
/** Operators who look on at once; one more takes the place of the first. */
export const OPERATOR_STREAMS_MAX = 4;
/** How often they are sent what is new, and how far back the charts go. */
export const OPERATOR_TICK_MS = 1_000;
export const OPERATOR_HISTORY_SAMPLES = 600;
/** How often the store is asked whether it answers, while somebody looks on. */
export const OPERATOR_PING_MS = 5_000;
/** Channels or users of one page of a list. */
export const OPERATOR_PAGE_MAX_ROWS = 100;
/** Requests under way at a stop get this long: more than any waits for the store. */
export const HTTP_CLOSE_MS = STORE_TIMEOUT_MS + 1_000;

// Open files
/** How often it is tried whether a file can be opened. */
export const FILES_CHECK_MS = 1_000;

// The log
/** Lines that its reader has not taken yet; further ones are dropped and counted. */
export const LOG_BACKLOG_BYTES = MIB;
/** How long a stop waits for a reader of the log who has stopped reading. */
export const LOG_DRAIN_MS = 1_000;
/** Kinds of warnings and errors that are counted apart at once, and so the lines a second that floods of them may make. */
export const LOG_KINDS_MAX = 100;

// Usage
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
/** The span that /usage answers for. */
export const USAGE_WINDOW_MS = 24 * 60 * MINUTE_MS;
/** Rows live until this long after their minute: an hour past the window, for clocks that differ. */
export const USAGE_ROW_TTL_MS = 25 * 60 * MINUTE_MS;
/** A wall clock that is so far off at once was set, and did not merely drift. */
export const CLOCK_STEP_MS = 1_000;
/** A wall clock that was set is believed once it has stayed so for this long. */
export const CLOCK_STEP_PERSISTS_MS = 5_000;
/** How often the clock is looked at when nobody asks for the time. */
export const CLOCK_LOOK_MS = 1_000;
/** How often the spool folder is read for files that others left, and tried by writing to it. */
export const SPOOL_READ_MS = 60_000;
/** A process that has files in the spool shows so often that it lives. */
export const SPOOL_LEASE_RENEW_MS = 2_000;
/** One that has not shown it for so long is dead, and others take its files over. */
export const SPOOL_LEASE_MS = 8_000;
/** A write that died in the middle leaves a file that nobody finishes; it is removed past this age. */
export const SPOOL_UNFINISHED_MS = 60_000;
export const SPOOL_FILE_ROWS = 4_096;
/** One operation on the spool folder: past it the disk is taken for hung. */
export const SPOOL_DISK_TIMEOUT_MS = 10_000;
/** What is written to try whether the folder takes a file. */
export const SPOOL_PROBE_BYTES = 4 * KIB;
/** Rows of one saveUsage call, and calls under way at once: what the store may cost the event loop at a time. */
export const SAVE_BATCH_ROWS = 128;
export const SAVE_CONCURRENCY = 4;

// The gateway
/** What an edge node may let wait before it is dropped: a second and more of a hundred channels of 4 Mbit/s. */
export const FEED_CLIENT_MAX_BYTES = 64 * MIB;
export const FEED_KEEPALIVE_MS = 30_000;
/** At a stop edge nodes get this long to take what was sent. */
export const FEED_CLOSE_MS = 2_000;
/** An input that has not sent its first byte by then is given up: ffmpeg takes its time to look at a stream. */
export const INPUT_START_MS = 15_000;
/** The same once bytes have come, where opening anew costs more than waiting. */
export const INPUT_STALL_MS = 10_000;
/** The same of ffmpeg. It gives up by itself, but on a playlist that stands still: reopened, that plays its end again. */
export const CHILD_STALL_MS = 60_000;
export const INPUT_BACKOFF_MIN_MS = 250;
export const INPUT_BACKOFF_MAX_MS = 15_000;
/** An input before the one that plays gets the channel back once it has come without a flaw for so long. */
export const INPUT_WHOLE_MS = 10_000;
/** What is read ahead of a stream's clock, in bytes and in the stream's time. */
export const PACE_MAX_BYTES = 16 * MIB;
export const PACE_MAX_MS = 40_000;
/** A file that goes on so long without a clock reference cannot be played at its pace. */
export const PACE_WITHOUT_CLOCK_BYTES = 4 * MIB;
/** Clock references further apart than that are a clock that was set: no time passed between them. */
export const CLOCK_SET_MS = 5_000;
/** ffmpeg processes at once, and the least time between two starts. */
export const CHILDREN_MAX = 64;
export const CHILD_START_GAP_MS = 100;
export const CHANNELS_FILE_MAX_BYTES = 32 * MIB;
/** How often the channels file is looked at. */
export const CHANNELS_FILE_POLL_MS = 2_000;
