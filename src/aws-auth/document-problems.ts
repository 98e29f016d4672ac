import { type Problem, SECTIONS } from "./problem.ts";
import { misspelt } from "./section-problems.ts";

/** What a ConfigMap may hold in all, in bytes. Source: MaxSecretSize of the Kubernetes API. */
export const DOCUMENT_LIMIT = 1024 * 1024;

/** What is to be told of the document as a whole. */
export function documentProblems(data: Readonly<Record<string, string>>): Problem[] {
  const problems: Problem[] = [];
  for (const key of Object.keys(data)) {
    const section = SECTIONS.find((name) => name !== key && isNearly(key, name));
    if (section !== undefined) problems.push(misspelt(key, section));
  }
  const bytes = sizeOf(data);
  if (bytes > DOCUMENT_LIMIT) problems.push(tooLarge(bytes));
  return problems;
}

/** The bytes that a ConfigMap's limit counts: those of its keys and its values. */
export function sizeOf(data: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const [key, text] of Object.entries(data)) bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  return bytes;
}

function isNearly(key: string, section: string): boolean {
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replace(/[^a-z]/g, "")
      .replace(/s$/, "");
  return plain(key) === plain(section);
}

function tooLarge(bytes: number): Problem {
  return {
    code: "document-too-large",
    severity: "error",
    section: null,
    line: null,
    column: null,
    message: `The document has ${bytes} bytes; a ConfigMap may have ${DOCUMENT_LIMIT}.`,
    remedy: "Remove entries that nobody needs, or move people to shared roles.",
  };
}
