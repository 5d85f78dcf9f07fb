/** What the doctor found out about one thing. A problem comes with what to do. */
export type Finding =
  | { readonly isOk: true; readonly detail: string }
  | { readonly isOk: false; readonly detail: string; readonly advice: string };

export const ok = (detail: string): Finding => ({ isOk: true, detail });
export const problem = (detail: string, advice: string): Finding => ({
  isOk: false,
  detail,
  advice,
});

/** One line of the doctor: `look` never rejects for what it looks for. */
export interface Check {
  readonly name: string;
  readonly look: () => Promise<Finding>;
}
