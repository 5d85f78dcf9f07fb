import { systemClock } from '../shared/clock.ts';
import { type Config, loadConfig } from '../shared/config.ts';
import { ConfigError, StoreSetupError } from '../shared/errors.ts';
import { ALIVE_MS } from '../shared/limits.ts';
import { createLogger } from '../shared/logger.ts';
import { runService, type ServiceProcess } from '../shared/run-service.ts';
import { openStore } from '../shared/store/open-store.ts';
import { ProcessOperators } from './admin/live/process-operators.ts';
import { EdgeNode } from './edge-node.ts';
import { loadOf } from './placement/load.ts';
import { fileShares } from './transports/open-files.ts';
import type { ReportRequest } from './workers/messages.ts';
import { RemoteAdmission } from './workers/remote-admission.ts';
import { SupervisorLink } from './workers/supervisor-link.ts';
import { workerReporter } from './workers/worker-reports.ts';
import { nodeMaxUsers } from './workers/worker-settings.ts';

/**
 * One of the processes that serve the users of a node: a whole edge node, but that its supervisor gives out the places
 * and has the port for operators. It is started by the supervisor alone, with its number as argument.
 */

const link = new SupervisorLink();

/** What a worker may use of what is the node's. */
function shareOf(config: Config, worker: number): Config {
  const { EDGE_WORKERS: workers, EDGE_LOG_BYTES, USAGE_MAX_PENDING_ROWS } = config;
  return {
    ...config,
    EDGE_LOG_BYTES: Math.floor(EDGE_LOG_BYTES / workers),
    USAGE_MAX_PENDING_ROWS: Math.ceil(USAGE_MAX_PENDING_ROWS / workers),
    // The first speaks for all: a node is listed once.
    ADVERTISE_ADDRESS: worker === 0 ? config.ADVERTISE_ADDRESS : undefined,
  };
}

/** Runs until its supervisor says so or is gone, or it is told to stop itself. */
async function serve({ output, stopped, mayHang }: ServiceProcess): Promise<void> {
  const worker = Number(process.argv[2]);
  const config = shareOf(loadConfig(process.env), worker);
  const logger = createLogger(config.LOG_LEVEL, 'edge-node', output).child({ worker });
  const stop = Promise.race([stopped, link.stopped]);

  const clock = systemClock();
  const store = await Promise.race([openStore(config, logger, clock), stop]);
  if (typeof store === 'string') return;

  const lost = () => {
    const { record, sessions } = edge.view;
    record.closed(sessions.isDraining ? 'shutdown' : 'client_reset');
  };
  const admission = new RemoteAdmission({
    maxUsers: nodeMaxUsers(config, fileShares(config.MAX_USERS).users),
    tell: (item) => link.tell(item),
    move: (place, connection) => link.move(place, connection),
    lost,
  });
  let nodeLoad: number | undefined;
  const edge = new EdgeNode({
    config,
    store,
    logger,
    clock,
    membership: { workers: config.EDGE_WORKERS, admission, load: () => nodeLoad },
    droppedLogLines: () => output.droppedLines,
  });
  const operators = new ProcessOperators(edge.view);
  operators.start();
  const reportOf = workerReporter(edge.view, operators);
  const report = async (request: number, asked: ReportRequest) => {
    await link.send({ kind: 'report', request, report: await reportOf(asked) });
  };
  link.listen({
    heard: (item) => admission.heard(item),
    moved: (place, connection) => edge.view.sessions.begin(connection, admission.holder(place)),
    lost,
    report: ({ request, of }) => void report(request, of),
    writerDied: ({ writerId }) => edge.view.writer.ownerDied(writerId),
    hurry: () => edge.hurry(),
    node: ({ users, load }) => {
      admission.noteUsers(users);
      nodeLoad = load;
    },
  });

  const at = await edge.startWorker();
  await link.send({ kind: 'listening', at, writerId: edge.view.writer.owner });
  const alive = setInterval(() => {
    const ghosts = admission.ghosts(clock.monotonicMs());
    void link.send({ kind: 'alive', load: loadOf(edge.view), ...ghosts });
  }, ALIVE_MS);
  logger.info({ pid: process.pid }, 'this worker takes users');

  const why = await stop;
  logger.info({ why }, 'stopping');
  void link.send({ kind: 'draining' });
  await edge.stop();
  clearInterval(alive);
  operators.stop();
  mayHang(edge.spoolFolder.idle());
  logger.info('stopped');
}

/** What keeps it from starting is told by the supervisor, once for all. */
await runService(async (service) => {
  try {
    await serve(service);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StoreSetupError)) throw error;
    await link.send({ kind: 'cannot_start', message: error.message });
  }
});
