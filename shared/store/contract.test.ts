import { afterAll, beforeAll, describe } from 'vitest';
import { isTestable, makeTestStore, type TestStore } from '../../infra/local/test-stores.ts';
import { loadEngine, STORE_NAMES } from './engines.ts';
import { describeStore } from './testing/contract.ts';

/** One suite judges every engine there is. */
for (const name of STORE_NAMES) {
  describe.skipIf(!isTestable(name))(name, () => {
    let store: TestStore;
    beforeAll(async () => {
      store = await makeTestStore(name);
    });
    afterAll(() => store.remove());
    describeStore(async (options) => (await loadEngine(name)).open(store.config, options));
  });
}
