import type { UserReport } from '../admin/snapshot.ts';

/** The edge node answered that it will not. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

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

/** Why something failed, as a sentence. */
export function whyNot(error: unknown): string {
  return error instanceof RefusedError
    ? `Refused: ${error.message}.`
    : 'The edge node cannot be reached.';
}

async function refusalIn(answer: Response): Promise<RefusedError> {
  const body: { message?: unknown } = await answer.json().catch(() => ({}));
  const message = typeof body.message === 'string' ? body.message : `status ${answer.status}`;
  return new RefusedError(answer.status, message);
}
