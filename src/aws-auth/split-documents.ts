/** One YAML document of a text, and where it begins. */
export interface DocumentText {
  readonly text: string;
  /** In UTF-16 units. */
  readonly offset: number;
  /** Counted from 0. */
  readonly line: number;
}

/** Cuts a text where a line begins with `---`. That ends every scalar too, so it is never a part of one. */
export function splitDocuments(text: string): DocumentText[] {
  const documents: DocumentText[] = [];
  const starts = [...text.matchAll(/^---(?=\s|$)/gm)].map((match) => match.index);
  const cuts = [...new Set([0, ...starts])];
  let line = 0;
  for (const [index, offset] of cuts.entries()) {
    const part = text.slice(offset, cuts[index + 1]);
    documents.push({ text: part, offset, line });
    line += part.split("\n").length - 1;
  }
  return documents;
}
