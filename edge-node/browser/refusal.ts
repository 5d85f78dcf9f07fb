/** The edge node answered that it will not. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Those that asking again will not change. */
export const isFinal = ({ status }: RefusedError): boolean => status >= 400 && status < 500;

export async function refusalIn(answer: Response): Promise<RefusedError> {
  const body: { message?: unknown } = await answer.json().catch(() => ({}));
  const message = typeof body.message === 'string' ? body.message : `status ${answer.status}`;
  return new RefusedError(answer.status, message);
}

/** Why something failed, as a sentence. */
export function whyNot(error: unknown): string {
  return error instanceof RefusedError
    ? `Refused: ${error.message}.`
    : 'The edge node cannot be reached.';
}
