import {
  type ContractCase,
  httpClient,
  httpContract,
} from '../../../../functions/testing/http-contract.ts';

/**
 * Holds an origin to the HTTP contract.
 * @param applies which cases the service itself answers there, and no gateway before it
 */
export async function keepsContract(
  origin: string,
  applies: (each: ContractCase) => boolean = () => true,
): Promise<string> {
  const cases = httpContract(httpClient(origin)).filter(applies);
  const failures: string[] = [];
  for (const { name, run } of cases) {
    await run().catch((error: Error) => failures.push(`${name}: ${error.message}`));
  }
  if (failures.length > 0) {
    throw new Error(`${failures.length} of ${cases.length} fail\n${failures.join('\n')}`);
  }
  return `${cases.length} cases of the HTTP contract hold`;
}
