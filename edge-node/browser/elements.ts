/** The page lacks an element that its script needs: the two were not made together. */
class MissingElementError extends Error {
  override readonly name = 'MissingElementError';
}

/** @throws MissingElementError */
export function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new MissingElementError(`the page has no ${kind.name} #${id}`);
}

/** Text that is set only where it changes, so that nothing is read out twice. */
export function say(where: HTMLElement, text: string): void {
  if (where.textContent !== text) where.textContent = text;
}
