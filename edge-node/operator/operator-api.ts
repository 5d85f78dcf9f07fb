import type { UserReport } from '../admin/snapshot.ts';
import { RefusedError, refusalIn } from '../browser/refusal.ts';

const UNAUTHORIZED = 401;
/** The operators' token stays with the tab, and goes with it. */
const TOKEN = 'operators-token';

/** What the page asks of its edge node. The token goes in a header, where no log of URLs holds it. */
export const api = {
  get hasToken(): boolean {
    return sessionStorage.getItem(TOKEN) !== null;
  },

  enter(token: string): void {
    sessionStorage.setItem(TOKEN, token);
  },

  forget(): void {
    sessionStorage.removeItem(TOKEN);
  },

  /** @throws RefusedError, or what fetch throws where nobody answers */
  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const token = sessionStorage.getItem(TOKEN);
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const answer = await fetch(path, { ...init, headers, cache: 'no-store' });
    if (!answer.ok) throw await refusalIn(answer);
    return answer;
  },

  async user(user: string, signal: AbortSignal): Promise<UserReport> {
    const answer = await api.ask(`users/${encodeURIComponent(user)}`, { signal });
    return answer.json();
  },

  async closeSession(id: number): Promise<void> {
    await api.ask(`sessions/${id}/close`, { method: 'POST' });
  },
};

/** Whether the token is asked for, or is not that one. */
export function isUnauthorized(error: unknown): boolean {
  return error instanceof RefusedError && error.status === UNAUTHORIZED;
}
