import type { Registry } from 'prom-client';
import { CLOSE_REASONS, REFUSAL_CAUSES, REFUSALS, type RefusalCause } from '../../shared/errors.ts';
import { closedByReason, type HttpListener } from '../../shared/http/http-listener.ts';
import { createRegistry, type Define } from '../../shared/metrics/registry.ts';
import type { Certificate } from '../transports/certificate.ts';
import type { EdgeView } from './edge-view.ts';
import { demandMetrics, mergeMetrics, sourceMetrics } from './sources/source-metrics.ts';

/**
 * The metrics of an edge node but for those of each channel. The parts keep plain counters; nothing is computed before
 * somebody asks. A worker has no port for operators: its supervisor has.
 */
export function createMetrics(view: EdgeView, listener?: HttpListener): Registry {
  const { registry, counter, gauge } = createRegistry();
  sourceMetrics(view, counter, gauge);
  demandMetrics(view, counter, gauge);
  mergeMetrics(view, counter);
  nodeMetrics(view, gauge);
  userMetrics(view, counter, gauge);
  usageMetrics(view, counter, gauge);
  processMetrics(view, counter);
  if (listener) adminMetrics(listener, counter, gauge);
  return registry;
}

function nodeMetrics({ channels, load }: EdgeView, gauge: Define): void {
  gauge('channels', 'Channels that are known now', [], () => channels.size);
  gauge('log_bytes', 'Memory of all logs and held packets', [], () => channels.budget.usedBytes);
  gauge(
    'log_pinned_bytes',
    'Of log_bytes, what logs have dropped and unfinished writes to users still hold',
    [],
    () => channels.budget.pinnedBytes,
  );
  gauge(
    'load_factor',
    'How far the size and the linger of runs have grown with the load',
    [],
    () => load.value,
  );
}

/** Of those of `bad_token`; a list leaves out the channels that a token is not for. */
const LIST_CAUSES = ['missing', 'invalid', 'other_user'] as const;

function userMetrics(
  {
    sessions,
    admission,
    lobby,
    certificate,
    overload,
    clock,
    record,
    channels,
    registrations,
  }: EdgeView,
  counter: Define,
  gauge: Define,
): void {
  gauge('users', 'Users connected', [], () => sessions.size);
  gauge(
    'users_waiting',
    'Users who wait for a channel that is not there',
    [],
    () => channels.waitingUsers,
  );
  gauge('users_max', 'Most users at once', [], () => admission.maxUsers);
  gauge(
    'connections_arriving',
    'Connections that have not been admitted or refused yet',
    [],
    () => lobby.size,
  );
  gauge(
    'users_looked_up',
    'Users who wait for the store to tell whether they are registered',
    [],
    () => registrations.waiting,
  );
  gauge(
    'delivery_share',
    "Part of the event loop's time that delivery takes; above 0.8 newcomers are refused",
    [],
    () => overload.shareAt(clock.monotonicMs()),
  );
  gauge(
    'delivery_lag_seconds',
    'How late the last round of delivery was done',
    [],
    () => overload.lagMsAt(clock.monotonicMs()) / 1000,
  );
  const ofCertificate = (read: (certificate: Certificate) => number) => () =>
    certificate === undefined ? [] : ([[{}, read(certificate)]] as const);
  gauge(
    'tls_certificate_expires_timestamp_seconds',
    'When the certificate of 9111 and 9113 ends; none without TLS',
    [],
    ofCertificate(({ expiresMs }) => expiresMs / 1000),
  );
  gauge(
    'tls_certificate_unusable',
    'The files of the certificate cannot serve as they are now: the last good ones go on',
    [],
    ofCertificate(({ isBroken }) => Number(isBroken)),
  );
  counter('connections_total', 'Connections accepted', [], () => record.accepted);
  counter('closes_total', 'Connections ended', ['reason'], () =>
    countsOf('reason', CLOSE_REASONS, record.closes),
  );
  counter(
    'refusals_total',
    'Connections refused, on 9111 with an ERR line, on 9113 with an HTTP status',
    ['code'],
    () => countsOf('code', REFUSALS, record.refusals),
  );
  counter(
    'refusal_causes_total',
    'Of refusals_total, those whose code has several causes',
    ['code', 'cause'],
    () =>
      (Object.keys(REFUSAL_CAUSES) as RefusalCause[]).map(
        (cause) =>
          [
            { code: REFUSAL_CAUSES[cause].code, cause },
            record.refusalCauses.get(cause) ?? 0,
          ] as const,
      ),
  );
  counter(
    'lists_refused_total',
    'Playlists and lists of channels that were refused, by what is wrong with the token',
    ['cause'],
    () => LIST_CAUSES.map((cause) => [{ cause }, record.listRefusals.get(cause) ?? 0] as const),
  );
  counter(
    'registration_failures_total',
    'Look-ups that the store did not answer',
    [],
    () => registrations.failures,
  );
}

/** Every name of a closed list, with 0 for what never happened: a rate needs the zero before the first. */
function countsOf<N extends string>(
  label: string,
  names: Readonly<Record<N, unknown>>,
  counts: ReadonlyMap<N, number>,
) {
  return (Object.keys(names) as N[]).map(
    (name) => [{ [label]: name }, counts.get(name) ?? 0] as const,
  );
}

function usageMetrics({ writer }: EdgeView, counter: Define, gauge: Define): void {
  gauge('store_reachable', '1 while the store takes usage', [], () =>
    writer.stats.reachable ? 1 : 0,
  );
  gauge(
    'usage_pending_rows',
    'Rows that wait for the store in memory',
    [],
    () => writer.stats.pendingRows,
  );
  gauge(
    'usage_oldest_pending_seconds',
    'Age of the oldest row that is not stored yet, in memory or in the spool',
    [],
    () => writer.stats.oldestPendingMs / 1000,
  );
  gauge(
    'usage_spool_files',
    'Files of this process in the spool',
    [],
    () => writer.stats.spool.files,
  );
  counter(
    'usage_saved_rows_total',
    'Rows that the store has taken',
    [],
    () => writer.stats.rowsSaved,
  );
  counter(
    'usage_save_failures_total',
    'Saves that the store did not take',
    [],
    () => writer.stats.saveFailures,
  );
  counter(
    'usage_refused_rows_total',
    'Rows that the store refused while it took others; they are tried again',
    [],
    () => writer.stats.rowsRefused,
  );
  gauge('usage_spool_writable', '1 while the spool folder takes files', [], () =>
    writer.stats.spool.health.kind === 'writable' ? 1 : 0,
  );
  counter('usage_spool_rows_total', 'Rows through the spool', ['direction'], () => [
    [{ direction: 'written' }, writer.stats.spool.rowsWritten],
    [{ direction: 'read' }, writer.stats.spool.rowsRead],
  ]);
  counter('usage_spool_failures_total', 'Spool files that could not be used', ['reason'], () => [
    [{ reason: 'write' }, writer.stats.spool.writeFailures],
    [{ reason: 'read' }, writer.stats.spool.filesFailed],
    [{ reason: 'damaged' }, writer.stats.spool.filesDamaged],
  ]);
  counter('usage_lost_rows_total', 'Rows lost', ['reason'], () => [
    [{ reason: 'too_old' }, writer.stats.rowsTooOld + writer.stats.spool.rowsTooOld],
    [{ reason: 'no_room' }, writer.stats.rowsWithoutRoom],
  ]);
}

export function adminMetrics(listener: HttpListener, counter: Define, gauge: Define): void {
  gauge('admin_connections', "Connections to the operators' port", [], () => listener.connections);
  counter(
    'admin_connections_closed_total',
    "Connections to the operators' port that were closed for the sake of others",
    ['reason'],
    () => closedByReason(listener),
  );
}

function processMetrics(
  { files, droppedLogLines, announcementFailures }: EdgeView,
  counter: Define,
): void {
  counter(
    'announcement_failures_total',
    'Times that the store did not take that this node takes users',
    [],
    announcementFailures,
  );
  counter(
    'log_lines_dropped_total',
    'Log lines that were dropped since nobody read them in time',
    [],
    droppedLogLines,
  );
  counter(
    'files_exhausted_total',
    'Times that this process could open no more files',
    [],
    () => files.exhausted,
  );
}
