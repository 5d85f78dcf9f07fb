import type { Clock } from '../../shared/clock.ts';
import { OVERLOAD_SHARE } from '../../shared/limits.ts';
import type { Overload } from '../delivery/overload.ts';

interface LoadSigns {
  readonly sessions: { readonly refusalOfAll: object | undefined };
  readonly admission: { readonly users: number; readonly maxUsers: number };
  readonly overload: Pick<Overload, 'shareAt'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/**
 * How full a node is, of what it runs out of first: places for users, or the event loop's time up to where newcomers are
 * refused. 0 is idle; 1, and it alone, takes nobody more. In hundredths.
 */
export function loadOf({ sessions, admission, overload, clock }: LoadSigns): number {
  const ofPlaces = admission.users / admission.maxUsers;
  const ofTime = overload.shareAt(clock.monotonicMs()) / OVERLOAD_SHARE;
  if (sessions.refusalOfAll !== undefined || ofPlaces >= 1) return 1;
  return Math.min(0.99, hundredths(Math.max(ofPlaces, ofTime)));
}

/**
 * The same of a node of several workers: newcomers are taken by the worker with the most room, while the node has places.
 * Those it knows itself: a worker that has just started knows of its own users alone.
 * @param loads of the workers that take users, as they last told
 */
export function loadOfNode(
  { users, maxUsers }: LoadSigns['admission'],
  loads: readonly number[],
): number {
  if (loads.length === 0) return 1;
  return Math.min(1, Math.max(hundredths(users / maxUsers), Math.min(...loads)));
}

function hundredths(share: number): number {
  return Math.floor(100 * share) / 100;
}

/** The header in which balancers look for it: an ORCA load report, as Envoy and gRPC read it. */
export const LOAD_HEADER = 'endpoint-load-metrics';

export function loadReport(load: number): string {
  return `TEXT application_utilization=${load}`;
}
