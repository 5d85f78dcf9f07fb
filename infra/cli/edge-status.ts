import type { EdgeStatus } from '../../edge-node/admin/snapshot.ts';
import { askJson } from './ask.ts';
import { CliError } from './cli-error.ts';

/** What an edge node's admin port says. @throws CliError where no edge node answers there, or it refuses */
export async function edgeStatus(origin: string, stop?: AbortSignal): Promise<EdgeStatus> {
  const status = await askJson(`${origin}/status`, adminToken(), stop);
  if (isEdgeStatus(status)) return status;
  throw new CliError(`${origin} is not the admin port of an edge node (ADMIN_PORT)`);
}

/** The first of ADMIN_TOKEN: of several, all are good. */
function adminToken(): string | undefined {
  return process.env.ADMIN_TOKEN?.split(',')[0]?.trim() || undefined;
}

function isEdgeStatus(status: unknown): status is EdgeStatus {
  const { channels, users, store } = Object(status);
  return Array.isArray(channels) && Array.isArray(users) && typeof store === 'object';
}
