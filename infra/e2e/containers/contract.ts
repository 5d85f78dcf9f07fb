import { httpClient, httpContract } from '../../../functions/http-contract.ts';

/**
 * Holds an origin to the HTTP contract.
 * @param direct whether the service itself answers there, and no gateway before it
 */
export async function keepsContract(origin: string, direct: boolean): Promise<string> {
  const cases = httpContract(httpClient(origin)).filter((each) => direct || !each.direct);
  const failures: string[] = [];
  for (const { name, run } of cases) {
    await run().catch((error: Error) => failures.push(`${name}: ${error.message}`));
  }
  if (failures.length > 0) {
    throw new Error(`${failures.length} of ${cases.length} fail\n${failures.join('\n')}`);
  }
  return `all ${cases.length} cases of the HTTP contract hold`;
}
