import { HTTP_ERRORS, type HttpErrorCode } from '../shared/errors.ts';

/**
 * What a route tells of itself in docs/openapi.json, which `npm run docs` makes. It stands in the route's `config` and not
 * in its `schema`: Fastify would compile checks out of a schema at every start, and the routes check better themselves,
 * since no schema can say what a user id is. What is told is held against real answers by description.test.ts.
 */
export interface Description {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: ObjectSchema;
  readonly querystring?: ObjectSchema;
  readonly body?: { readonly content: Content };
  /** By status. */
  readonly response: Readonly<Record<string, AnswerDescription>>;
  /** Any of these; {} is nothing. Open to everyone where it is left out. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}

/** JSON Schema, as far as these routes need it. */
export interface Schema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'number';
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | false;
}

interface ObjectSchema extends Schema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, Schema>>;
}

type Content = Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;

type AnswerDescription =
  | { readonly description: string; readonly content: Content }
  /** Without a body. */
  | { readonly description: string; readonly type: 'null' };

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly description?: Description;
  }
}

/** An answer of 200 without a body. */
export function empty(description: string): AnswerDescription {
  return { description, type: 'null' };
}

/** An error's body, one of these codes. */
export function errorSchema(codes: HttpErrorCode[]) {
  return {
    type: 'object' as const,
    properties: {
      code: { type: 'string' as const, enum: codes },
      message: { type: 'string' as const },
    },
    required: ['code', 'message'],
    additionalProperties: false,
  } satisfies Schema;
}

/** The answers of these errors, by status. */
export function errorAnswers(...codes: HttpErrorCode[]): Record<string, AnswerDescription> {
  const byStatus = Map.groupBy(codes, (code) => HTTP_ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => [
      status,
      {
        description: ofStatus
          .map((code) => `\`${code}\`: ${HTTP_ERRORS[code].message}`)
          .join('\n\n'),
        content: { 'application/json': { schema: errorSchema(ofStatus) } },
      },
    ]),
  );
}

/** A user id as a schema can say it; characters are fewer than bytes. */
export const USER_ID_SCHEMA: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 128,
  description: HTTP_ERRORS.bad_user_id.message,
};
