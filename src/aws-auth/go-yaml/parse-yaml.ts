import { FORBIDDEN } from "./characters.ts";
import { YamlFailure } from "./failure.ts";
import type { YamlDocument } from "./node.ts";
import { emptyScalar, NodeParser } from "./node-parser.ts";
import { Scanner } from "./scanner.ts";
import type { Mark } from "./token.ts";

/** Reads the first YAML document of a text as go-yaml v2 does. Throws a YamlFailure where go-yaml answers an error. */
export function parseYaml(text: string): YamlDocument {
  refuseForbidden(text);
  const scanner = new Scanner(text);
  const parser = new NodeParser(scanner);
  const first = scanner.peek();
  if (first.type === "stream-end") return { root: null, dropped: null };
  const isExplicit = first.type === "document-start" || first.type.endsWith("-directive");
  if (isExplicit) parser.openDocument();
  const root = isExplicit && endsDocument(scanner.peek().type) ? emptyScalar(scanner.peek().start) : parser.block();
  return { root, dropped: findDropped(scanner) };
}

function endsDocument(type: string): boolean {
  return type === "document-start" || type === "document-end" || type === "stream-end" || type.endsWith("-directive");
}

/** go-yaml asks for one token behind the root and no more, so an error in that one counts and later ones don't. */
function findDropped(scanner: Scanner): Mark | null {
  let last = scanner.peek();
  try {
    while (last.type === "document-end") {
      scanner.take();
      last = scanner.peek();
    }
  } catch (failure) {
    if (failure instanceof YamlFailure) return { at: last.end, line: failure.line, column: failure.column };
    throw failure;
  }
  return last.type === "stream-end" ? null : last.start;
}

function refuseForbidden(text: string): void {
  const at = text.search(FORBIDDEN);
  if (at < 0) return;
  const lines = text.slice(0, at).split(/\r\n|[\n\r\u0085\u2028\u2029]/);
  throw new YamlFailure("control characters are not allowed", lines.length - 1, lines.at(-1)?.length ?? 0);
}
