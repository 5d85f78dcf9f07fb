/** Who watches what in a demo: the seed's five, one of them a channel that nobody plays. */
export const DEMO_USERS = [
  ['user-1', 'zato01'],
  ['user-2', 'zato02'],
  ['user-3', 'unknown'],
  ['user-4', 'zato01'],
  ['user-5', 'zato02'],
] as const;
