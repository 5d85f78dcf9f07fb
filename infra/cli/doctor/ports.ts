import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Config } from '../../../shared/config.ts';
import { reasonOf } from '../../../shared/errors.ts';
import { originAt, reachable } from '../places.ts';
import { type Check, type Finding, ok, problem } from './finding.ts';

const ANSWER_WITHIN_MS = 3_000;

interface Port {
  readonly name: string;
  /** The beginning of its two settings' names. */
  readonly prefix: 'SERVER' | 'STREAM' | 'WATCH' | 'ADMIN';
  /** What only this part of the service answers; undefined where it says nothing of itself. */
  readonly proof: { readonly path: string; readonly pattern: RegExp } | undefined;
}

const PORTS: readonly Port[] = [
  { name: 'functions', prefix: 'SERVER', proof: { path: '/usage/', pattern: /"code":"\w+"/ } },
  { name: 'users', prefix: 'STREAM', proof: undefined },
  { name: 'players', prefix: 'WATCH', proof: { path: '/watch/', pattern: /"code":"\w+"/ } },
  { name: 'admin', prefix: 'ADMIN', proof: { path: '/healthz', pattern: /"status":"ok"/ } },
];

/** Each port of the service: answering as it should, or free to be taken. */
export function portChecks(config: Config): Check[] {
  return PORTS.map((port) => {
    const [host, number] = [config[`${port.prefix}_HOST`], config[`${port.prefix}_PORT`]];
    return {
      name: `${number} ${port.name}`,
      look: async () => {
        if (number === 0) return ok('a free port is taken at each start');
        if (await isTaken(reachable(host), number)) return lookAtTaken(port, host, number);
        return lookAtFree(port, host, number);
      },
    };
  });
}

async function isTaken(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function lookAtTaken({ prefix, proof }: Port, host: string, port: number): Promise<Finding> {
  if (proof === undefined) return ok('takes connections');
  const another = problem(
    'another program has this port',
    `stop it, or set ${prefix}_PORT to another one`,
  );
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const answer = await fetch(`${originAt(host, port)}${proof.path}`, { signal });
    return proof.pattern.test(await answer.text()) ? ok('answers') : another;
  } catch (thrown) {
    const isSlow = thrown instanceof Error && thrown.name === 'TimeoutError';
    if (!isSlow) return another;
    return problem(
      `takes connections, and answers nothing within ${ANSWER_WITHIN_MS / 1000} s`,
      'look at its CPU and its log; restart it if it hangs',
    );
  }
}

/** Whether a service could take the port, told by taking it for a moment. */
async function lookAtFree({ prefix }: Port, host: string, port: number): Promise<Finding> {
  const server = createServer();
  try {
    await once(server.listen({ host, port, exclusive: true }), 'listening');
    return ok('free: nothing runs there');
  } catch (thrown) {
    const isForbidden = (thrown as NodeJS.ErrnoException).code === 'EACCES';
    const advice = isForbidden
      ? `set ${prefix}_PORT to 1024 or higher`
      : `set ${prefix}_HOST to an address of this machine, or to 0.0.0.0`;
    return problem(`cannot be taken: ${reasonOf(thrown)}`, advice);
  } finally {
    server.close();
  }
}
