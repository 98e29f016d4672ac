/** Whether two lists are the same, item by item. */
export function sameList(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text, index) => text === others[index]);
}

/** Whether two lists name the same groups, in any order and however often. */
export function sameGroups(some: readonly string[], others: readonly string[]): boolean {
  const set = new Set(some);
  return set.size === new Set(others).size && others.every((group) => set.has(group));
}
