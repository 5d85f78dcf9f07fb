import { describe, expect, test } from 'vitest';
import { parse, type ScalarTag } from 'yaml';
import { read } from './tree.ts';

/** `!If [A, b, c]` reads as { If: [A, b, c] }, and so on. */
const TAGS = ['If', 'Not', 'And', 'Equals', 'Split', 'Ref', 'Sub', 'GetAtt'].flatMap((name) => [
  {
    tag: `!${name}`,
    collection: 'seq' as const,
    resolve: (value: { toJSON(): unknown }) => ({ [name]: value.toJSON() }),
  },
  { tag: `!${name}`, resolve: (value: string) => ({ [name]: value }) },
]);

interface Template {
  readonly Parameters: Readonly<Record<string, { Description?: string; Default?: unknown }>>;
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Resources: {
    readonly HttpApi: { readonly Properties: HttpApi };
    readonly Registrations: Table;
  };
}

interface Table {
  readonly DeletionPolicy: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

interface HttpApi {
  readonly RouteSettings: Readonly<Record<string, object>>;
  readonly DefinitionBody: {
    readonly paths: Readonly<
      Record<string, { 'x-amazon-apigateway-any-method': { security: unknown } }>
    >;
  };
}

const template = parse(read('template.yaml'), {
  customTags: TAGS as unknown as ScalarTag[],
}) as Template;
const { RouteSettings, DefinitionBody } = template.Resources.HttpApi.Properties;

describe('the API of Lambda', () => {
  test('is closed by default: without a token’s issuer, only who signs is answered, unless it is opened', () => {
    const security = Object.entries(DefinitionBody.paths).map(([path, methods]) => [
      path,
      methods['x-amazon-apigateway-any-method'].security,
    ]);
    const closed = { If: ['HasJwt', [{ jwt: [] }], { If: ['IsAnonymous', [], [{ iam: [] }]] }] };
    expect(security).toEqual([
      ['/register', closed],
      ['/register/{userId}', [{ iam: [] }]],
      ['/usage/{userId}', closed],
      ['/edges', closed],
      ['$default', closed],
    ]);
    expect(template.Parameters.AllowAnonymous?.Default).toBe('false');
    expect(template.Parameters.JwtIssuer?.Default).toBe('');
  });

  test('takes no token without an audience, and is not open for want of one', () => {
    const isGiven = (name: string) => ({ Not: [{ Equals: [{ Ref: name }, ''] }] });
    expect(template.Conditions.HasJwt).toEqual({
      And: [isGiven('JwtIssuer'), isGiven('JwtAudience')],
    });
    expect(template.Conditions.IsAnonymous).toEqual({
      And: [
        { Equals: [{ Ref: 'JwtIssuer' }, ''] },
        { Equals: [{ Ref: 'AllowAnonymous' }, 'true'] },
      ],
    });
  });

  test('limits each route by itself', () => {
    const paths = Object.keys(DefinitionBody.paths).filter((path) => path !== '$default');
    expect(Object.keys(RouteSettings)).toEqual(paths.map((path) => `ANY ${path}`));
    for (const settings of Object.values(RouteSettings)) {
      expect(settings).toHaveProperty('ThrottlingRateLimit');
      expect(settings).toHaveProperty('ThrottlingBurstLimit');
    }
  });

  test('says of every parameter what it does', () => {
    const silent = Object.entries(template.Parameters).filter(
      ([, { Description }]) => !Description,
    );
    expect(silent).toEqual([]);
  });
});

test('who is registered outlives a wrong command, a deleted stack and a wrong write', () => {
  const { DeletionPolicy, Properties } = template.Resources.Registrations;
  expect(DeletionPolicy).toBe('Retain');
  expect(Properties).toMatchObject({
    DeletionProtectionEnabled: true,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  });
});
