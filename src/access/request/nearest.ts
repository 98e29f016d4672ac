/** The known word that is nearest to what was typed, where it is near enough to be meant. */
export function nearest(typed: string, known: readonly string[]): string | null {
  const ranked = known
    // A line of thousands of characters is near to nothing, and must not keep the process busy.
    .filter((word) => Math.abs(word.length - typed.length) <= allowed(word))
    .map((word) => ({ word, distance: editDistance(typed.toLowerCase(), word.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best && best.distance <= allowed(best.word) ? best.word : null;
}

/** So many letters may be wrong. */
function allowed(word: string): number {
  return Math.max(1, Math.floor(word.length / 3));
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
