import { type Document, isScalar, isSeq, parseAllDocuments } from "yaml";

/**
 * Reads a section of aws-auth as Go's YAML parser and its JSON decoder do: YAML 1.1, the first document only, the last of two equal
 * keys wins. Throws on what Go can't read either.
 */
export function readGoYaml(text: string): unknown {
  return firstDocument(text)?.toJS() ?? null;
}

/** Decodes into a Go `[]string`: a scalar of any type keeps its text, so that an account id keeps its zeros. */
export function readGoStrings(text: string): string[] {
  const document = firstDocument(text);
  const items = isSeq(document?.contents) ? document.contents.items : [];
  return items.flatMap((item) => (isScalar(item) && item.value !== null ? [item.source ?? String(item.value)] : []));
}

function firstDocument(text: string): Document | undefined {
  const [document] = parseAllDocuments(untilDedent(text), {
    version: "1.1",
    uniqueKeys: false,
    // go-yaml reads neither base 60 nor, into an interface, timestamps: both stay text.
    customTags: (tags) =>
      tags.filter((tag) => typeof tag === "string" || !(tag.format === "TIME" || tag.tag.endsWith(":timestamp"))),
  }) as Document[];
  const [error] = document?.errors ?? [];
  if (error) throw error;
  return document;
}

/** A line that stands further left than the first one ends the document for Go, which drops the rest without a word. */
function untilDedent(text: string): string {
  const lines = text.split("\n");
  const isContent = (line: string) => /\S/.test(line) && !/^\s*#/.test(line);
  const indent = (line: string) => line.length - line.trimStart().length;
  const first = lines.findIndex(isContent);
  const end = lines.findIndex((line, at) => at > first && isContent(line) && indent(line) < indent(lines[first] ?? ""));
  return end < 0 ? text : lines.slice(0, end).join("\n");
}
