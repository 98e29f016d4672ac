import { AccessError } from "./access-error.ts";

export interface PageBounds {
  readonly pages: number;
  readonly items: number;
  readonly deadline: AbortSignal;
}

/** One page of an outside answer. An absent or empty token marks the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/**
 * Reads page after page within bounds. Beyond them it throws: half of a list looks like a whole one. @param what the call and
 * its subject @throws AccessError `answer-too-large`
 */
export async function* boundedPages<T>(
  what: string,
  { pages, items, deadline }: PageBounds,
  read: (token: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<readonly T[]> {
  let token: string | undefined;
  let count = 0;
  for (let page = 1; ; page += 1) {
    if (deadline.aborted) throw answerTooLarge(`${what} takes too long for one reading`);
    const { items: some, next } = await read(token);
    count += some.length;
    if (count > items) throw answerTooLarge(`${what} has more than ${items} items`);
    yield some;
    if (!next) return;
    if (page === pages) throw answerTooLarge(`${what} goes on after ${pages} pages`);
    token = next;
  }
}

export async function allOfPages<T>(
  what: string,
  bounds: PageBounds,
  read: (token: string | undefined) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const some of boundedPages(what, bounds, read)) for (const item of some) all.push(item);
  return all;
}

/** @param what a clause without a full stop */
export function answerTooLarge(what: string): AccessError {
  return new AccessError("answer-too-large", what);
}
