/** `npm run test:long` plays outages and kills at full length and number; otherwise they are cut to seconds. */
export const IS_LONG = process.env.E2E_LONG === '1';
