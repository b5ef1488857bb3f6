/** The elements of the page, by their ids. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page has no #${id}`);
  return element;
}

export function onClick(id: string, act: () => void): void {
  byId(id, HTMLButtonElement).addEventListener('click', act);
}
